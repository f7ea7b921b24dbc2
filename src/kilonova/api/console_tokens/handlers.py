"""Where a token's console is."""

from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from kilonova.api.faults import fault
from kilonova.api.request import Request
from kilonova.api.validation import Query

QUERY = Query((1, {}), strict_from=99)


# The only type that could be asked for below 2.31.
_RDP = "rdp-html5"


async def show(request: Request) -> dict[str, Any] | Response:
    """Errors: ConsoleTokenInvalid. Below 2.31 only RDP consoles may be asked for; others are a 401 in Nova's words."""
    target = await request.world.consoleauth.look_up(request.params["id"])
    if request.version < 31 and target.console_type != _RDP:
        return fault(HTTPStatus.UNAUTHORIZED, "The requested console type details are not accessible")
    shown: dict[str, Any] = {
        "instance_uuid": target.server_id,
        "host": target.host,
        "port": target.port,
        "internal_access_path": target.internal_access_path,
    }
    if request.version >= 99:
        shown["tls_port"] = None
    return {"console": shown}
