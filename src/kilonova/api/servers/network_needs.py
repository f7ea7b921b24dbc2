"""What the networks of a new server ask of its host: PCI devices, cards that manage ports themselves, segments it
must reach.

Sources: Nova's request filters remote_managed_ports_filter and routed_networks_filter; Neutron's routed networks.
"""

from typing import Protocol

import msgspec

from kilonova.api.request import Request
from kilonova.api.servers.networks import Networks
from kilonova.contract.placement import ProviderState
from kilonova.model.fitting.pci import PciRequest
from kilonova.model.fitting.port_devices import ON_DEVICES, port_request
from kilonova.model.ids import HostName
from kilonova.peers.network_types import Network, Port

REMOTE_MANAGED = "remote-managed"
# Neutron makes a resource provider of each segment, in the aggregate of the hosts that reach it, and names it so.
SEGMENT = "Neutron segment id {}"


class NetworkNeeds(msgspec.Struct, frozen=True, kw_only=True):
    """As in RequestSpec."""

    remote_managed_ports: bool = False
    port_devices: tuple[PciRequest, ...] = ()
    segment_aggregates: tuple[tuple[str, ...], ...] = ()


class Ports(Protocol):
    """What is asked of the network service."""

    async def ports(self, token: str, *, ids: tuple[str, ...]) -> list[Port]: ...

    async def networks(self, token: str, *, ids: tuple[str, ...]) -> list[Network]: ...

    async def segments(self, token: str, network_id: str) -> list[str]: ...


class Providers(Protocol):
    """What is asked of placement."""

    async def provider(self, name: HostName) -> ProviderState | None: ...


async def needs_of(request: Request, networks: Networks) -> NetworkNeeds:
    """Of the networks a create asks for."""
    asked = [] if isinstance(networks, str) else networks
    world, ports = request.world, tuple(one.port_id for one in asked if one.port_id)
    routed = world.settings.routed_networks
    if not routed and not ports:
        return NetworkNeeds()
    return await network_needs(
        world.network,
        world.placement,
        # Physical networks and segments are for the cloud's own eyes.
        token=request.caller.token if world.service_token is None else await world.service_token(),
        ports=ports,
        networks=tuple(one.network_id for one in asked if one.network_id),
        routed=routed,
    )


async def network_needs(
    network: Ports,
    placement: Providers | None,
    *,
    token: str,
    ports: tuple[str, ...],
    networks: tuple[str, ...],
    routed: bool,
) -> NetworkNeeds:
    """`ports` and `networks` are ids; `routed`: nova.conf wants segments heeded. `token` must be good to see segments
    and physical networks."""
    found = await network.ports(token, ids=ports) if ports else []
    wanted: list[tuple[str, ...]] = []
    if routed and placement is not None:
        for network_id in dict.fromkeys((*networks, *(port.network_id for port in found))):
            if segments := await network.segments(token, network_id):
                wanted.append(await _aggregates(placement, segments))
    return NetworkNeeds(
        remote_managed_ports=any(port.vnic_type == REMOTE_MANAGED for port in found),
        port_devices=await _devices(network, token, [port for port in found if port.vnic_type in ON_DEVICES]),
        segment_aggregates=tuple(wanted),
    )


async def _devices(network: Ports, token: str, ports: list[Port]) -> tuple[PciRequest, ...]:
    if not ports:
        return ()
    found = await network.networks(token, ids=tuple(sorted({port.network_id for port in ports})))
    physical = {one.id: one.physical_network for one in found}
    return tuple(port_request(port.id, port.vnic_type, physical.get(port.network_id)) for port in ports)


async def _aggregates(placement: Providers, segments: list[str]) -> tuple[str, ...]:
    """Of all segments of a network; where Neutron has told placement of none, no host reaches it."""
    states = [await placement.provider(HostName(SEGMENT.format(segment))) for segment in segments]
    return tuple(sorted({aggregate for state in states if state is not None for aggregate in state.aggregates}))
