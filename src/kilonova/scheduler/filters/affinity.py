"""Where a server may be in relation to others: groups, hints that name servers or an address."""

import ipaddress

from kilonova.scheduler.filters.filter import HostFilter
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject


def _policy(request: Request) -> str:
    return "" if request.group is None else request.group.policy


def anti_affinity(host: HostState, request: Request) -> Verdict:
    """At most `max_server_per_host` (a count, microversion 2.64) of a group per host."""
    group = request.group
    if group is None:
        return PASS
    here = group.members.get(host.name, 0)
    if here < group.max_server_per_host:
        return PASS
    return reject(f"{here} members of group {group.id} already here")


def affinity(host: HostState, request: Request) -> Verdict:
    group = request.group
    if group is None or not group.members or group.members.get(host.name):
        return PASS
    return reject(f"the members of group {group.id} are elsewhere")


def different_host(host: HostState, request: Request) -> Verdict:
    return reject("has a server to keep away from") if host.name in request.near["different_host"] else PASS


def same_host(host: HostState, request: Request) -> Verdict:
    return PASS if host.name in request.near["same_host"] else reject("has none of the servers to be with")


def near_address(host: HostState, request: Request) -> Verdict:
    """Hints `build_near_host_ip` and `cidr` (a prefix like /24)."""
    hints = request.spec.hints
    length = (hints.get("cidr") or ["/24"])[0].lstrip("/")
    try:
        network = ipaddress.ip_network(f"{hints['build_near_host_ip'][0]}/{length}", strict=False)
        return PASS if ipaddress.ip_address(host.ip) in network else reject(f"address not in {network}")
    except ValueError:
        return reject("address or network in the hint is not valid")


AFFINITY_FILTERS = (
    HostFilter(
        name="ServerGroupAntiAffinityFilter",
        judge=anti_affinity,
        applies=lambda request: _policy(request) == "anti-affinity",
    ),
    HostFilter(
        name="ServerGroupAffinityFilter", judge=affinity, applies=lambda request: _policy(request) == "affinity"
    ),
    HostFilter(
        name="DifferentHostFilter",
        judge=different_host,
        applies=lambda request: bool(request.near.get("different_host")),
    ),
    HostFilter(name="SameHostFilter", judge=same_host, applies=lambda request: "same_host" in request.near),
    HostFilter(
        name="SimpleCIDRAffinityFilter",
        judge=near_address,
        applies=lambda request: bool(request.spec.hints.get("build_near_host_ip")),
    ),
)
