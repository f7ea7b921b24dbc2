"""Where a token's console is."""

from typing import Any

from kilonova.api.request import Request
from kilonova.api.validation import Query
from kilonova.model.errors import BadRequest

QUERY = Query((1, {}), strict_from=99)


async def show(request: Request) -> dict[str, Any]:
    """Errors: ConsoleTokenInvalid. Below 2.31 it was for RDP consoles only, which there are none of any more."""
    if request.version < 31:
        raise BadRequest("Unable to get the connection information of the console: its type is not served any more.")
    target = await request.world.consoleauth.look_up(request.params["id"])
    shown: dict[str, Any] = {
        "instance_uuid": target.server_id,
        "host": target.host,
        "port": target.port,
        "internal_access_path": target.internal_access_path,
    }
    if request.version >= 99:
        shown["tls_port"] = None
    return {"console": shown}
