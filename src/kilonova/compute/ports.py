"""A server's ports: made or taken, bound to this host, plugged in; and what the record shows of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kilonova.compute.host import Host
from kilonova.contract.compute import NetworkRequest, ServerRecord, Vif
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.fitting.host import Fit
from kilonova.model.fitting.pci import FittedDevice
from kilonova.model.fitting.port_devices import ON_DEVICES, binding_profile, by_port
from kilonova.model.ids import NetworkId, PortId, ServerId
from kilonova.observe import trace
from kilonova.peers.network_types import FloatingIp, Network, Port
from kilonova.virt.guest import Nic, OnDevice

OWNER = "compute:"
# By port id.
Devices = Mapping[str, FittedDevice]
PROFILE, EXPECTED = "binding:profile", "migrating_to"


class PortUnusable(BadRequest):
    """The message says which port and why; shown as the server's fault."""


async def ensure_ports(host: Host, record: ServerRecord, fit: Fit | None = None) -> tuple[Vif, ...]:
    """The record's ports, bound to this host; a server being built gets what it asked for, made where it is missing.

    `fit`: what the server has of this host; some ports are on its PCI devices. Errors: PortUnusable.
    Safe to repeat: ports know their server. A server that is built may have let go of what it once asked for.
    """
    if record.vm_state == "building":
        return await _first_ports(host, record, by_port(fit))
    for port in await _ports_of(host, record):
        await _bind(host, record, port, by_port(fit))
    return await current_vifs(host, record)


async def current_vifs(host: Host, record: ServerRecord) -> tuple[Vif, ...]:
    """The ports as the network service has them now, in the order of the record."""
    ports = await _ports_of(host, record)
    given = {vif.port_id for vif in record.vifs if not vif.created_here}
    tags = {vif.port_id: vif.tag for vif in record.vifs}
    return await describe(host, ports, given=given, tags=tags, old=[port.id for port in ports])


async def _ports_of(host: Host, record: ServerRecord) -> list[Port]:
    if not record.vifs:
        return []
    there = await host.network.ports(await host.token(), device_id=record.id)
    order = {vif.port_id: index for index, vif in enumerate(record.vifs)}
    return sorted(there, key=lambda port: order.get(port.id, len(order)))


async def _first_ports(host: Host, record: ServerRecord, devices: Devices) -> tuple[Vif, ...]:
    requests = await _requests(host, record)
    if not requests:
        return ()
    token = await host.token()
    # A build that was begun before has some already.
    there = await host.network.ports(token, device_id=record.id)
    matched = _matched(requests, there)
    ports = []
    for index, request in enumerate(requests):
        port = matched.get(index) or await _make(host, record, request, token)
        ports.append(await _bind(host, record, port, devices))
    given = {request.port_id for request in requests if request.port_id}
    tags = {port.id: request.tag for port, request in zip(ports, requests, strict=True)}
    # Nobody can have given an address to a port that was made just now.
    return await describe(host, ports, given=given, tags=tags, old=sorted(given))


async def _bind(host: Host, record: ServerRecord, port: Port, devices: Devices) -> Port:
    device = devices.get(port.id)
    if port.vnic_type in ON_DEVICES and device is None:
        raise PortUnusable(f"Port {port.id} is for a PCI device of the host, but none was claimed for it.")
    profile = binding_profile(port.profile, device)
    same = profile == port.profile
    if same and port.binding_host == host.name and port.device_id == record.id:
        return port
    return await host.network.bind_port(
        await host.token(),
        port.id,
        server_id=record.id,
        host=host.name,
        zone=host.settings.zone,
        profile=None if same else profile,
    )


async def describe(
    host: Host,
    ports: Sequence[Port],
    *,
    given: Collection[str],
    tags: Mapping[str, str | None] | None = None,
    old: Sequence[str] = (),
) -> tuple[Vif, ...]:
    """`given` ports are their owner's, `old` ones may have floating addresses; both by id."""
    token = await host.token()
    ids = sorted({port.network_id for port in ports})
    networks = {network.id: network for network in await host.network.networks(token, ids=ids)} if ids else {}
    floating = await host.network.floating_ips_of(token, old)
    return tuple(
        _vif(
            port,
            networks.get(port.network_id),
            [one for one in floating if one.port_id == port.id],
            tag=(tags or {}).get(port.id),
            created_here=port.id not in given,
        )
        for port in ports
    )


def _vif(
    port: Port, network: Network | None, floating: Sequence[FloatingIp], *, tag: str | None, created_here: bool
) -> Vif:
    return Vif(
        port_id=port.id,
        network_id=port.network_id,
        network_name=network.name if network else port.network_id,
        mac=port.mac_address,
        addresses=tuple((fixed.ip_address, _version(fixed.ip_address)) for fixed in port.fixed_ips),
        floating=tuple((ip.floating_ip_address, _version(ip.floating_ip_address)) for ip in floating),
        mtu=(network.mtu if network else 0) or 1500,
        tag=tag,
        created_here=created_here,
        vnic_type=port.vnic_type,
        vlan=_vlan(port),
    )


def _vlan(port: Port) -> int | None:
    told = str(port.vif_details.get("vlan") or "")
    return int(told) if told.isdigit() and int(told) else None


def _version(address: str) -> int:
    return 6 if ":" in address else 4


async def expect(host: Host, server_id: ServerId) -> None:
    """The server's ports are wanted here too, beside the host they are bound to. Source: Neutron, `migrating_to`."""
    token = await host.token()
    for port in await host.network.ports(token, device_id=server_id):
        if port.profile.get(EXPECTED) != host.name:
            await host.network.update_port(token, port.id, {PROFILE: port.profile | {EXPECTED: host.name}})


async def expect_no_more(host: Host, server_id: ServerId) -> None:
    """Wherever they were expected. Happy to find nothing."""
    token = await host.token()
    for port in await host.network.ports(token, device_id=server_id):
        await _expect_no_more(host, port, token)


async def _expect_no_more(host: Host, port: Port, token: str) -> None:
    left = {name: value for name, value in port.profile.items() if name != EXPECTED}
    if left != port.profile:
        await host.network.update_port(token, port.id, {PROFILE: left})


async def plug(host: Host, vifs: Sequence[Vif], fit: Fit | None = None) -> tuple[Nic, ...]:
    """The cards for the guest, their devices wired on this host; those on PCI devices need no wires."""
    devices = by_port(fit)
    with trace.span("plug", target="network-agent"):
        return tuple([await _nic(host, vif, devices.get(vif.port_id)) for vif in vifs])


async def _nic(host: Host, vif: Vif, device: FittedDevice | None) -> Nic:
    port = PortId(vif.port_id)
    if device is not None:
        on = OnDevice(address=device.address, kind=vif.vnic_type, vlan=vif.vlan)
        return Nic(port_id=port, mac=vif.mac, tap=None, mtu=vif.mtu, on=on)
    return Nic(port_id=port, mac=vif.mac, tap=await host.plugger.plug(port, NetworkId(vif.network_id)), mtu=vif.mtu)


async def unplug_all(host: Host, server_id: ServerId) -> None:
    """Take all of the server's devices off this host. Happy to find nothing."""
    token = await host.token()
    for port in await host.network.ports(token, device_id=server_id):
        if port.profile.get(EXPECTED) == host.name:
            await _expect_no_more(host, port, token)
        await host.plugger.unplug(PortId(port.id))


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


def _matched(requests: Sequence[NetworkRequest], there: Sequence[Port]) -> dict[int, Port]:
    """By index of the request the port that an earlier try made or took for it: the most particular wish first."""
    found: dict[int, Port] = {}
    left = list(there)
    for fits in (_is_the_one, _has_the_address, _is_on_the_network):
        for index, request in enumerate(requests):
            port = next((port for port in left if fits(request, port)), None) if index not in found else None
            if port is not None:
                found[index] = port
                left.remove(port)
    return found


def _is_the_one(request: NetworkRequest, port: Port) -> bool:
    return request.port_id == port.id


def _has_the_address(request: NetworkRequest, port: Port) -> bool:
    addresses = [fixed.ip_address for fixed in port.fixed_ips]
    return request.port_id is None and request.network_id == port.network_id and request.fixed_ip in addresses


def _is_on_the_network(request: NetworkRequest, port: Port) -> bool:
    return request.port_id is None and request.fixed_ip is None and request.network_id == port.network_id


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
