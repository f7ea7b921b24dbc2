"""A client of server-sent events, over a real socket: an ASGI transport would wait for the end of the answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import uvicorn

from tests.servers.process import free_port


class Heard(msgspec.Struct, frozen=True):
    """An event, or a comment in `comment` with all else empty."""

    id: str = ""
    event: str = ""
    data: dict[str, Any] = {}
    comment: str = ""


@asynccontextmanager
async def listening_on(app: Any) -> AsyncIterator[str]:
    """`app` on a port; its URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def events_of(url: str, headers: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Heard]]:
    """What the stream says, from its greeting on. It is listening once this is entered."""
    async with (
        httpx.AsyncClient(timeout=30, trust_env=False) as client,
        client.stream("GET", url, headers=dict(headers)) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        said = _blocks(answer.aiter_lines())
        assert (await anext(said)).comment == "listening"
        yield said


async def _blocks(lines: AsyncIterator[str]) -> AsyncIterator[Heard]:
    fields: dict[str, Any] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name or "comment"] = value.removeprefix(" ")
            continue
        fields.pop("retry", None)
        if "data" in fields:
            fields["data"] = msgspec.json.decode(fields["data"])
        yield Heard(**fields)
        fields = {}
