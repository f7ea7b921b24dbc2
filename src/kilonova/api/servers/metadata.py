"""A server's metadata: all of it, and one item at a time."""

from typing import Any

import msgspec

from kilonova.api.quota import check_metadata, limits
from kilonova.api.request import Request
from kilonova.api.servers.acting import Acting, acting
from kilonova.api.servers.find import find_server
from kilonova.model.errors import BadRequest, NotFound

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, str]).decode


class ItemNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Metadata item was not found")


async def index(request: Request) -> dict[str, Any]:
    server = await find_server(request)
    return {"metadata": msgspec.Raw(server.metadata)}


async def show(request: Request) -> dict[str, Any]:
    items = _decode((await find_server(request)).metadata)
    key = request.params["id"]
    if key not in items:
        raise ItemNotFound
    return {"meta": {key: items[key]}}


async def create(request: Request) -> dict[str, Any]:
    """Add to what is there."""
    return {"metadata": await _update(request, request.body["metadata"], replace=False)}


async def update_all(request: Request) -> dict[str, Any]:
    return {"metadata": await _update(request, request.body["metadata"], replace=True)}


async def update(request: Request) -> dict[str, Any]:
    item, key = request.body["meta"], request.params["id"]
    if key not in item:
        raise BadRequest("Request body and URI mismatch")
    return {"meta": {key: (await _update(request, item, replace=False))[key]}}


async def delete(request: Request) -> None:
    async with acting(request, "delete metadata") as it:
        items = _decode(it.server.metadata)
        if items.pop(request.params["id"], None) is None:
            raise ItemNotFound
        await _keep(it, items)


async def _update(request: Request, items: dict[str, str], *, replace: bool) -> dict[str, str]:
    async with acting(request, "update metadata") as it:
        whole = items if replace else _decode(it.server.metadata) | items
        check_metadata(await limits(request, it.tx, it.server.project_id), len(whole))
        await _keep(it, whole)
    return whole


async def _keep(it: Acting, items: dict[str, str]) -> None:
    await it.change(metadata=_encode(items).decode())
