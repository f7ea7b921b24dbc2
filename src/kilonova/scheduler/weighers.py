"""Weighers: how much a host is liked, from 0 to 1 of what it is, times a multiplier of nova.conf.

Nova compares the hosts of one request with one another (min-max); we compare each with its own capacity. A host's score
then depends on nothing but the host, hosts can be kept in order, and the fleet fills evenly.
"""

from collections.abc import Callable

import msgspec

from kilonova.scheduler.host import HostState, Profile
from kilonova.scheduler.request import Request
from kilonova.scheduler.settings import SchedulerSettings

Weigh = Callable[[HostState], float]


class Weigher(msgspec.Struct, frozen=True):
    """`option` is its multiplier in nova.conf and in aggregates' metadata; `sign` turns "more" into "better"."""

    name: str
    option: str
    weigh: Weigh
    sign: float = 1.0


def ram(host: HostState) -> float:
    capacity = host.profile.memory
    return host.free_memory / capacity if capacity > 0 else 0.0


def cpu(host: HostState) -> float:
    capacity = host.profile.vcpu
    return host.free_vcpu / capacity if capacity > 0 else 0.0


def disk(host: HostState) -> float:
    capacity = host.profile.disk
    return host.free_disk / capacity if capacity > 0 else 0.0


def build_failures(host: HostState) -> float:
    """0, ½, ⅔, ¾ …: more are worse, and there is no most."""
    return host.build_failures / (host.build_failures + 1)


def weighers(settings: SchedulerSettings) -> tuple[Weigher, ...]:
    """Those whose weight depends on the host alone."""
    io_limit, server_limit = max(settings.max_io_ops_per_host, 1), max(settings.max_instances_per_host, 1)
    return (
        Weigher("RAMWeigher", "ram_weight_multiplier", ram),
        Weigher("CPUWeigher", "cpu_weight_multiplier", cpu),
        Weigher("DiskWeigher", "disk_weight_multiplier", disk),
        Weigher("IoOpsWeigher", "io_ops_weight_multiplier", lambda host: host.io_ops / io_limit),
        Weigher("NumInstancesWeigher", "num_instances_weight_multiplier", lambda host: host.servers / server_limit),
        Weigher("BuildFailureWeigher", "build_failure_weight_multiplier", build_failures, -1.0),
        Weigher(
            "HypervisorVersionWeigher",
            "hypervisor_version_weight_multiplier",
            lambda host: host.profile.version_share,
        ),
        Weigher("MetricsWeigher", "metrics_weight_multiplier", lambda host: metrics(host, settings)),
    )


def metrics(host: HostState, settings: SchedulerSettings) -> float:
    """The sum of what the host reports times what the setting says each is worth."""
    wanted = settings.metrics_weight_setting
    have = host.metrics or {}
    if any(name not in have for name in wanted):
        return settings.metrics_weight_of_unavailable
    return sum(have[name] * worth for name, worth in wanted.items())


def weighing_of(
    profile: Profile, known: tuple[Weigher, ...], settings: SchedulerSettings
) -> tuple[tuple[Weigh, float], ...]:
    """(weigh, factor) pairs for the hosts of a profile; an aggregate's own multiplier (the lowest of several) wins."""
    pairs = []
    for weigher in known:
        factor = weigher.sign * own_multiplier(profile, weigher.option, multiplier(weigher.option, settings))
        if factor and (weigher.name != "MetricsWeigher" or settings.metrics_weight_setting):
            pairs.append((weigher.weigh, factor))
    return tuple(pairs)


def multiplier(option: str, settings: SchedulerSettings) -> float:
    return settings.metrics_weight_multiplier if option == "metrics_weight_multiplier" else settings.multiplier(option)


def own_multiplier(profile: Profile, option: str, default: float) -> float:
    numbers = []
    for value in profile.metadata.get(option, ()):
        try:
            numbers.append(float(value))
        except ValueError:
            continue
    return min(numbers, default=default)


def group_bonus(host: HostState, request: Request) -> float:
    """What membership of a soft group adds: every member already there counts, towards 1 for the host with the most."""
    group = request.group
    if group is None or not group.members:
        return 0.0
    share = group.members.get(host.name, 0) / max(group.members.values())
    settings, profile = request.settings, host.profile
    if group.policy == "soft-affinity":
        option = "soft_affinity_weight_multiplier"
        return share * own_multiplier(profile, option, settings.multiplier(option))
    if group.policy == "soft-anti-affinity":
        option = "soft_anti_affinity_weight_multiplier"
        return -share * own_multiplier(profile, option, settings.multiplier(option))
    return 0.0
