"""Quotas over REST: what a project may have, and has."""

from typing import Any

from starlette.responses import Response

from kilonova.db.statement import delete_by, insert_into, update_columns
from kilonova.network.errors import HTTPBadRequest, PolicyNotAuthorized, TenantQuotaNotFound
from kilonova.network.handlers import changing
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import NetworkRequest, Work, World, is_privileged
from kilonova.web.response import empty, json_response


async def limits(world: World, project_id: str) -> dict[str, int]:
    set_ = {row[0]: row[1] for row in await world.db.fetch_all(rows.LIMITS, project=project_id)}
    return {**world.settings.limits, **{name: limit for name, limit in set_.items() if name in world.settings.limits}}


def _allowed(request: NetworkRequest) -> str:
    """The project in the path. Errors: PolicyNotAuthorized for another's."""
    project: str = request.params["project_id"]
    if not is_privileged(request.caller) and project != request.caller.project_id:
        raise PolicyNotAuthorized("rule:get_quota")
    return project


def _administered(request: NetworkRequest, verb: str) -> None:
    if not is_privileged(request.caller):
        raise PolicyNotAuthorized(f"rule:{verb}_quota")


async def list_(request: NetworkRequest) -> Response:
    """Projects whose quotas are not the usual ones."""
    _administered(request, "get")
    found = await request.world.db.fetch_all(rows.ALL_LIMITS)
    projects = sorted({row[0] for row in found})
    quotas = [{"project_id": p, "tenant_id": p, **await limits(request.world, p)} for p in projects]
    return json_response({"quotas": quotas})


async def show(request: NetworkRequest) -> Response:
    return json_response({"quota": await limits(request.world, _allowed(request))})


async def own(request: NetworkRequest) -> Response:
    """`/quotas/tenant` and `/quotas/project`: who is asking."""
    project = request.caller.project_id or ""
    return json_response({"tenant": {"tenant_id": project, "project_id": project}})


async def defaults(request: NetworkRequest) -> Response:
    _allowed(request)
    return json_response({"quota": dict(request.world.settings.limits)})


async def details(request: NetworkRequest) -> Response:
    project = _allowed(request)
    used = {row[0]: row[1] for row in await request.world.db.fetch_all(rows.ALL_USED, project=project)}
    quota = {
        name: {"limit": limit, "used": used.get(name, 0), "reserved": 0}
        for name, limit in (await limits(request.world, project)).items()
    }
    return json_response({"quota": quota})


async def update(request: NetworkRequest) -> Response:
    _administered(request, "update")
    project = request.params["project_id"]
    body = await request.document()
    wanted = _parse(body, request.world)

    async def change(work: Work) -> None:
        for name, limit in wanted.items():
            key = {"project_id": project, "resource": name}
            if not await work.tx.execute(
                update_columns(t.quotas, ("limit_",), ("project_id", "resource")),
                by_project_id=project,
                by_resource=name,
                limit_=limit,
            ):
                await work.tx.execute(insert_into(t.quotas), limit_=limit, **key)

    await changing(request.world, request.caller, change)
    return json_response({"quota": await limits(request.world, project)})


def _parse(body: Any, world: World) -> dict[str, int]:
    if not isinstance(body, dict) or not isinstance(body.get("quota"), dict):
        raise HTTPBadRequest("Unable to find 'quota' in request body")
    wanted: dict[str, int] = {}
    for name, value in body["quota"].items():
        if name in ("tenant_id", "project_id", "force", "check_limit"):
            continue
        if name not in world.settings.limits:
            raise HTTPBadRequest(f"Unrecognized attribute(s) '{name}'")
        if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).lstrip("-").isdigit():
            raise HTTPBadRequest(f"Invalid input for {name}. Reason: '{value}' is not an integer.")
        if not -1 <= int(value) <= rows.MAX_LIMIT:
            raise HTTPBadRequest(f"Invalid input for {name}. Reason: '{value}' is not between -1 and {rows.MAX_LIMIT}.")
        wanted[name] = int(value)
    return wanted


async def delete(request: NetworkRequest) -> Response:
    """Back to the usual limits. Errors: TenantQuotaNotFound when they are."""
    _administered(request, "delete")
    project = request.params["project_id"]

    async def forget(work: Work) -> None:
        if not await work.tx.execute(delete_by(t.quotas, ("project_id",)), project_id=project):
            raise TenantQuotaNotFound(project)

    await changing(request.world, request.caller, forget)
    return empty()
