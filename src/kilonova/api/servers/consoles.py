"""Consoles: the log of the serial one, and URLs with a one-time token for the live ones."""

from typing import Any, Literal
from urllib.parse import quote

from kilonova.api.request import Request
from kilonova.api.servers.find import find_server
from kilonova.contract.console import ConsoleTarget
from kilonova.model.errors import ConsoleUnavailable
from kilonova.model.ids import HostName
from kilonova.model.server import Server
from kilonova.model.server_actions import check

Kind = Literal["vnc", "spice", "serial"]

# Console type → what the host is asked for.
_KINDS: dict[str, Kind] = {
    "novnc": "vnc",
    "xvpvnc": "vnc",
    "spice-html5": "spice",
    "spice-direct": "spice",
    "serial": "serial",
}


async def output(request: Request) -> dict[str, str]:
    """The last lines the guest wrote on its serial console. Errors: NotReady; the host's own."""
    length = (request.body["os-getConsoleOutput"] or {}).get("length")
    server = await find_server(request)
    check("os-getConsoleOutput", server, admin=request.caller.is_admin)
    lines = None if length is None or int(length) < 0 else int(length)
    text = await request.world.compute(HostName(str(server.host))).console_output(server.id, lines)
    # Guests write anything; what XML (and many a terminal) does not bear is left out.
    return {"output": "".join(letter for letter in text if letter in "\t\n\r" or letter >= " ")}


async def create(request: Request) -> dict[str, Any]:
    """`remote-consoles`, 2.6 on."""
    asked = request.body["remote_console"]
    url = await _url(request, asked["type"])
    return {"remote_console": {"protocol": asked["protocol"], "type": asked["type"], "url": url}}


async def get_vnc(request: Request) -> dict[str, Any]:
    return await _old(request, "os-getVNCConsole")


async def get_spice(request: Request) -> dict[str, Any]:
    return await _old(request, "os-getSPICEConsole")


async def get_serial(request: Request) -> dict[str, Any]:
    return await _old(request, "os-getSerialConsole")


async def get_rdp(request: Request) -> None:
    """No hypervisor here has it, as in Nova since its Hyper-V driver went."""
    raise ConsoleUnavailable("rdp-html5")


async def _old(request: Request, action: str) -> dict[str, Any]:
    kind = request.body[action]["type"]
    return {"console": {"type": kind, "url": await _url(request, kind)}}


async def _url(request: Request, console_type: str) -> str:
    """Errors: ConsoleUnavailable, NotReady, WrongState."""
    world = request.world
    server = await find_server(request)
    check("console", server, admin=request.caller.is_admin, shown_as="get_console")
    kind = _KINDS.get(console_type)
    if kind is None or console_type not in world.settings.enabled_consoles:
        raise ConsoleUnavailable(console_type)
    base = _base(request, console_type)
    target = await _target(request, server, console_type, kind, base)
    token = await world.consoleauth.authorize(target)
    if console_type == "novnc":
        # The page hands `path` on to its WebSocket, and with it the token.
        return f"{base}?path={quote(f'?token={token}', safe='')}"
    return f"{base}?token={token}"


def _base(request: Request, console_type: str) -> str:
    settings = request.world.settings
    if console_type == "serial":
        return settings.serial_base_url
    if console_type == "spice-direct":
        return settings.spice_direct_base_url
    return settings.spice_base_url if console_type == "spice-html5" else settings.novncproxy_base_url


async def _target(request: Request, server: Server, console_type: str, kind: Kind, base: str) -> ConsoleTarget:
    reached = await request.world.compute(HostName(str(server.host))).console(server.id, kind)
    return ConsoleTarget(
        server_id=server.id,
        console_type=console_type,
        host=reached.host,
        port=reached.port,
        unix_path=reached.unix_path,
        internal_access_path=reached.internal_access_path,
        access_url_base=base,
        user_id=request.caller.user_id,
    )
