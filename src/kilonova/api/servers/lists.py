"""Lists of servers, brief and detailed: filtered, sorted, paged, in a constant number of statements (at most three)."""

from typing import Any

from kilonova.api.paging import MarkerNotFound, limit_of, with_next
from kilonova.api.request import Request
from kilonova.api.servers.find import statuses_of
from kilonova.api.servers.list_filters import NothingMatches, conditions
from kilonova.api.servers.list_schemas import IGNORED_SORT_KEYS
from kilonova.api.servers.view import Views
from kilonova.db.repository import servers
from kilonova.model.errors import BadRequest, Forbidden

Order = tuple[tuple[str, bool], ...]
Listed = tuple[servers.Listing, dict[str, Any] | None]

# Sort keys under their names here; those without a column of their own fall back to the order of arrival.
_SORT_COLUMNS = {
    "display_name": "name",
    "display_description": "description",
    "image_ref": "image",
    "instance_type_id": "flavor",
    "uuid": "id",
    "locked": "locked_by",
    "kernel_id": "number",
    "ramdisk_id": "number",
}
_DIRECTIONS = ("asc", "desc")


async def index(request: Request) -> dict[str, Any]:
    views = Views(request)
    try:
        listing, marker = await _listing(request, ())
    except NothingMatches:
        return {"servers": []}
    found = await servers.listed_briefly(request.world.db, listing, marker)
    document = {"servers": [views.brief(*one) for one in found]}
    return with_next(request, document, "servers", "servers", found[-1][0] if found else None, listing.limit)


async def detail(request: Request) -> dict[str, Any]:
    views = Views(request)
    try:
        listing, marker = await _listing(request, views.wanted)
    except NothingMatches:
        return {"servers": []}
    found = await servers.listed(request.world.db, listing, marker)
    if views.shows_host_status:
        views.host_statuses = await statuses_of(request, (server.host for server in found))
    document = {"servers": [views.detail(server) for server in found]}
    return with_next(request, document, "servers", "servers/detail", found[-1].id if found else None, listing.limit)


async def _listing(request: Request, wanted: tuple[str, ...]) -> Listed:
    limit = limit_of(request)
    order = _order(request)
    matching = conditions(request)
    if limit == 0:
        raise NothingMatches
    listing = servers.Listing(conditions=matching, order=order, limit=limit, wanted=wanted)
    return listing, await _marker(request, order)


async def _marker(request: Request, order: Order) -> dict[str, Any] | None:
    marker = request.one("marker")
    if marker is None:
        return None
    project = None if request.caller.is_admin else request.caller.project_id
    values = await servers.marker_values(request.world.db, marker, order, project_id=project)
    if values is None:
        raise MarkerNotFound(marker)
    return values


def _order(request: Request) -> Order:
    """As given; created_at and id break ties in the first direction. Errors: BadRequest, Forbidden."""
    keys = [
        key
        for key in request.query.get("sort_key", [])
        if key not in IGNORED_SORT_KEYS or (key == "locked" and request.version >= 73)
    ]
    directions = request.query.get("sort_dir", [])
    for direction in directions:
        if direction not in _DIRECTIONS:
            raise BadRequest(f"Unknown sort direction, must be one of: {', '.join(_DIRECTIONS)}")
    if len(directions) > max(len(keys), 1):
        raise BadRequest("Sort direction size exceeds sort key size")
    if not request.caller.is_admin and {"host", "node"} & set(keys):
        raise Forbidden("Only administrators can sort servers by host or node")
    first = (directions[0] if directions else "desc") == "desc"
    order: dict[str, bool] = {}
    for number, key in enumerate(keys):
        descending = (directions[number] == "desc") if number < len(directions) else first
        order.setdefault(_SORT_COLUMNS.get(key, key), descending)
    order.setdefault("created_at", first)
    order.setdefault("id", first)
    return tuple(order.items())
