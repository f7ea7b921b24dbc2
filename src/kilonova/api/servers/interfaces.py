"""Network interfaces of a server: list and show its ports, plug one in, take one out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import find_server
from kilonova.api.servers.networks import wanted_networks
from kilonova.contract.compute import NetworkRequest, Vif
from kilonova.contract.work import AttachInterfaceWork, DetachInterfaceWork
from kilonova.db.repository import server_state
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.fitting.port_devices import ON_DEVICES
from kilonova.model.server import Server
from kilonova.model.server_actions import check
from kilonova.peers.network import DEVICE_OWNER, TO_BE_PLUGGED
from kilonova.peers.network_types import Port


class NoSuchInterface(NotFound):
    def __init__(self, port_id: str) -> None:
        super().__init__(f"Port id {port_id} could not be found.")


async def index(request: Request) -> dict[str, Any]:
    server = await find_server(request)
    ports = await request.world.network.ports(request.caller.token, device_id=server.id)
    tags = await _tags(request, server)
    return {"interfaceAttachments": [_view(request, port, tags) for port in ports]}


async def show(request: Request) -> dict[str, Any]:
    server, port_id = await find_server(request), request.params["id"]
    try:
        port = await request.world.network.port(request.caller.token, port_id)
    except NotFound as error:
        raise NoSuchInterface(port_id) from error
    if port.device_id != server.id:
        raise NotFound(f"Instance {server.id} does not have a port with id {port_id}")
    return {"interfaceAttachment": _view(request, port, await _tags(request, server))}


async def attach(request: Request) -> dict[str, Any]:
    """200 with the port, which is plugged later. Errors: BadRequest, Conflict, Forbidden, NotFound, WrongState."""
    asked = (request.body or {}).get("interfaceAttachment") or {}
    network_id, port_id, addresses = asked.get("net_id"), asked.get("port_id"), asked.get("fixed_ips")
    if network_id and port_id:
        raise BadRequest("Must not input both net_id and port_id")
    if addresses and not network_id:
        raise BadRequest("Must input network_id when request IP address")
    server = await find_server(request)
    check("attach_interface", server, admin=request.caller.is_admin)
    wanted = await _wanted(request, network_id, port_id, addresses)
    async with _port(request, server, wanted) as port, acting(request, "attach_interface") as it:
        _check_pluggable(port, server)
        await it.begin(
            AttachInterfaceWork(
                server_id=server.id,
                port_id=port.id,
                made=wanted.port_id is None,
                tag=asked.get("tag"),
            )
        )
    return {"interfaceAttachment": _view(request, port, {port.id: asked.get("tag")})}


def _check_pluggable(port: Port, server: Server) -> None:
    """Devices of the host are claimed with the host."""
    if port.vnic_type in ON_DEVICES:
        raise BadRequest(
            f"Attaching SR-IOV port {port.id} to server {server.id} is not supported. "
            "SR-IOV ports must be specified during server creation."
        )


async def _wanted(request: Request, network_id: str | None, port_id: str | None, addresses: Any) -> NetworkRequest:
    """One network or port, checked as for a new server. Errors: BadRequest, Conflict, Forbidden, NotFound."""
    asked: list[dict[str, Any]] | None = None
    if port_id:
        asked = [{"port": port_id}]
    elif network_id:
        asked = [{"uuid": network_id, "fixed_ip": addresses[0]["ip_address"] if addresses else None}]
    found = await wanted_networks(request, asked, count=1)
    if not found or isinstance(found, str):
        raise BadRequest("No networks are available for the server.")
    return found[0]


@asynccontextmanager
async def _port(request: Request, server: Server, wanted: NetworkRequest) -> AsyncIterator[Port]:
    """The port to plug: given, or made for the server and taken back when what follows is not accepted."""
    network, token = request.world.network, request.caller.token
    if wanted.port_id is not None:
        yield await network.port(token, wanted.port_id)
        return
    port: dict[str, Any] = {
        "network_id": wanted.network_id,
        "device_id": server.id,
        "description": TO_BE_PLUGGED,
        "device_owner": f"{DEVICE_OWNER}{server.availability_zone or request.world.settings.default_zone}",
    }
    if wanted.fixed_ip is not None:
        port["fixed_ips"] = [{"ip_address": wanted.fixed_ip}]
    made = await network.create_port(token, port)
    try:
        yield made
    except BaseException:
        await network.delete_port(token, made.id)
        raise


async def detach(request: Request) -> None:
    """202. Errors: NoSuchInterface, WrongState."""
    port_id = request.params["id"]
    async with acting(request, "detach_interface") as it:
        state = await server_state.state_of(it.tx, it.server.id)
        if not any(vif.port_id == port_id for vif in state.interfaces()):
            raise NoSuchInterface(port_id)
        await it.begin(DetachInterfaceWork(server_id=it.server.id, port_id=port_id))


async def _tags(request: Request, server: Server) -> dict[str, str | None]:
    if request.version < 70:
        return {}
    state = await server_state.state_of(request.world.db, server.id)
    return {vif.port_id: vif.tag for vif in msgspec.json.decode(state.vifs, type=list[Vif])}


def _view(request: Request, port: Port, tags: dict[str, str | None]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "port_id": port.id,
        "net_id": port.network_id,
        "mac_addr": port.mac_address,
        "port_state": port.status,
        "fixed_ips": [{"ip_address": one.ip_address, "subnet_id": one.subnet_id} for one in port.fixed_ips],
    }
    if request.version >= 70:
        shown["tag"] = tags.get(port.id)
    return shown
