"""A placement question, worked out: what is wanted, what must and must not be there, what is known of its group."""

from collections.abc import Mapping

import msgspec

from kilonova.contract.scheduler import RequestSpec
from kilonova.model.fitting.fit import Wanted
from kilonova.model.fitting.host import Room
from kilonova.model.fitting.needs import wanted
from kilonova.model.ids import HostName
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.scheduler.wanted_traits import WantedTraits, wanted_traits

NO_ROOMS: Mapping[HostName, Room] = {}
NOTHING_NEAR: Mapping[str, frozenset[HostName]] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A server group and how many of its other members each host has."""

    id: str
    policy: str
    max_server_per_host: int = 1
    members: Mapping[HostName, int] = {}


class Demand:
    """What a request demands of any host, worked out; many requests share one. `needs`: amounts by resource class.

    `wanted` is what has to be fitted, for most nothing. `has_aggregates`: some name the project. Errors: BadHardware.
    """

    __slots__ = ("has_aggregates", "is_fitted", "needs", "traits", "wanted")

    def __init__(self, spec: RequestSpec, settings: SchedulerSettings, *, has_aggregates: bool = False) -> None:
        self.has_aggregates = has_aggregates
        self.needs = spec.resources()
        self.traits: WantedTraits = wanted_traits(spec, settings)
        self.wanted: Wanted = wanted(spec.hardware(), settings.pci_aliases, spec.port_devices)
        self.is_fitted = bool(self.wanted)


class Request:
    """`now` in seconds since 1970; `near` are the hosts of servers that hints name (`same_host`, `different_host`)."""

    __slots__ = ("alike", "avoid", "demand", "group", "near", "now", "rooms", "settings", "spec")

    def __init__(
        self,
        spec: RequestSpec,
        settings: SchedulerSettings,
        *,
        now: float,
        avoid: frozenset[HostName] = frozenset(),
        group: Group | None = None,
        near: Mapping[str, frozenset[HostName]] | None = None,
        demand: Demand | None = None,
    ) -> None:
        self.spec = spec
        self.demand = demand or Demand(spec, settings)
        self.settings = settings
        self.now = now
        self.avoid = avoid.union(spec.ignore_hosts) if spec.ignore_hosts else avoid
        self.group = group
        self.near: Mapping[str, frozenset[HostName]] = near or NOTHING_NEAR
        # How like the images of a host's servers are to this one; known only where ImagePropertiesWeigher counts.
        self.alike: Mapping[HostName, float] = {}
        # The hosts that can be fitted into at all; known only where something is to be fitted.
        self.rooms: Mapping[HostName, Room] = NO_ROOMS

    @property
    def is_plain(self) -> bool:
        """Nothing in it but what its demand, project, flavor and image say."""
        spec = self.spec
        return not (spec.hints or self.avoid or self.group or self.near or spec.requested_host or self.demand.is_fitted)

    @property
    def needs(self) -> dict[str, int]:
        return self.demand.needs

    @property
    def traits(self) -> WantedTraits:
        return self.demand.traits
