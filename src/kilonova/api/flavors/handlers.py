"""Flavors: list, detail, show."""

from collections.abc import Callable, Sequence
from typing import Any

from kilonova.api.flavors import view
from kilonova.api.paging import limit_of, page, with_next
from kilonova.api.parameters import truth
from kilonova.api.request import Request
from kilonova.db.repository import flavors
from kilonova.model.errors import BadRequest
from kilonova.model.flavor import Flavor


async def index(request: Request) -> dict[str, Any]:
    return await _list(request, "flavors", view.brief)


async def detail(request: Request) -> dict[str, Any]:
    return await _list(request, "flavors/detail", view.full)


async def show(request: Request) -> dict[str, Any]:
    return {"flavor": view.full(request, await visible(request, request.params["id"]))}


async def visible(request: Request, flavor_id: str) -> Flavor:
    """Errors: FlavorNotFound; private flavors of others count as not there."""
    project = None if request.caller.is_admin else request.caller.project_id or ""
    return await flavors.get(request.world.db, flavor_id, project_id=project)


async def _list(request: Request, path: str, show_one: Callable[[Request, Flavor], dict[str, Any]]) -> dict[str, Any]:
    limit = limit_of(request)
    found = await flavors.listed(
        request.world.db,
        which=_which(request),
        project_id=request.caller.project_id or "",
        sort_key=request.one("sort_key") or "flavorid",
        descending=request.one("sort_dir") == "desc",
    )
    shown = page(_filtered(request, found), marker=request.one("marker"), limit=limit, identifier="id")
    document = {"flavors": [show_one(request, flavor) for flavor in shown]}
    return with_next(request, document, "flavors", path, shown[-1].id if shown else None, limit)


def _which(request: Request) -> flavors.Which:
    """Only admins may ask for private ones; others always see the public ones and those given to their project."""
    if not request.caller.is_admin:
        return "seen"
    asked = request.one("is_public")
    if asked is None:
        return "seen"
    if asked.lower() == "none":
        return "all"
    public = truth(asked)
    if public is not None:
        return "public" if public else "private"
    raise BadRequest(f"Invalid is_public filter [{asked}]")


def _filtered(request: Request, found: Sequence[Flavor]) -> Sequence[Flavor]:
    least_ram = _least(request, "minRam")
    least_disk = _least(request, "minDisk")
    name = request.one("name")
    return [
        flavor
        for flavor in found
        if not flavor.disabled
        and flavor.memory_mib >= least_ram
        and flavor.root_gib >= least_disk
        and (name is None or name in flavor.name)
    ]


def _least(request: Request, name: str) -> int:
    text = request.one(name)
    if text is None:
        return 0
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest(f"Invalid {name} filter [{text}]") from error
