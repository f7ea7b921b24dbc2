"""One port for everything: services under their prefixes, and what belongs to none."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kilonova.observe.metrics import Figure, exposition
from kilonova.web.application import Mounts, refuse_websocket
from kilonova.web.response import json_response

# Where the pages of noVNC (told `path=?token=…`) and spice-html5 connect to: they know of no prefix.
_SCREEN_PATHS = ("/", "/websockify")

_METRICS = "text/plain; version=0.0.4; charset=utf-8"

Ready = Callable[[], Awaitable[dict[str, str]]]
Figures = Callable[[], Awaitable[Sequence[Figure]]]


def front_door(apps: Mapping[str, Any], prefixes: Mapping[str, str], *, ready: Ready, figures: Figures) -> ASGIApp:
    """`apps` by service name under `prefixes` (a service without one: its own name), and /healthcheck, /metrics."""
    mounts = {prefixes.get(name, f"/{name}"): app for name, app in apps.items()}
    return Mounts(mounts, _Hall(sorted(mounts), ready, figures, apps.get("console")))


class _Hall:
    def __init__(self, prefixes: list[str], ready: Ready, figures: Figures, console: ASGIApp | None) -> None:
        self._prefixes = prefixes
        self._ready = ready
        self._figures = figures
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] == "websocket":
            if self._console is not None and scope["path"] in _SCREEN_PATHS:
                await self._console(scope, receive, send)
                return
            await refuse_websocket(receive, send)
            return
        await (await self._answer(scope["path"]))(scope, receive, send)

    async def _answer(self, path: str) -> Response:
        match path:
            case "/healthcheck":
                found = await self._ready()
                well = all(value == "ok" for value in found.values())
                return json_response({"ready": well, "services": found}, 200 if well else 503)
            case "/metrics":
                return Response(
                    exposition(await self._figures()), media_type="text/plain; version=0.0.4; charset=utf-8"
                )
            case "/":
                return json_response({"kilonova": self._prefixes})
            case _:
                return PlainTextResponse("There is nothing here.", 404)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
