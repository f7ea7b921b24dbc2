"""Images: list, detail, show, delete."""

from collections.abc import Callable
from typing import Any

from kilonova.api.paging import limit_of, page, with_next
from kilonova.api.parameters import Schema
from kilonova.api.proxies import image_view
from kilonova.api.proxies.identifiers import passed_on
from kilonova.api.request import Request
from kilonova.api.validation import Query
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.image import Image

_TEXT: Schema = {"type": "string"}
LIST_QUERY = Query(
    (
        1,
        {
            "limit": {"type": "string", "pattern": "^[0-9]*$"},
            "marker": _TEXT,
            **dict.fromkeys(("name", "status", "server", "type", "minRam", "minDisk", "changes-since"), _TEXT),
        },
    )
)
# How the image service calls what it is asked to filter by.
_FILTERS = {"name": "name", "type": "image_type", "minRam": "min_ram", "minDisk": "min_disk"}
_STATUS = {"ACTIVE": "active", "SAVING": "saving", "DELETED": "deleted", "ERROR": "killed"}


class ImageNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Image not found.")


async def index(request: Request) -> dict[str, Any]:
    return await _list(request, "images", image_view.brief)


async def detail(request: Request) -> dict[str, Any]:
    return await _list(request, "images/detail", image_view.full)


async def _list(request: Request, path: str, show_one: Callable[[Request, Image], dict[str, Any]]) -> dict[str, Any]:
    limit = limit_of(request)
    found = await request.world.image.list(request.caller.token, **_filters(request))
    shown = page(found, marker=request.one("marker"), limit=limit, identifier="id")
    document = {"images": [show_one(request, image) for image in shown]}
    return with_next(request, document, "images", path, shown[-1].id if shown else None, limit)


def _filters(request: Request) -> dict[str, str]:
    """Errors: BadRequest for a size that is no number."""
    filters = {theirs: request.one(ours) or "" for ours, theirs in _FILTERS.items() if ours in request.query}
    for size in ("min_ram", "min_disk"):
        if size in filters and not filters[size].isdecimal():
            raise BadRequest(f"Invalid {size} filter [{filters[size]}]")
    status = request.one("status")
    if status is not None:
        filters["status"] = _STATUS.get(status.upper(), status.lower())
    server = request.one("server")
    if server is not None:
        # Clients give an id or the link to a server.
        filters["instance_uuid"] = server.rstrip("/").rpartition("/")[2]
    since = request.one("changes-since")
    if since is not None:
        filters["updated_at"] = f"gte:{since}"
    return filters


async def show(request: Request) -> dict[str, Any]:
    return {"image": image_view.full(request, await the_image(request, request.params["id"]))}


async def delete(request: Request) -> None:
    image_id = passed_on(request.params["id"], ImageNotFound())
    try:
        await request.world.image.delete(image_id, request.caller.token)
    except NotFound as error:
        raise ImageNotFound from error


async def the_image(request: Request, image_id: str) -> Image:
    """Errors: ImageNotFound."""
    try:
        return await request.world.image.show(passed_on(image_id, ImageNotFound()), request.caller.token)
    except NotFound as error:
        raise ImageNotFound from error
