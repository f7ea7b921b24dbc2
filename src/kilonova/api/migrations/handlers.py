"""The record of all moves: list, filtered and paged."""

from typing import Any

from kilonova.api.migrations import view
from kilonova.api.paging import MarkerNotFound, limit_of, with_next
from kilonova.api.request import Request
from kilonova.db.repository import flavors, migration_log
from kilonova.model.errors import BadRequest, Forbidden
from kilonova.model.time import moment_of, stamp

_RULE = "os_compute_api:os-migrations:index"


async def index(request: Request) -> dict[str, Any]:
    """Managers see their project's, admins everybody's. Newest first since 2.59."""
    filters = await _filters(request)
    limit = limit_of(request)
    db = request.world.db
    moves = await migration_log.listed(db, filters, newest_first=request.version >= 59, limit=limit)
    numbers = await flavors.numbers(db)
    with_hosts = request.permits(f"{_RULE}:host")
    shown = [view.recorded(request, move, numbers, with_hosts=with_hosts) for move in moves]
    document = {"migrations": shown}
    if request.version < 59:
        return document
    return with_next(request, document, "migrations", "os-migrations", moves[-1].id if moves else None, limit)


async def _filters(request: Request) -> dict[str, Any]:
    filters: dict[str, Any] = {name: request.one(name) for name in migration_log.FILTERS if name in request.query}
    if not request.permits(f"{_RULE}:all_projects"):
        own = request.caller.project_id or ""
        if filters.setdefault("project_id", own) != own:
            raise Forbidden("Only administrators may list the migrations of other projects.")
    if not filters.keys().isdisjoint({"host", "source_compute"}):
        request.allow(f"{_RULE}:host")
    filters |= _times(request)
    marker = request.one("marker")
    if marker is not None:
        number = await migration_log.number_of(request.world.db, marker)
        if number is None:
            raise MarkerNotFound(marker)
        filters["marker"] = number
    return filters


def _times(request: Request) -> dict[str, str]:
    since, before = request.one("changes-since"), request.one("changes-before")
    if since is not None and before is not None and moment_of(since) > moment_of(before):
        raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
    given = {"since": since, "before": before}
    return {name: stamp(moment_of(text)) for name, text in given.items() if text is not None}
