"""One server: show, delete."""

from typing import Any

from kilonova.api.request import Request
from kilonova.api.servers.find import find_server, statuses_of
from kilonova.api.servers.view import Views


async def show(request: Request) -> dict[str, Any]:
    server = await find_server(request)
    views = Views(request)
    if views.shows_host_status:
        views.host_statuses = await statuses_of(request, (server.host,))
    return {"server": views.show(server)}
