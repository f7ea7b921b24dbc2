"""Security group rules as nftables rules. Pure."""

from collections.abc import Iterator, Mapping

from kilonova.contract.network_agent import GroupRule, GroupState

# What every guest needs whatever its groups say: DHCP, and on IPv6 finding neighbours and routers.
GUEST_IN = (
    "ct state established,related accept",
    "ct state invalid drop",
    "udp sport 67 udp dport 68 accept",
    "udp sport 547 udp dport 546 accept",
    "icmpv6 type { mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept",
)
GUEST_OUT = (
    "ct state established,related accept",
    "ct state invalid drop",
    "udp sport 68 udp dport 67 accept",
    "udp sport 546 udp dport 547 accept",
    "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept",
)

# Neutron's names (and old spellings) of protocols that nft or /etc/protocols call otherwise.
_NUMBERS = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "hopopt": 0,
    "icmp": 1,
    "icmpv6": 58,
    "igmp": 2,
    "ip": 0,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
_NAMES = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}


def group_chain(direction: str, group_id: str) -> str:
    return f"{'gin' if direction == 'ingress' else 'gout'}_{group_id.replace('-', '')}"


def group_set(group_id: str, version: int) -> str:
    return f"of{version}_{group_id.replace('-', '')}"


def rule_texts(rule: GroupRule, known: Mapping[str, GroupState]) -> Iterator[str]:
    """`rule` as nft text; none when it names a group nobody knows (it has no members)."""
    parts = [f"meta nfproto ipv{rule.version}"]
    if rule.remote_group is not None:
        if rule.remote_group not in known:
            return
        parts.append(f"{_side(rule)} @{group_set(rule.remote_group, rule.version)}")
    elif rule.remote_cidr is not None:
        parts.append(f"{_side(rule)} {rule.remote_cidr}")
    parts += _protocol(rule)
    yield " ".join([*parts, "accept"])


def _side(rule: GroupRule) -> str:
    family = "ip" if rule.version == 4 else "ip6"
    return f"{family} {'saddr' if rule.direction == 'ingress' else 'daddr'}"


def protocol_number(rule: GroupRule) -> int | None:
    """The rule's protocol as IANA numbers it; None for any."""
    if rule.protocol is None or rule.protocol in ("any", "0", "ip"):
        return None
    number = _NUMBERS.get(rule.protocol.lower())
    if number == 1 and rule.version == 6:
        return 58
    return int(rule.protocol) if number is None else number


def _protocol(rule: GroupRule) -> list[str]:
    number = protocol_number(rule)
    if number is None:
        return []
    name = _NAMES.get(number)
    if name is not None and rule.low is not None:
        return [f"{name} dport {rule.low if rule.low == rule.high else f'{rule.low}-{rule.high}'}"]
    if number in (1, 58):
        return _icmp(rule)
    return [f"meta l4proto {number}"]


def _icmp(rule: GroupRule) -> list[str]:
    word = "icmp" if rule.version == 4 else "icmpv6"
    parts = [f"meta l4proto {1 if rule.version == 4 else 58}"]
    if rule.low is not None:
        parts.append(f"{word} type {rule.low}")
    if rule.high is not None:
        parts.append(f"{word} code {rule.high}")
    return parts
