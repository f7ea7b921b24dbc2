"""The proxies: noVNC, SPICE and serial consoles over WebSockets, and the static pages of the first two.

`/vnc`, `/spice` and `/serial` are WebSockets and take `?token=…` (or a cookie of that name), and so do `/` and
`/websockify`, where the packages' pages look; `/novnc/…` and `/spice-html5/…` are those pages. Each connection is a
pump between the browser and one socket of the guest's host.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from kilonova.console.origin import origin_allowed
from kilonova.contract.console import ConsoleAuth, ConsoleTarget
from kilonova.model.errors import KilonovaError

log = logging.getLogger(__name__)

Reached = tuple[ConsoleTarget, asyncio.StreamReader, asyncio.StreamWriter]

# Where Debian's packages put them.
NOVNC = Path("/usr/share/novnc")
SPICE = Path("/usr/share/spice-html5")

_CHUNK = 65536
# WebSocket close code, RFC 6455: policy violation.
_REFUSED = 1008

_VNC = frozenset({"novnc", "xvpvnc"})
_SPICE = frozenset({"spice-html5"})
_SERIAL = frozenset({"serial"})
_ANY = _VNC | _SPICE | _SERIAL
_KINDS = {"/vnc": _VNC, "/spice": _SPICE, "/serial": _SERIAL, "/websockify": _ANY, "/": _ANY, "": _ANY}


class ConsoleProxy:
    """An ASGI application. `allowed_origins` as nova.conf's [console]."""

    takes_websockets = True

    def __init__(self, auth: ConsoleAuth, *, allowed_origins: Iterable[str] = ()) -> None:
        self._auth = auth
        self._allowed = tuple(allowed_origins)
        self._pages: dict[str, ASGIApp] = {
            name: StaticFiles(directory=path, follow_symlink=True) if path.is_dir() else _missing(name)
            for name, path in (("novnc", NOVNC), ("spice-html5", SPICE))
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"][len(scope.get("root_path", "")) :]
        if scope["type"] == "websocket":
            await self._console(WebSocket(scope, receive, send), path)
            return
        name, _, rest = path.lstrip("/").partition("/")
        page = self._pages.get(name)
        if page is None or not rest:
            await PlainTextResponse("There is no such page.", 404)(scope, receive, send)
            return
        inner = dict(scope, root_path=scope.get("root_path", "") + "/" + name)
        try:
            await page(inner, receive, send)
        except HTTPException as error:
            await PlainTextResponse(error.detail, error.status_code)(scope, receive, send)

    async def _console(self, browser: WebSocket, path: str) -> None:
        try:
            target, reader, writer = await self._reached(browser, path)
        except (KilonovaError, OSError) as error:
            # Closing before accepting is a 403 for the browser. The token itself is in no log.
            log.info("console refused: %s", error)
            await browser.close(_REFUSED)
            return
        try:
            wanted = browser.scope.get("subprotocols") or []
            await browser.accept(subprotocol="binary" if "binary" in wanted else None)
            log.info("console opened: server %s, %s", target.server_id, target.console_type)
            await _pump(browser, reader, writer)
        finally:
            writer.close()

    async def _reached(self, browser: WebSocket, path: str) -> Reached:
        """The guest's end. The token is used up last: what is refused, or cannot be reached, may be tried again.

        Errors: ConsoleTokenInvalid, OSError.
        """
        token = browser.query_params.get("token") or browser.cookies.get("token") or ""
        target = await self._auth.look_up(token)
        headers = browser.headers
        allowed = origin_allowed(
            headers.get("origin"),
            host=headers.get("host") or "",
            given_out=target.access_url_base,
            allowed=self._allowed,
            forwarded_scheme=headers.get("x-forwarded-proto"),
        )
        if target.console_type not in _KINDS.get(path, ()) or not allowed:
            raise ConnectionRefusedError(f"{path} from {urlsplit(headers.get('origin') or '').netloc} is not allowed")
        reader, writer = await _dial(target)
        try:
            await self._auth.redeem(token)
        except BaseException:
            writer.close()
            raise
        return target, reader, writer


async def _dial(target: ConsoleTarget) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Errors: OSError."""
    if target.unix_path is not None:
        return await asyncio.open_unix_connection(target.unix_path)
    return await asyncio.open_connection(target.host, target.port)


async def _pump(browser: WebSocket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Both ways until either side ends."""
    ways = [
        asyncio.create_task(_to_guest(browser, writer)),
        asyncio.create_task(_to_browser(browser, reader)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _to_guest(browser: WebSocket, writer: asyncio.StreamWriter) -> None:
    while True:
        message = await browser.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        if data is None:
            data = (message.get("text") or "").encode()
        writer.write(data)
        await writer.drain()


async def _to_browser(browser: WebSocket, reader: asyncio.StreamReader) -> None:
    try:
        while data := await _read(reader):
            await browser.send_bytes(data)
        await browser.close()
    except WebSocketDisconnect:
        return


async def _read(reader: asyncio.StreamReader) -> bytes:
    """b'' at the end, also where the guest's side broke off."""
    try:
        return await reader.read(_CHUNK)
    except OSError:
        return b""


def _missing(name: str) -> ASGIApp:
    return PlainTextResponse(f"The package {name} is not installed here: apt-get install {name}", 501)
