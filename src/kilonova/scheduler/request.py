"""A placement question, worked out: what is wanted, what must and must not be there, what is known of its group."""

from collections.abc import Mapping

import msgspec

from kilonova.contract.scheduler import RequestSpec
from kilonova.model.ids import HostName
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.scheduler.wanted_traits import WantedTraits, wanted_traits


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A server group and how many of its other members each host has."""

    id: str
    policy: str
    max_server_per_host: int = 1
    members: Mapping[HostName, int] = {}


class Request:
    """`now` in seconds since 1970; `near` are the hosts of servers that hints name (`same_host`, `different_host`)."""

    __slots__ = ("avoid", "group", "near", "needs", "now", "settings", "spec", "traits")

    def __init__(
        self,
        spec: RequestSpec,
        settings: SchedulerSettings,
        *,
        now: float,
        avoid: frozenset[HostName] = frozenset(),
        group: Group | None = None,
        near: Mapping[str, frozenset[HostName]] | None = None,
    ) -> None:
        self.spec = spec
        self.settings = settings
        self.now = now
        self.avoid = avoid.union(spec.ignore_hosts) if spec.ignore_hosts else avoid
        self.group = group
        self.near: Mapping[str, frozenset[HostName]] = near or {}
        self.needs = spec.resources()
        self.traits: WantedTraits = wanted_traits(spec, settings)
