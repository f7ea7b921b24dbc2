"""A server's ports: made or taken, bound to this host, plugged in; and what the record shows of them."""

from collections.abc import Sequence
from typing import Any

from kilonova.compute.host import Host
from kilonova.contract.compute import NetworkRequest, ServerRecord, Vif
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.ids import NetworkId, PortId, ServerId
from kilonova.peers.network_types import FloatingIp, Network, Port
from kilonova.virt.guest import Nic

OWNER = "compute:"


class PortUnusable(BadRequest):
    """The message says which port and why; shown as the server's fault."""


async def ensure_ports(host: Host, record: ServerRecord) -> tuple[Vif, ...]:
    """The record's ports, made where they are missing, bound to this host. Safe to repeat: ports know their server."""
    requests = await _requests(host, record)
    if not requests and not record.vifs:
        return ()
    token = await host.token()
    # A record that shows ports, or a build that was begun before, has some already.
    there = await host.network.ports(token, device_id=record.id)
    ports: list[tuple[Port, NetworkRequest | None]] = []
    for request in requests:
        found = _match(request, there, [port.id for port, _ in ports])
        port = found or await _make(host, record, request, token)
        if port.binding_host != host.name or port.device_id != record.id:
            port = await host.network.bind_port(
                token, port.id, server_id=record.id, host=host.name, zone=host.settings.zone
            )
        ports.append((port, request))
    known = {port.id for port, _ in ports}
    ports.extend((port, None) for port in there if port.id not in known)
    return await describe(host, record.id, ports, given=_given(record, requests))


async def current_vifs(host: Host, record: ServerRecord) -> tuple[Vif, ...]:
    """The ports as the network service has them now, in its order of the record's list."""
    if not record.vifs:
        return ()
    there = await host.network.ports(await host.token(), device_id=record.id)
    order = {vif.port_id: index for index, vif in enumerate(record.vifs)}
    ports = sorted(there, key=lambda port: order.get(port.id, len(order)))
    given = {vif.port_id for vif in record.vifs if not vif.created_here}
    return await describe(host, record.id, [(port, None) for port in ports], given=given)


async def describe(
    host: Host, server_id: ServerId, ports: Sequence[tuple[Port, NetworkRequest | None]], *, given: set[str]
) -> tuple[Vif, ...]:
    token = await host.token()
    ids = sorted({port.network_id for port, _ in ports})
    networks = {network.id: network for network in await host.network.networks(token, ids=ids)} if ids else {}
    return tuple(
        _vif(port, networks.get(port.network_id), request.tag if request else None, (), port.id not in given)
        for port, request in ports
    )


def _vif(
    port: Port, network: Network | None, tag: str | None, floating: Sequence[FloatingIp], created_here: bool
) -> Vif:
    return Vif(
        port_id=port.id,
        network_id=port.network_id,
        network_name=network.name if network else port.network_id,
        mac=port.mac_address,
        addresses=tuple((fixed.ip_address, _version(fixed.ip_address)) for fixed in port.fixed_ips),
        floating=tuple((ip.floating_ip_address, _version(ip.floating_ip_address)) for ip in floating),
        tag=tag,
        mtu=(network.mtu if network else 0) or 1500,
        created_here=created_here,
    )


def _version(address: str) -> int:
    return 6 if ":" in address else 4


async def plug(host: Host, vifs: Sequence[Vif]) -> tuple[Nic, ...]:
    """The cards for the guest, their devices wired on this host."""
    return tuple(
        [
            Nic(
                port_id=PortId(vif.port_id),
                mac=vif.mac,
                tap=await host.plugger.plug(PortId(vif.port_id), NetworkId(vif.network_id)),
                mtu=vif.mtu,
            )
            for vif in vifs
        ]
    )


async def unplug_all(host: Host, server_id: ServerId) -> None:
    """Take all of the server's devices off this host. Happy to find nothing."""
    for port in await host.network.ports(await host.token(), device_id=server_id):
        await host.plugger.unplug(PortId(port.id))


def _given(record: ServerRecord, requests: Sequence[NetworkRequest]) -> set[str]:
    asked = {request.port_id for request in requests if request.port_id}
    return asked | {vif.port_id for vif in record.vifs if not vif.created_here}


async def _requests(host: Host, record: ServerRecord) -> tuple[NetworkRequest, ...]:
    if record.networks == "none":
        return ()
    if record.networks != "auto":
        return record.networks
    token = await host.token()
    found = await host.network.available_networks(token, record.project_id)
    inner = [network for network in found if not network.external and network.subnets]
    own = [network for network in inner if network.project_id == record.project_id]
    if chosen := (own or inner):
        return (NetworkRequest(network_id=chosen[0].id),)
    return (NetworkRequest(network_id=await host.network.allocate_topology(token, record.project_id)),)


def _match(request: NetworkRequest, there: Sequence[Port], taken: Sequence[str]) -> Port | None:
    for port in there:
        if port.id in taken:
            continue
        if request.port_id == port.id:
            return port
        if request.port_id is None and request.network_id == port.network_id:
            addresses = [fixed.ip_address for fixed in port.fixed_ips]
            if request.fixed_ip is None or request.fixed_ip in addresses:
                return port
    return None


async def _make(host: Host, record: ServerRecord, request: NetworkRequest, token: str) -> Port:
    if request.port_id is not None:
        try:
            port = await host.network.port(token, request.port_id)
        except NotFound as error:
            raise PortUnusable(f"Port id {request.port_id} could not be found.") from error
        if port.device_id and port.device_id != record.id:
            raise PortUnusable(f"Port {request.port_id} is still in use.")
        return port
    wanted: dict[str, Any] = {
        "network_id": request.network_id,
        "project_id": record.project_id,
        "device_id": record.id,
        "device_owner": f"{OWNER}{host.settings.zone}",
        "binding:host_id": host.name,
    }
    if request.fixed_ip is not None:
        wanted["fixed_ips"] = [{"ip_address": request.fixed_ip}]
    groups = [name for name in record.security_groups if name != "default"]
    if groups:
        wanted["security_groups"] = await _group_ids(host, record, token)
    return await host.network.create_port(token, wanted)


async def _group_ids(host: Host, record: ServerRecord, token: str) -> list[str]:
    """Groups are named by name or id. Errors: PortUnusable."""
    found = await host.network.security_groups(token, project_id=record.project_id)
    ids = []
    for wanted in record.security_groups:
        matching = [group.id for group in found if wanted in (group.id, group.name)]
        if not matching:
            raise PortUnusable(f"Security group {wanted} not found.")
        ids.append(matching[0])
    return ids
