"""Hypervisors: list and detail with pages and searches, show, statistics, uptime."""

from collections.abc import Sequence
from typing import Any

from kilonova.api.hypervisors.uptime import uptimes
from kilonova.api.hypervisors.view import AMOUNTS, Servers, View, amounts
from kilonova.api.identifiers import number_of, uuid_of
from kilonova.api.paging import MarkerNotFound, limit_of, with_next
from kilonova.api.parameters import truth
from kilonova.api.request import Request
from kilonova.api.zones import seen_since
from kilonova.db.repository import hypervisors
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.hypervisor import Hypervisor, HypervisorNotFound, Load


class NoneMatching(NotFound):
    def __init__(self, pattern: str) -> None:
        super().__init__(f"No hypervisor matching '{pattern}' could be found.")


class HostUnavailable(BadRequest):
    def __init__(self, host: str) -> None:
        super().__init__(f"Compute service of {host} is unavailable at this time.")


async def index(request: Request) -> dict[str, Any]:
    return await _list(request, detailed=False)


async def detail(request: Request) -> dict[str, Any]:
    return await _list(request, detailed=True)


async def _list(request: Request, *, detailed: bool) -> dict[str, Any]:
    pattern = request.one("hypervisor_hostname_pattern")
    limit = limit_of(request)
    if pattern is None:
        found = await _page(request, limit)
    else:
        if "limit" in request.query or "marker" in request.query:
            raise BadRequest("Paging over hypervisors with the hypervisor_hostname_pattern is not supported.")
        found = await _matching(request, pattern)
    view = View(request, seen_since(request))
    document = {"hypervisors": await _shown(request, view, found, detailed=detailed)}
    if pattern is not None or request.version < 33:
        return document
    last = str(view.identifier(found[-1])) if found else None
    path = "os-hypervisors/detail" if detailed else "os-hypervisors"
    return with_next(request, document, "hypervisors", path, last, limit)


async def _page(request: Request, limit: int) -> Sequence[Hypervisor]:
    marker = request.one("marker")
    after = 0
    if marker is not None:
        try:
            after = (await _one(request, marker)).number
        except HypervisorNotFound as error:
            raise MarkerNotFound(marker) from error
    return await hypervisors.page(request.world.db, after=after, limit=limit)


async def _one(request: Request, identifier: str) -> Hypervisor:
    """By uuid since 2.53, by number below. Errors: HypervisorNotFound, InvalidUuid."""
    db = request.world.db
    if request.version >= 53:
        return await hypervisors.get(db, uuid_of(identifier))
    if not identifier.isdecimal():
        raise HypervisorNotFound(identifier)
    return await hypervisors.numbered(db, number_of(identifier))


async def _matching(request: Request, pattern: str) -> Sequence[Hypervisor]:
    """Those whose name has the text in it. Errors: NoneMatching."""
    found = [one for one in await hypervisors.listed(request.world.db) if pattern in one.hypervisor_hostname]
    if not found:
        raise NoneMatching(pattern)
    return found


async def _shown(request: Request, view: View, found: Sequence[Hypervisor], *, detailed: bool) -> list[dict[str, Any]]:
    servers = await _servers(request, found)
    if not detailed:
        return [view.brief(one, servers.get(one.host)) for one in found]
    loads = await hypervisors.loads(request.world.db) if request.version < 88 else {}
    up = await _uptimes(request, view, found)
    return [view.full(one, loads.get(one.host, Load()), up.get(one.host), servers.get(one.host)) for one in found]


async def _servers(request: Request, found: Sequence[Hypervisor]) -> dict[str, Servers]:
    """host → its servers where they were asked for."""
    if not truth(request.one("with_servers") or ""):
        return {}
    there = await hypervisors.servers_of(request.world.db, {one.host for one in found})
    return {one.host: there.get(one.host, []) for one in found}


async def _uptimes(request: Request, view: View, found: Sequence[Hypervisor]) -> dict[str, str | None]:
    if request.version < 88:
        return {}
    return await uptimes(request, [one.host for one in found if view.is_up(one)])


async def show(request: Request) -> dict[str, Any]:
    hypervisor = await _one(request, request.params["id"])
    view = View(request, seen_since(request))
    (shown,) = await _shown(request, view, [hypervisor], detailed=True)
    return {"hypervisor": shown}


async def search(request: Request) -> dict[str, Any]:
    """By a part of the name; the URL's, below 2.53."""
    found = await _matching(request, request.params["id"])
    view = View(request, seen_since(request))
    return {"hypervisors": [view.brief(one) for one in found]}


async def servers(request: Request) -> dict[str, Any]:
    found = await _matching(request, request.params["id"])
    there = await hypervisors.servers_of(request.world.db, {one.host for one in found})
    view = View(request, seen_since(request))
    return {"hypervisors": [view.brief(one, there.get(one.host, [])) for one in found]}


async def statistics(request: Request) -> dict[str, Any]:
    """Sums over the hosts whose compute service is not disabled."""
    found = await hypervisors.listed(request.world.db)
    loads = await hypervisors.loads(request.world.db)
    counted = [one for one in found if one.service is not None and not one.service.disabled]
    sums = dict.fromkeys(AMOUNTS, 0)
    for one in counted:
        for name, amount in amounts(one, loads.get(one.host, Load())).items():
            sums[name] += amount
    return {"hypervisor_statistics": {"count": len(counted), **sums}}


async def uptime(request: Request) -> dict[str, Any]:
    """Errors: HostUnavailable."""
    hypervisor = await _one(request, request.params["id"])
    view = View(request, seen_since(request))
    told = await _uptime_of(request, view, hypervisor)
    return {"hypervisor": {**view.brief(hypervisor), "uptime": told}}


async def _uptime_of(request: Request, view: View, hypervisor: Hypervisor) -> str:
    up = await uptimes(request, [hypervisor.host]) if view.is_up(hypervisor) else {}
    told = up.get(hypervisor.host)
    if told is None:
        raise HostUnavailable(hypervisor.host)
    return told
