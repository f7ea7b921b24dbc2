"""A server's addresses by network, without the members that extensions add."""

from typing import Any

from kilonova.api.request import Request
from kilonova.api.servers.find import find_server
from kilonova.api.servers.view import plain_addresses
from kilonova.model.errors import NotFound


async def index(request: Request) -> dict[str, Any]:
    return {"addresses": plain_addresses((await find_server(request)).addresses)}


async def show(request: Request) -> dict[str, Any]:
    network = request.params["id"]
    addresses = plain_addresses((await find_server(request)).addresses)
    if network not in addresses:
        raise NotFound("Instance is not a member of specified network")
    return {network: addresses[network]}
