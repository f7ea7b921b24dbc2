"""Looks into a server: diagnostics, and the password its guest has told."""

from string import ascii_lowercase
from typing import Any

from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import find_server
from kilonova.db.repository import servers
from kilonova.model.ids import HostName
from kilonova.model.server_actions import check

# Where the conductor keeps what the guest told (encrypted to its key).
_TOLD = "password"


async def diagnostics(request: Request) -> dict[str, Any]:
    """What the host knows of the running guest. Errors: NotReady; the host's own."""
    server = await find_server(request)
    check("diagnostics", server, admin=request.caller.is_admin)
    told = dict(await request.world.compute(HostName(str(server.host))).diagnostics(server.id))
    return told if request.version >= 48 else older_diagnostics(told)


_OF_DISKS = (
    ("read", "read_bytes"),
    ("read_req", "read_requests"),
    ("write", "write_bytes"),
    ("write_req", "write_requests"),
    ("errors", "errors_count"),
)
_OF_CARDS = tuple(
    (f"{way}{short}", f"{way}_{name}")
    for way in ("rx", "tx")
    for short, name in (("", "octets"), ("_errors", "errors"), ("_drop", "drop"), ("_packets", "packets"))
)


def older_diagnostics(told: dict[str, Any]) -> dict[str, int]:
    """The flat form before 2.48, as Nova's libvirt driver gave it: memory in KiB, disks and cards by number.

    Source of the names: the API sample of os-server-diagnostics at 2.1.
    """
    shown = {f"cpu{number}_time": cpu["time"] for number, cpu in enumerate(told.get("cpu_details", ()))}
    memory = told.get("memory_details") or {}
    if "maximum" in memory:
        shown["memory"] = memory["maximum"] * 1024
    for letter, disk in zip(ascii_lowercase, told.get("disk_details", ()), strict=False):
        shown |= {f"vd{letter}_{old}": disk[new] for old, new in _OF_DISKS}
    for number, card in enumerate(told.get("nic_details", ())):
        shown |= {f"vnet{number}_{old}": card[new] for old, new in _OF_CARDS}
    return shown


async def password(request: Request) -> dict[str, str]:
    server = await find_server(request)
    return {"password": (await servers.kept(request.world.db, server.id)).get(_TOLD, "")}


async def clear_password(request: Request) -> None:
    async with acting(request, None) as it:
        await servers.keep(it.tx, it.server.id, {_TOLD: None})
