"""Weighers: how much a host is liked, from 0 to 1 of what it is, times a multiplier of nova.conf.

Nova compares the hosts of one request with one another (min-max); so do we where `weight_normalization` is `min_max`.
Else we compare each with its own capacity: a host's score then depends on nothing but the host, hosts can be kept in
order, and the fleet fills evenly.
"""

from collections.abc import Callable
from operator import attrgetter

import msgspec

from kilonova.scheduler import plugins
from kilonova.scheduler.host import FLAT, HostState, Profile, Rise
from kilonova.scheduler.request import Request
from kilonova.scheduler.settings import ALL_WEIGHERS, SchedulerSettings

Weigh = Callable[[HostState], float]
PCI = "PCIWeigher"

WeighFor = Callable[[HostState, Request], float]


class Weigher(msgspec.Struct, frozen=True):
    """Looks at nothing but the host. `weigh` is compared with nothing, so it should lie between 0 and 1.

    `option` is its multiplier in nova.conf and in aggregates' metadata, `default` what that is where nova.conf has no
    such option; `sign` turns "more" into "better". `raw` is what min-max compares, where that is not `weigh`. Where
    `weigh` is proportional to what a host counts, `rise` says to what, so that scores are had without asking it.
    """

    name: str
    option: str
    weigh: Weigh
    sign: float = 1.0
    raw: Weigh | None = None
    default: float = 1.0
    rise: Callable[[Profile], Rise] | None = None


class RequestWeigher(msgspec.Struct, frozen=True, kw_only=True):
    """Looks at the request too: a request it `applies` to has every host that passes weighed (see `scan`)."""

    name: str
    option: str
    weigh: WeighFor
    applies: Callable[[Request], bool]
    sign: float = 1.0
    raw: WeighFor | None = None
    default: float = 1.0


def _share(capacity: int) -> float:
    return 1 / capacity if capacity > 0 else 0.0


def build_failures(host: HostState) -> float:
    """0, ½, ⅔, ¾ …: more are worse, and there is no most."""
    return host.build_failures / (host.build_failures + 1)


def devices(host: HostState) -> float:
    """Hosts with devices are kept for those who want some, and those with many for those who want many."""
    return host.free_devices / (host.free_devices + 1)


def same_cell(host: HostState) -> float:
    """Nova's prefers the cell a server is in; here all hosts are in one, and none is nearer than another."""
    return 0.0


def _rising(name: str, subject: str, rise: Callable[[Profile], Rise], counted: str) -> Weigher:
    """`counted` is what min-max compares: as large as it is, not as a share."""
    return Weigher(
        name,
        f"{subject}_weight_multiplier",
        lambda host: rise(host.profile).of(host),
        raw=attrgetter(counted),
        rise=rise,
    )


def built_in(settings: SchedulerSettings) -> tuple[Weigher, ...]:
    """Those whose weight depends on the host alone."""
    io_limit, server_limit = max(settings.max_io_ops_per_host, 1), max(settings.max_instances_per_host, 1)
    return (
        _rising("RAMWeigher", "ram", lambda profile: Rise(free_memory=_share(profile.memory)), "free_memory"),
        _rising("CPUWeigher", "cpu", lambda profile: Rise(free_vcpu=_share(profile.vcpu)), "free_vcpu"),
        _rising("DiskWeigher", "disk", lambda profile: Rise(free_disk=_share(profile.disk)), "free_disk"),
        _rising("IoOpsWeigher", "io_ops", lambda profile: Rise(io_ops=1 / io_limit), "io_ops"),
        _rising("NumInstancesWeigher", "num_instances", lambda profile: Rise(servers=1 / server_limit), "servers"),
        Weigher(
            "BuildFailureWeigher",
            "build_failure_weight_multiplier",
            build_failures,
            -1.0,
            raw=lambda host: host.build_failures,
        ),
        Weigher(
            "HypervisorVersionWeigher",
            "hypervisor_version_weight_multiplier",
            lambda host: host.profile.version_share,
            raw=lambda host: host.profile.hypervisor_version,
        ),
        Weigher("MetricsWeigher", "metrics_weight_multiplier", lambda host: metrics(host, settings)),
        Weigher(PCI, "pci_weight_multiplier", devices, -1.0, raw=lambda host: host.free_devices),
        Weigher("CrossCellWeigher", "cross_cell_move_weight_multiplier", same_cell),
    )


def metrics(host: HostState, settings: SchedulerSettings) -> float:
    """The sum of what the host reports times what the setting says each is worth."""
    wanted = settings.metrics_weight_setting
    have = host.metrics or {}
    if any(name not in have for name in wanted):
        return settings.metrics_weight_of_unavailable
    return sum(have[name] * worth for name, worth in wanted.items())


def set_weighing(profile: Profile, known: tuple[Weigher, ...], settings: SchedulerSettings) -> None:
    """How the hosts of a profile are weighed: (weigh, factor) pairs, those of them that rise evenly added up."""
    pairs, rise = [], FLAT
    for weigher in known:
        factor = factor_of(profile, weigher, settings)
        if weigher.rise is not None:
            rise = rise.plus(weigher.rise(profile).times(factor))
        elif factor and weigher.weigh is not same_cell:
            pairs.append((weigher.weigh, factor))
    profile.rise, profile.weighing = rise, tuple(pairs)


def factor_of(profile: Profile, weigher: Weigher | RequestWeigher, settings: SchedulerSettings) -> float:
    """Its multiplier for hosts of the profile; an aggregate's own (the lowest of several) wins."""
    if weigher.name == "MetricsWeigher" and not settings.metrics_weight_setting:
        return 0.0
    if weigher.name == PCI and not profile.make.has_devices:
        return 0.0
    default = settings.multiplier(weigher.option, weigher.default)
    return weigher.sign * own_multiplier(profile, weigher.option, default)


def own_multiplier(profile: Profile, option: str, default: float) -> float:
    numbers = []
    for value in profile.metadata.get(option, ()):
        try:
            numbers.append(float(value))
        except ValueError:
            continue
    return min(numbers, default=default)


def group_share(host: HostState, request: Request) -> float:
    """Members of the request's group on the host, as a share of those on the host with the most."""
    group = request.group
    if group is None or not group.members:
        return 0.0
    return group.members.get(host.name, 0) / max(group.members.values())


def _policy(request: Request) -> str:
    return "" if request.group is None else request.group.policy


SOFT_AFFINITY = RequestWeigher(
    name="ServerGroupSoftAffinityWeigher",
    option="soft_affinity_weight_multiplier",
    weigh=group_share,
    applies=lambda request: _policy(request) == "soft-affinity",
)
SOFT_ANTI_AFFINITY = RequestWeigher(
    name="ServerGroupSoftAntiAffinityWeigher",
    option="soft_anti_affinity_weight_multiplier",
    weigh=group_share,
    sign=-1.0,
    applies=lambda request: _policy(request) == "soft-anti-affinity",
)
SOFT = (SOFT_AFFINITY, SOFT_ANTI_AFFINITY)


def likeness(host: HostState, request: Request) -> float:
    """Image properties that servers here share with the request's, as a share of the host with the most."""
    alike = request.alike
    most = max(alike.values(), default=0.0)
    return alike.get(host.name, 0.0) / most if most > 0 else 0.0


IMAGE_PROPERTIES = RequestWeigher(
    name="ImagePropertiesWeigher",
    option="image_props_weight_multiplier",
    weigh=likeness,
    raw=lambda host, request: request.alike.get(host.name, 0.0),
    applies=lambda request: bool(request.alike),
)


REQUEST_WEIGHERS: tuple[RequestWeigher, ...] = (*SOFT, IMAGE_PROPERTIES)

AnyWeigher = Weigher | RequestWeigher

OPTION = "[filter_scheduler] weight_classes"


def enabled(settings: SchedulerSettings) -> tuple[AnyWeigher, ...]:
    """Those nova.conf names: all built-in ones unless it says otherwise. Errors: UnknownName."""
    ours: tuple[AnyWeigher, ...] = (*built_in(settings), *REQUEST_WEIGHERS)
    known = {one.name: one for one in ours}
    found: dict[str, AnyWeigher] = {}
    for name in settings.weight_classes:
        if name == ALL_WEIGHERS:
            found |= known
        else:
            one = _named(name, known)
            found[one.name] = one
    return tuple(found.values())


def _named(name: str, known: dict[str, AnyWeigher]) -> AnyWeigher:
    """`RAMWeigher`, Nova's path to it, a plug-in's name, or the path of an object. Errors: UnknownName."""
    short = name.removeprefix("nova.scheduler.weights.").rpartition(".")[2]
    if short in known and (name == short or name.startswith("nova.scheduler.weights.")):
        return known[short]
    offered = plugins.installed(plugins.WEIGHERS)
    if name in offered:
        found = plugins.loaded(offered[name], OPTION)
    elif "." in name and not name.startswith("nova."):
        found = plugins.by_path(name, OPTION)
    else:
        raise plugins.unknown(OPTION, name, (*known, *offered))
    if not isinstance(found, AnyWeigher):
        raise plugins.UnknownName(f"{OPTION}: {name} is no Weigher and no RequestWeigher.")
    return found


def weighers(settings: SchedulerSettings) -> tuple[Weigher, ...]:
    """Those of them that look at nothing but hosts."""
    return tuple(one for one in enabled(settings) if isinstance(one, Weigher))


def request_weighers(settings: SchedulerSettings) -> tuple[RequestWeigher, ...]:
    """Those that look at requests too. The two for soft groups are not among them: `group_bonus` knows them."""
    return tuple(one for one in enabled(settings) if isinstance(one, RequestWeigher) and one not in SOFT)


def group_bonus(host: HostState, request: Request) -> float:
    """What membership of a soft group adds: every member already there counts, towards 1 for the host with the most."""
    if request.group is None or not request.group.members:
        return 0.0
    settings = request.settings
    return sum(
        one.weigh(host, request) * factor_of(host.profile, one, settings)
        for one in SOFT
        if one.applies(request) and settings.weighs(one.name)
    )
