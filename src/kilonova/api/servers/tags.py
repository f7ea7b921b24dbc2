"""A server's tags (2.26): short texts, at most fifty. A foreign server's are refused, not hidden, as in Nova."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.api.accept import accepting
from kilonova.api.request import Request
from kilonova.api.servers.acting import Acting
from kilonova.api.servers.find import find_any_server
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.server_actions import check
from kilonova.web.response import empty

MOST = 50
LONGEST = 60

_decode = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


class NoSuchTag(NotFound):
    def __init__(self, server_id: str, tag: str) -> None:
        super().__init__(f"Server {server_id} has no tag '{tag}'")


async def index(request: Request) -> dict[str, Any]:
    return {"tags": msgspec.Raw((await find_any_server(request)).tags)}


async def show(request: Request) -> None:
    server, tag = await find_any_server(request), request.params["id"]
    if tag not in _decode(server.tags):
        raise NoSuchTag(server.id, tag)


async def update(request: Request) -> Response:
    """201 with its place when it is new, 204 when it was there. Errors: BadRequest."""
    tag = request.params["id"]
    _check_tag(tag)
    async with _changing(request) as it:
        tags = _decode(it.server.tags)
        if tag in tags:
            return empty(204)
        if len(tags) >= MOST:
            raise BadRequest(f"The number of tags exceeded the per-server limit {MOST}")
        await _keep(it, [*tags, tag])
    location = f"{request.self_base}/servers/{it.server.id}/tags/{tag}"
    return empty(201, {"Location": location})


async def update_all(request: Request) -> dict[str, Any]:
    tags = sorted(set(request.body["tags"]))
    for tag in tags:
        _check_tag(tag)
    async with _changing(request) as it:
        await _keep(it, tags)
    return {"tags": tags}


async def delete(request: Request) -> None:
    tag = request.params["id"]
    async with _changing(request) as it:
        tags = _decode(it.server.tags)
        if tag not in tags:
            raise NoSuchTag(it.server.id, tag)
        await _keep(it, [other for other in tags if other != tag])


async def delete_all(request: Request) -> None:
    async with _changing(request) as it:
        await _keep(it, [])


@asynccontextmanager
async def _changing(request: Request) -> AsyncIterator[Acting]:
    async with accepting(request) as tx:
        server = await find_any_server(request, reader=tx)
        check("update tags", server, admin=request.caller.is_admin)
        yield Acting(request, tx, server)


async def _keep(it: Acting, tags: list[str]) -> None:
    await it.change(tags=_encode(sorted(tags)).decode())


def _check_tag(tag: str) -> None:
    if not 1 <= len(tag) <= LONGEST:
        raise BadRequest(f"Tag '{tag}' is too long. Maximum length of a tag is {LONGEST}")
    if "," in tag or "/" in tag:
        raise BadRequest(f"Tag '{tag}' must not contain characters '/' and ','.")
