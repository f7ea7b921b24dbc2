"""The subnets of the networks a guest is on, as its metadata tells of them."""

from collections.abc import Sequence

from kilonova.contract.compute import Vif
from kilonova.peers.network import NetworkClient
from kilonova.peers.network_types import Subnet
from kilonova.virt.guest_metadata import SubnetInfo


async def guest_subnets(network: NetworkClient, token: str, vifs: Sequence[Vif]) -> tuple[SubnetInfo, ...]:
    """Errors: the network service's."""
    found: list[SubnetInfo] = []
    for network_id in sorted({vif.network_id for vif in vifs}):
        found.extend(_info(subnet) for subnet in await network.subnets(token, network_id=network_id))
    return tuple(found)


def _info(subnet: Subnet) -> SubnetInfo:
    return SubnetInfo(
        network_id=subnet.network_id,
        cidr=subnet.cidr,
        gateway=subnet.gateway_ip,
        dns=subnet.dns_nameservers,
        routes=tuple((route.destination, route.nexthop) for route in subnet.host_routes),
        dhcp=subnet.enable_dhcp,
        address_mode=subnet.ipv6_address_mode,
    )
