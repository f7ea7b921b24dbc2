"""Which running connections the rules allow no longer. Pure.

Answers pass because a connection was allowed when it began; when a rule goes, so must what began under it.
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network

from kilonova.contract.network_agent import GroupRule, GroupState, HostState, PortState
from kilonova.network.agent.conntrack import Flow
from kilonova.network.agent.rules import protocol_number

_ICMP = (1, 58)


def tightened(old: HostState, new: HostState) -> bool:
    """Whether anything allowed in `old` may not be in `new`."""
    groups = {group.id: group for group in new.groups}
    for group in old.groups:
        now = groups.get(group.id)
        if now is None or set(group.rules) - set(now.rules) or set(group.members) - set(now.members):
            return True
    ports = {port.id: port for network in new.networks for port in network.ports}
    for port in (port for network in old.networks for port in network.ports):
        there = ports.get(port.id)
        if there is None or set(port.groups) - set(there.groups) or set(port.addresses) - set(there.addresses):
            return True
        if there.secured and not port.secured:
            return True
    return False


def forbidden(flow: Flow, ports: Mapping[str, PortState], groups: Mapping[str, GroupState], *, gone: set[str]) -> bool:
    """`ports` of the flow's network by address; `gone` are addresses that no port has any more."""
    if flow.source in gone or flow.destination in gone:
        return True
    sender, receiver = ports.get(flow.source), ports.get(flow.destination)
    if sender is not None and not _allowed(flow, sender, groups, "egress", flow.destination):
        return True
    return receiver is not None and not _allowed(flow, receiver, groups, "ingress", flow.source)


def _allowed(flow: Flow, port: PortState, groups: Mapping[str, GroupState], direction: str, other: str) -> bool:
    if not port.secured:
        return True
    rules: Iterable[GroupRule] = (rule for id in port.groups if id in groups for rule in groups[id].rules)
    return any(rule.direction == direction and _matches(rule, flow, other, groups) for rule in rules)


def _matches(rule: GroupRule, flow: Flow, other: str, groups: Mapping[str, GroupState]) -> bool:
    address = ip_address(other)
    if address.version != rule.version:
        return False
    if rule.remote_cidr is not None and address not in ip_network(rule.remote_cidr, strict=False):
        return False
    if rule.remote_group is not None and not _is_member(other, groups.get(rule.remote_group)):
        return False
    number = protocol_number(rule)
    if number is None:
        return True
    return number == flow.protocol and _ports_match(rule, flow)


def _is_member(address: str, group: GroupState | None) -> bool:
    if group is None:
        return False
    found = ip_address(address)
    # Members are addresses mostly, networks where a port may use one (allowed address pairs).
    return address in group.members or any("/" in one and found in ip_network(one) for one in group.members)


def _ports_match(rule: GroupRule, flow: Flow) -> bool:
    if flow.protocol in _ICMP:
        return rule.low in (None, flow.port) and rule.high in (None, flow.code)
    if rule.low is None or rule.high is None or flow.port is None:
        return True
    return rule.low <= flow.port <= rule.high
