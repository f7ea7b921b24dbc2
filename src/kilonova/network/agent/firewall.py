"""The guards of a host: anti-spoofing, security groups, the host's own NAT, as nftables tables. Pure.

The bridge family here knows no connection tracking, so a packet is handed over to the inet hooks (through br_netfilter)
with a mark that names its port: on entry the one it came from, before it is forwarded the one it goes to. A mark is the
cloud's twelve bits and the device's index; a connection tracking zone is the bridge's index: both unique on the machine
and the same after a restart of the agent.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_network

from kilonova.contract.network_agent import GroupState, HostState, NetworkState, PortState, router_ports
from kilonova.network.agent.guards import guard
from kilonova.network.agent.names import Names
from kilonova.network.agent.nft import Chain, Collection, Table
from kilonova.network.agent.rules import GUEST_IN, GUEST_OUT, group_chain, group_set, rule_texts

_INDEX_BITS = 20


@dataclass(frozen=True)
class Slot:
    """A device on a bridge: `mark` for its packets, `zone` of its network; `port` None for our own cables."""

    device: str
    mark: int
    zone: int
    port: PortState | None


def slots(state: HostState, names: Names, index: Mapping[str, int]) -> list[Slot]:
    """All devices on our bridges; `index` is every device's number on the host. Devices not made yet are left out."""
    found: list[Slot] = []
    for network in state.networks:
        bridge = index.get(names.bridge(network.id), 0)
        ours, own_zone = _mark(names, bridge), zone(bridge)
        found += [Slot(name, ours, own_zone, None) for name in cables(state, network, names) if name in index]
        for port in network.ports:
            device = names.tap(port.id)
            if device in index:
                found.append(Slot(device, _mark(names, index[device]) if port.secured else ours, own_zone, port))
    return found


def cables(state: HostState, network: NetworkState, names: Names) -> Iterator[str]:
    """The bridge's ends of our own cables on `network`."""
    if any(subnet.dhcp_address for subnet in network.subnets):
        yield names.dhcp_port(network.id)
    if network.external:
        yield names.host_port(network.id)
    for router in state.routers:
        yield from (names.router_port(p.port_id) for p in router_ports(router) if p.network_id == network.id)


def zone(bridge_index: int) -> int:
    """The connection tracking zone (16 bits) of the network on the bridge of that number."""
    return bridge_index & 0xFFFF


def _mark(names: Names, index: int) -> int:
    return names.cloud << _INDEX_BITS | index & (1 << _INDEX_BITS) - 1


def bridge_table(found: list[Slot], names: Names) -> Table:
    """Marks, and each guest's guard against forged addresses."""
    secured = [slot for slot in found if slot.port is not None and slot.port.secured]
    guards = {f"guard_{slot.device}": Chain(tuple(guard(slot.port))) for slot in secured if slot.port}
    mine = f'"{names.prefix}*"'
    return Table(
        "bridge",
        names.prefix,
        chains={
            **guards,
            "entry": Chain(
                ("meta mark set iifname map @marks", "iifname vmap @guards"),
                "type filter hook prerouting priority -300; policy accept;",
            ),
            "exit": Chain(
                ("meta mark set oifname map @marks",), "type filter hook forward priority -200; policy accept;"
            ),
            # A frame sent to the bridge's own address would be routed by the host, past every router.
            "host": Chain((f"iifname {mine} drop",), "type filter hook input priority 0; policy accept;"),
        },
        collections={
            "marks": Collection("map", "type ifname : mark;", {f'"{s.device}"': hex(s.mark) for s in found}),
            "guards": Collection(
                "map", "type ifname : verdict;", {f'"{s.device}"': f"jump guard_{s.device}" for s in secured}
            ),
        },
    )


def inet_table(state: HostState, found: list[Slot], names: Names) -> Table:
    """Security groups, with state per network; and masquerading of the external networks' addresses."""
    secured = [(slot, slot.port) for slot in found if slot.port is not None and slot.port.secured]
    combinations = {port.groups for _, port in secured}
    known = {group.id: group for group in state.groups}
    chains: dict[str, Chain] = {
        "guest_in": Chain(GUEST_IN),
        "guest_out": Chain(GUEST_OUT),
        "zone": Chain(("ct zone set meta mark map @zones",), "type filter hook prerouting priority -300;"),
        "egress": Chain(("meta mark vmap @outs",), "type filter hook prerouting priority -100; policy accept;"),
        "ingress": Chain(("meta mark vmap @ins",), "type filter hook forward priority 0; policy accept;"),
        "outside": Chain(tuple(_masquerades(state, names)), "type nat hook postrouting priority 100; policy accept;"),
    }
    for group in known.values():
        for direction in ("ingress", "egress"):
            texts = [text for r in group.rules if r.direction == direction for text in rule_texts(r, known)]
            chains[group_chain(direction, group.id)] = Chain(tuple(texts))
    for groups in combinations:
        for direction in ("ingress", "egress"):
            chains[_combined(direction, groups)] = Chain(tuple(_combination(direction, groups, known)))
    return Table("inet", names.prefix, chains=chains, collections=_collections(secured, found, known))


def _collections(
    secured: list[tuple[Slot, PortState]], found: list[Slot], known: Mapping[str, GroupState]
) -> dict[str, Collection]:
    sets = {
        group_set(group.id, version): Collection(
            "set", f"type ipv{version}_addr; flags interval;", _members(group, version), whole=True
        )
        for group in known.values()
        for version in (4, 6)
    }
    verdicts = {
        word: Collection(
            "map", "type mark : verdict;", {hex(s.mark): f"jump {_combined(direction, p.groups)}" for s, p in secured}
        )
        for word, direction in (("ins", "ingress"), ("outs", "egress"))
    }
    zones = Collection("map", "typeof meta mark : ct zone;", {hex(s.mark): str(s.zone) for s in found})
    return {**sets, **verdicts, "zones": zones}


def _combined(direction: str, groups: tuple[str, ...]) -> str:
    """Ports with the same groups share a chain, named by them so that its name stays when the agent starts anew."""
    digest = hashlib.sha256(" ".join(groups).encode()).hexdigest()[:24]
    return f"{'in' if direction == 'ingress' else 'out'}_{digest}"


def _combination(direction: str, groups: tuple[str, ...], known: Mapping[str, GroupState]) -> Iterator[str]:
    yield f"jump guest_{'in' if direction == 'ingress' else 'out'}"
    yield from (f"jump {group_chain(direction, group)}" for group in groups if group in known)
    yield "drop"


def _members(group: GroupState, version: int) -> dict[str, str]:
    networks = [ip_network(member, strict=False) for member in group.members]
    same = [network for network in networks if network.version == version]
    return {str(one.network_address) if one.num_addresses == 1 else str(one): "" for one in collapse_addresses(same)}  # type: ignore[type-var]


def _masquerades(state: HostState, names: Names) -> Iterator[str]:
    for network in state.networks:
        for subnet in network.subnets if network.external else ():
            family = "ip6" if ":" in subnet.cidr else "ip"
            yield f'{family} saddr {subnet.cidr} oifname != "lo" oifname != "{names.prefix}*" masquerade'
