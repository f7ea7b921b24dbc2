"""Looks into a server: diagnostics, topology, and the password its guest has told."""

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
    return dict(await request.world.compute(HostName(str(server.host))).diagnostics(server.id))


async def topology(request: Request) -> dict[str, Any]:
    """The guest's NUMA nodes: none are made here, so the list is empty."""
    await find_server(request)
    return {"nodes": [], "pagesize_kb": None}


async def password(request: Request) -> dict[str, str]:
    server = await find_server(request)
    return {"password": (await servers.kept(request.world.db, server.id)).get(_TOLD, "")}


async def clear_password(request: Request) -> None:
    async with acting(request, None) as it:
        await servers.keep(it.tx, it.server.id, {_TOLD: None})
