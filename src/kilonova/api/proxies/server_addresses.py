"""Addresses of servers, given and taken until 2.43: floating ones, and further fixed ones on their ports.

The network service tells of every change afterwards (`os-server-external-events`): the record follows then.
"""

from typing import Any

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import find_server
from kilonova.api.validation import Schemas
from kilonova.model.errors import BadRequest, Conflict, Forbidden, NotFound
from kilonova.model.ids import is_uuid_like
from kilonova.model.server import Server
from kilonova.peers.network_types import FloatingIp, Port

_TEXT: Schema = {"type": "string"}
_IP = parameters.ipv4
ADD_FLOATING = Schemas.every(
    parameters.body("addFloatingIp", {"address": _IP, "fixed_address": parameters.ipv4}, ("address",))
)
REMOVE_FLOATING = Schemas.every(parameters.body("removeFloatingIp", {"address": _IP}, ("address",)))
ADD_FIXED = Schemas.every(parameters.body("addFixedIp", {"networkId": {"type": ["string", "number"]}}, ("networkId",)))
REMOVE_FIXED = Schemas.every(parameters.body("removeFixedIp", {"address": _TEXT}, ("address",)))


async def add_floating_ip(request: Request) -> None:
    """To the fixed address named, or the server's first. Errors: NotFound, BadRequest, Forbidden."""
    asked = request.body["addFloatingIp"]
    server = await find_server(request)
    port, fixed = _target(await _ports(request, server), asked.get("fixed_address"))
    floating = await _floating(request, asked["address"])
    if floating.port_id == port.id and floating.fixed_ip_address == fixed:
        return
    try:
        await request.world.network.associate_floating_ip(
            request.caller.token, floating.id, port_id=port.id, fixed_ip=fixed
        )
    except NotFound as error:
        raise NotFound(f"Floating IP {asked['address']} cannot reach {fixed}: {error.message}") from error
    except Conflict as error:
        raise BadRequest(error.message) from error


def _target(ports: list[Port], wanted: str | None) -> tuple[Port, str]:
    """Errors: BadRequest."""
    addresses = [(port, fixed.ip_address) for port in ports for fixed in port.fixed_ips if ":" not in fixed.ip_address]
    if not addresses:
        raise BadRequest("No fixed IPs associated to instance")
    if wanted is None:
        return addresses[0]
    for port, address in addresses:
        if address == wanted:
            return port, address
    raise BadRequest("Specified fixed address not assigned to instance")


async def remove_floating_ip(request: Request) -> None:
    """Errors: NotFound, Conflict when the server does not have it."""
    address = request.body["removeFloatingIp"]["address"]
    server = await find_server(request)
    floating = await _floating(request, address)
    if floating.port_id not in {port.id for port in await _ports(request, server)}:
        raise Conflict(f"Floating IP {address} is not associated with instance {server.id}.")
    await request.world.network.associate_floating_ip(request.caller.token, floating.id, port_id=None)


async def _floating(request: Request, address: str) -> FloatingIp:
    """The caller's floating IP of that address. Errors: NotFound."""
    found = await request.world.network.floating_ips(request.caller.token, floating_ip_address=address)
    if not found:
        raise NotFound("floating IP not found")
    return found[0]


async def add_fixed_ip(request: Request) -> None:
    """A further address on the server's port in the network. Errors: NotFound, BadRequest when there is none left."""
    network_id = str(request.body["addFixedIp"]["networkId"])
    server = await _unlocked(request)
    ports = [port for port in await _ports(request, server) if port.network_id == network_id]
    if not ports or not is_uuid_like(network_id):
        raise NotFound(f"Network could not be found for instance {server.id}.")
    port = ports[0]
    held = _as_asked(port)
    for subnet in await request.world.network.subnets(request.caller.token, network_id=network_id):
        try:
            return await _readdress(request, port, [*held, {"subnet_id": subnet.id}])
        except (BadRequest, Conflict, Forbidden):
            continue
    raise BadRequest(f"No fixed IP addresses available for network: {network_id}")


async def remove_fixed_ip(request: Request) -> None:
    """Errors: BadRequest when the server does not have it."""
    address = request.body["removeFixedIp"]["address"]
    server = await _unlocked(request)
    for port in await _ports(request, server):
        if any(fixed.ip_address == address for fixed in port.fixed_ips):
            kept = [fixed for fixed in _as_asked(port) if fixed["ip_address"] != address]
            return await _readdress(request, port, kept)
    raise BadRequest(f"Instance {server.id} does not have fixed IP address '{address}'.")


async def _unlocked(request: Request) -> Server:
    """The server, if nobody has locked it: the one check there is. Errors: Locked."""
    async with acting(request, "injectNetworkInfo") as act:
        return act.server


async def _ports(request: Request, server: Server) -> list[Port]:
    return await request.world.network.ports(request.caller.token, device_id=server.id)


def _as_asked(port: Port) -> list[dict[str, Any]]:
    return [{"ip_address": fixed.ip_address, "subnet_id": fixed.subnet_id} for fixed in port.fixed_ips]


async def _readdress(request: Request, port: Port, fixed: list[dict[str, Any]]) -> None:
    await request.world.network.update_port(request.caller.token, port.id, {"fixed_ips": fixed})
