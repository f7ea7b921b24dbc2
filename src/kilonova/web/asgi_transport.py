"""HTTP straight into an ASGI application of this process, streamed both ways.

httpx's own ASGITransport gathers the whole answer before it hands on the first byte; an image of two gigabytes must not
live in memory. Here the application runs in a task of its own and at most `AHEAD` chunks wait for the reader.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

log = logging.getLogger(__name__)

AHEAD = 4


class AsgiTransport(httpx.AsyncBaseTransport):
    """An application that fails before it answers looks like a server that answers 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(self._app, request)
        try:
            status, headers = await exchange.begin()
        except BaseException:
            await exchange.aclose()
            raise
        return httpx.Response(status, headers=headers, stream=exchange)


class _Exchange(httpx.AsyncByteStream):
    """One request and its answer; iterating gives the answer's body."""

    def __init__(self, app: ASGIApp, request: httpx.Request) -> None:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self._app = app
        self._scope = _scope(request)
        self._sent = request.stream.__aiter__()
        self._all_sent = False
        self._trouble: Exception | None = None
        self._head: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> tuple[int, Any]:
        self._task = asyncio.create_task(self._run())
        return await self._head

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception as error:
            if self._trouble is None:
                log.exception("an embedded application failed")
                if self._head.done():
                    self._trouble = httpx.RemoteProtocolError(f"the application failed: {error}")
        if not self._head.done():
            if self._trouble is None:
                self._head.set_result((500, []))
            else:
                self._head.set_exception(self._trouble)
        if not self._over.is_set():
            await self._parts.put(None)

    async def _receive(self) -> Message:
        if self._all_sent:
            await self._over.wait()
            return {"type": "http.disconnect"}
        try:
            chunk = await self._sent.__anext__()
        except StopAsyncIteration:
            self._all_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        except Exception as error:
            # The caller's own source of bytes broke: to the server that is a client gone away.
            self._all_sent = True
            self._trouble = error
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._trouble is None:
                self._head.set_result((message["status"], message.get("headers", [])))
        elif message["type"] == "http.response.body" and self._trouble is None:
            if body := message.get("body", b""):
                await self._parts.put(body)
            if not message.get("more_body", False):
                # The end first: an application may stop the moment it hears that its client has gone.
                await self._parts.put(None)
                self._over.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._parts.get()) is not None:
            yield part
        if self._trouble is not None:
            raise self._trouble

    async def aclose(self) -> None:
        """Tell the application that its client has gone, unless it is done."""
        answered = self._over.is_set()
        self._over.set()
        task = self._task
        if task is None or task.done():
            return
        if not answered:
            task.cancel()
        while not self._parts.empty():
            self._parts.get_nowait()
        await asyncio.gather(task, return_exceptions=True)


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }
