"""Usage by project: of all of them, of one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kilonova.api.links import next_link
from kilonova.api.paging import MarkerNotFound, limit_of
from kilonova.api.policy_checks import Target
from kilonova.api.request import Request
from kilonova.api.usage.account import moment_in, project_usage, server_usage
from kilonova.db.repository import usage
from kilonova.db.repository.usage import Ran
from kilonova.model.errors import BadRequest
from kilonova.model.time import moment_of, stamp


class _Span(msgspec.Struct, frozen=True):
    start: datetime
    stop: datetime
    now: datetime


async def index(request: Request) -> dict[str, Any]:
    span = _span(request)
    detailed = request.one("detailed") == "1"
    found = await _ran(request, span, None)
    document: dict[str, Any] = {"tenant_usages": _by_project(found, span, detailed=detailed)}
    return _with_links(request, document, "tenant_usages", "os-simple-tenant-usage", found)


async def show(request: Request) -> dict[str, Any]:
    project_id = request.params["id"]
    request.allow(target=Target(project_id, request.caller.user_id))
    span = _span(request)
    found = await _ran(request, span, project_id)
    usages = _by_project(found, span, detailed=True)
    document: dict[str, Any] = {"tenant_usage": usages[0] if usages else {}}
    path = f"os-simple-tenant-usage/{project_id}"
    return _with_links(request, document, "tenant_usage", path, found)


def _span(request: Request) -> _Span:
    """Errors: BadMoment, BadRequest when the end comes first."""
    now = moment_of(request.world.clock.now())
    start, stop = moment_in(request.one("start"), now), moment_in(request.one("end"), now)
    if start > stop:
        raise BadRequest("Invalid start time. The start time cannot occur after the end time.")
    return _Span(start, stop, now)


async def _ran(request: Request, span: _Span, project_id: str | None) -> Sequence[Ran]:
    """Pages, since 2.40, are of servers."""
    db = request.world.db
    start, stop = stamp(span.start), stamp(span.stop)
    if request.version < 40:
        return await usage.ran(db, start=start, stop=stop, project_id=project_id)
    after = None
    marker = request.one("marker")
    if marker is not None:
        owner = await usage.owner_of(db, marker)
        if owner is None:
            raise MarkerNotFound(marker)
        after = (owner, marker)
    limit = limit_of(request)
    return await usage.ran(db, start=start, stop=stop, project_id=project_id, limit=limit, after=after)


def _by_project(found: Sequence[Ran], span: _Span, *, detailed: bool) -> list[dict[str, Any]]:
    projects: dict[str, list[dict[str, Any]]] = {}
    for server in found:
        used = server_usage(server, span.start, span.stop, span.now)
        projects.setdefault(server.project_id, []).append(used)
    start, stop = stamp(span.start), stamp(span.stop)
    return [
        project_usage(project_id, servers, start, stop, detailed=detailed) for project_id, servers in projects.items()
    ]


def _with_links(
    request: Request, document: dict[str, Any], name: str, path: str, found: Sequence[Ran]
) -> dict[str, Any]:
    if request.version >= 40 and found and len(found) >= limit_of(request):
        document[f"{name}_links"] = next_link(request, path, found[-1].id)
    return document
