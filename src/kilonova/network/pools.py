"""Subnets as numbers: pools, gateways, which addresses may be given. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise

from kilonova.network.errors import (
    GatewayConflictWithAllocationPools,
    InvalidAllocationPool,
    OutOfBoundsAllocationPool,
    OverlappingAllocationPools,
)

Net = IPv4Network | IPv6Network
Pool = dict[str, str]

# What databases keep as an integer; addresses further up an IPv6 subnet have no place.
LAST_PLACE = 2**62
_SLAAC = ("slaac", "dhcpv6-stateless")


def default_gateway(net: Net) -> str | None:
    """The subnet's first address; its only one where there is but one."""
    if net.num_addresses == 1:
        return None
    # In IPv6 the first address of a prefix is the routers' anycast address, so both begin with 1.
    return str(net.network_address + (0 if net.num_addresses == 2 else 1))


def default_pools(net: Net, gateway: str | None) -> list[Pool]:
    """Everything but network, broadcast and gateway addresses."""
    base = int(net.network_address)
    edge = 0 if net.num_addresses <= 2 else 1
    last = base + net.num_addresses - 1 - (edge if net.version == 4 else 0)
    spans = [(base + edge, last)]
    if gateway is not None and ip_address(gateway) in net:
        at = int(ip_address(gateway))
        spans = [span for low, high in spans for span in ((low, min(at - 1, high)), (max(at + 1, low), high))]
    kind = type(net.network_address)
    return [{"start": str(kind(low)), "end": str(kind(high))} for low, high in spans if low <= high]


def check_pools(net: Net, pools: Sequence[Pool], gateway: str | None) -> None:
    """Errors: InvalidAllocationPool, OutOfBoundsAllocationPool, OverlappingAllocationPools, GatewayConflict…"""
    spans = []
    for pool in pools:
        start, end = ip_address(pool["start"]), ip_address(pool["end"])
        shown = f"{start}-{end}"
        if start.version != net.version or end.version != net.version or int(start) > int(end):
            raise InvalidAllocationPool(shown)
        if start not in net or end not in net:
            raise OutOfBoundsAllocationPool(shown, str(net))
        if gateway is not None and int(start) <= int(ip_address(gateway)) <= int(end):
            raise GatewayConflictWithAllocationPools(gateway, shown)
        spans.append((int(start), int(end), shown))
    spans.sort()
    for (_, end_, first), (start_, _, second) in pairwise(spans):
        if start_ <= end_:
            raise OverlappingAllocationPools(first, second, str(net))


def place_of(net: Net, address: str) -> int | None:
    """How far `address` is from the subnet's first."""
    place = int(ip_address(address)) - int(net.network_address)
    return place if place <= LAST_PLACE else None


def spans_of(net: Net, pools: Iterable[Pool]) -> list[tuple[int, int]]:
    """Pools as inclusive spans of places, in order."""
    base = int(net.network_address)
    spans = ((int(ip_address(pool["start"])) - base, int(ip_address(pool["end"])) - base) for pool in pools)
    return sorted((low, min(high, LAST_PLACE)) for low, high in spans if low <= LAST_PLACE)


def host_address(net: Net, address: str) -> bool:
    """Whether a port may have it: in the subnet, and neither its network nor its broadcast address."""
    found = ip_address(address)
    if found.version != net.version or found not in net:
        return False
    if net.version == 4 and net.prefixlen < 31:
        return found not in (net.network_address, net.broadcast_address)
    return True


def makes_own_address(subnet: dict[str, object]) -> bool:
    """Whether guests on `subnet` (a row) make their addresses from their MAC (SLAAC)."""
    return subnet["ipv6_address_mode"] in _SLAAC


def own_address(cidr: str, mac: str) -> str:
    """The address SLAAC gives a card with `mac` (RFC 4291, appendix A)."""
    raw = bytes.fromhex(mac.replace(":", ""))
    tail = bytes([raw[0] ^ 2, *raw[1:3], 0xFF, 0xFE, *raw[3:]])
    return str(IPv6Address(int(ip_network(cidr).network_address) | int.from_bytes(tail, "big")))
