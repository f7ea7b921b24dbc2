"""The filters and weighers of a scheduler, put in order: what every request is asked."""

from collections.abc import Hashable, Mapping

from kilonova.contract.scheduler import RequestSpec
from kilonova.model.ids import HostName
from kilonova.scheduler.filters import FILTERS, placement
from kilonova.scheduler.filters.filter import Filter, HostFilter, ProfileFilter
from kilonova.scheduler.filters.hardware import HARDWARE_FILTERS
from kilonova.scheduler.filters.named import enabled
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Demand, Group, Request
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.scheduler.verdict import PASS, Verdict, reject

# Told of only where a host is marked so: every request asks it.
STATUS = "PlacementStatus"
# Always asked, by the names explanations give them. Their place is behind ComputeFilter.
PLACEMENT = (
    ProfileFilter(
        name="AvailabilityZone",
        judge=placement.zone,
        passing=placement.in_zone,
        applies=lambda request: request.spec.availability_zone is not None,
    ),
    ProfileFilter(
        name="PlacementTenants",
        judge=placement.tenant,
        applies=lambda request: request.settings.limit_tenants_to_placement_aggregate,
    ),
    ProfileFilter(
        name="PlacementAggregates",
        judge=placement.isolated,
        applies=lambda request: request.settings.enable_isolated_aggregate_filtering,
    ),
    ProfileFilter(name=STATUS, judge=placement.status, passing=placement.not_disabled),
    ProfileFilter(
        name="PlacementSegments",
        judge=placement.segments,
        applies=lambda request: bool(request.spec.segment_aggregates),
    ),
    ProfileFilter(
        name="PlacementTraits",
        judge=placement.traits,
        passing=placement.with_traits,
        applies=lambda request: bool(request.traits.required or request.traits.forbidden),
    ),
)
# Flavors with images that are remembered.
DEMANDS = 8192
RESOURCES = "PlacementResources"
SIZES = ProfileFilter(name=RESOURCES, judge=placement.sizes)


def _chosen(host: HostState, request: Request) -> Verdict:
    wanted = request.spec.requested_host
    if wanted is not None and host.name != wanted and host.node != wanted:
        return reject("not the host asked for")
    return reject("tried before, or to be left out") if host.name in request.avoid else PASS


CHOSEN = HostFilter(
    name="RequestedHosts",
    judge=_chosen,
    applies=lambda request: bool(request.avoid or request.spec.requested_host),
)


TENANCY = "AggregateMultiTenancyIsolation"
TYPES = "AggregateTypeAffinityFilter"


def _has(filters: list[Filter], name: str) -> bool:
    return any(one.name == name for one in filters)


def _implied(settings: SchedulerSettings) -> list[Filter]:
    """Hosts weighed by metrics they must report are asked for them, whether or not MetricsFilter is enabled."""
    name = "MetricsFilter"
    if not settings.metrics_weight_setting or not settings.metrics_required or name in settings.enabled_filters:
        return []
    return [FILTERS[name]] if settings.weighs("MetricsWeigher") else []


class Rules:
    """Made once per scheduler. `stages` is the order in which explanations tell; the answer does not depend on it.

    Errors: UnknownName.
    """

    def __init__(self, settings: SchedulerSettings) -> None:
        # Those that aggregates name: set by whoever knows these.
        self.projects: frozenset[str] = frozenset()
        self._settings = settings
        self._demands: dict[Hashable, Demand] = {}
        filters = [*enabled(settings), *_implied(settings)]
        # Without these a claim could take no more than amounts: they are asked whether enabled or not.
        filters += [one for one in HARDWARE_FILTERS if one not in filters]
        first = [one for one in filters if one.name == "ComputeFilter"]
        rest = [one for one in filters if one.name != "ComputeFilter"]
        self.stages: tuple[Filter, ...] = (CHOSEN, *first, *PLACEMENT, SIZES, *rest)
        self.on_profiles = tuple(one for one in self.stages if isinstance(one, ProfileFilter))
        # The orders hold live hosts only, so that ComputeFilter's question is answered by being in them.
        self.on_hosts = tuple(one for one in self.stages if isinstance(one, HostFilter) and one.name != "ComputeFilter")
        self.live_matters = bool(first)
        # Nobody knows what somebody else's filters look at.
        own = any(isinstance(one, ProfileFilter) and one.name not in FILTERS for one in filters)
        self._by_project = own or settings.limit_tenants_to_placement_aggregate or _has(filters, TENANCY)
        self._by_flavor = own or _has(filters, TYPES)

    def request(
        self,
        spec: RequestSpec,
        *,
        now: float,
        avoid: frozenset[HostName] = frozenset(),
        group: Group | None = None,
        near: Mapping[str, frozenset[HostName]] | None = None,
    ) -> Request:
        """A request, with what is worked out of its flavor and image remembered from the last one like it.

        Requests of one Demand get the same verdicts on every profile.
        """
        has_aggregates = spec.project_id in self.projects
        key = (
            has_aggregates,
            spec.availability_zone,
            spec.vcpus,
            spec.memory_mib,
            spec.root_gib,
            spec.ephemeral_gib,
            spec.swap_mib,
            spec.boots_from_volume,
            spec.remote_managed_ports,
            spec.segment_aggregates,
            spec.port_devices,
            tuple(spec.extra_specs.items()),
            tuple(spec.image_properties.items()),
            spec.project_id if self._by_project else None,
            spec.flavor_name if self._by_flavor else None,
        )
        demand = self._demands.get(key)
        if demand is None:
            if len(self._demands) > DEMANDS:
                self._demands.clear()
            demand = self._demands[key] = Demand(spec, self._settings, has_aggregates=has_aggregates)
        return Request(spec, self._settings, now=now, avoid=avoid, group=group, near=near, demand=demand)

    def checks(self, request: Request) -> tuple[HostFilter, ...]:
        """The host filters that have anything to ask of this request."""
        return tuple(one for one in self.on_hosts if one.applies(request))
