"""Which host: the quick way where hosts stand in the request's order, the slow one where they do not."""

import random
from collections.abc import Sequence

import msgspec

from kilonova.contract.scheduler import Candidate, WeightShare
from kilonova.scheduler.decision import Decision
from kilonova.scheduler.fitted import take_room
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.scan import Weighing
from kilonova.scheduler.settings import SchedulerSettings

# Equally good hosts among which `shuffle_best_same_weighed_hosts` chooses, at most.
EQUALS = 64


class Choice:
    """Errors of making one: UnknownName."""

    def __init__(self, fleet: Fleet, rules: Rules, settings: SchedulerSettings, rng: random.Random) -> None:
        self.weighing = Weighing(settings)
        self._fleet = fleet
        self._settings = settings
        self._rng = rng
        self._decision = Decision(fleet, rules)

    @property
    def by_chance(self) -> bool:
        return self._settings.host_subset_size > 1 or self._settings.shuffle_best_same_weighed_hosts

    def host_for(self, request: Request) -> HostState | None:
        """The host the request is to have; by chance where nova.conf wants that."""
        if request.spec.force_host is not None:
            return self._forced(request)
        if self._settings.shuffle_best_same_weighed_hosts:
            return self._one_of(self._equals(request))
        return self._one_of(self.best(request, self._settings.host_subset_size))

    def best_for(self, request: Request) -> HostState | None:
        """The same without chance."""
        return self._forced(request) if request.spec.force_host is not None else next(iter(self.best(request, 1)), None)

    def best(self, request: Request, count: int) -> list[HostState]:
        """Up to `count` hosts that pass, best first; of equals the one known longest."""
        if self.weighing.needs_scan(request):
            return self.weighing.ranked(self._decision.best(request, len(self._fleet)), request)[:count]
        return self._decision.best(request, count)

    def candidates(self, hosts: Sequence[HostState], request: Request, *, of: Sequence[HostState]) -> list[Candidate]:
        """`hosts` with their scores by weigher, `of` all hosts that pass."""
        known = of if self.weighing.needs_scan(request) else hosts
        shares = dict(zip((host.name for host in known), self.weighing.shares(known, request), strict=True))
        return [
            Candidate(
                host=host.name,
                score=sum(share.score for share in shares[host.name]),
                weights=tuple(
                    WeightShare(name=share.name, weight=share.weight, multiplier=share.multiplier, score=share.score)
                    for share in shares[host.name]
                ),
            )
            for host in hosts
        ]

    def top(self, request: Request, count: int) -> list[Candidate]:
        """The best hosts with their scores by weigher; a forced host was compared with no other."""
        if not count or request.spec.force_host is not None:
            return []
        everything = self.weighing.needs_scan(request)
        found = self.best(request, len(self._fleet) if everything else count)
        return self.candidates(found[:count], request, of=found)

    def _forced(self, request: Request) -> HostState | None:
        wanted = request.spec.force_host
        host = None if wanted is None else self._fleet.get(wanted)
        return host if host is not None and host.name not in request.avoid else None

    def _one_of(self, hosts: Sequence[HostState]) -> HostState | None:
        if len(hosts) > 1:
            return self._rng.choice(hosts)
        return hosts[0] if hosts else None

    def _equals(self, request: Request) -> list[HostState]:
        """Those as good as the best."""
        found = self.best(request, EQUALS)
        if self.weighing.needs_scan(request):
            passing = self._decision.best(request, len(self._fleet))
            scores = dict(zip((host.name for host in passing), self.weighing.scores(passing, request), strict=True))
        else:
            scores = {host.name: self._fleet.score(host) for host in found}
        return [host for host in found if scores[host.name] == scores[found[0].name]]


def joined(request: Request, host: HostState) -> Request:
    """The next request of the same kind, after one went to `host`: it may be in its group."""
    take_room(request, host.name)
    group = request.group
    if group is None:
        return request
    members = {**group.members, host.name: group.members.get(host.name, 0) + 1}
    after = Request(
        request.spec,
        request.settings,
        now=request.now,
        avoid=request.avoid,
        group=msgspec.structs.replace(group, members=members),
        near=request.near,
        demand=request.demand,
    )
    after.alike = request.alike
    after.rooms = request.rooms
    return after
