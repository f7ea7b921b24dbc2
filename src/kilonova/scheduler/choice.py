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
from kilonova.scheduler.scan import Column, Weighing, in_order, total
from kilonova.scheduler.settings import SchedulerSettings

# Equally good hosts among which `shuffle_best_same_weighed_hosts` chooses, at most.
EQUALS = 64


class _Scanned(msgspec.Struct):
    """All hosts that pass, as the fleet gave them; `order` are their places, best first."""

    request: Request
    changes: int
    hosts: list[HostState]
    columns: list[Column]
    scores: list[float]
    order: list[int]


class Choice:
    """Errors of making one: UnknownName."""

    def __init__(self, fleet: Fleet, rules: Rules, settings: SchedulerSettings, rng: random.Random) -> None:
        self.weighing = Weighing(settings)
        self._fleet = fleet
        self._settings = settings
        self._rng = rng
        self._decision = Decision(fleet, rules)
        self._last: _Scanned | None = None

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
            scanned = self._scan(request)
            return [scanned.hosts[place] for place in scanned.order[:count]]
        return self._decision.best(request, count)

    def candidates(self, hosts: Sequence[HostState], request: Request, *, of: Sequence[HostState]) -> list[Candidate]:
        """`hosts` with their scores by weigher, `of` all hosts that pass."""
        known = of if self.weighing.needs_scan(request) else hosts
        columns = self.weighing.columns(known, request)
        place = {host.name: index for index, host in enumerate(known)} if known is not hosts else None
        return [
            _candidate(host, index if place is None else place[host.name], columns) for index, host in enumerate(hosts)
        ]

    def top(self, request: Request, count: int) -> list[Candidate]:
        """The best hosts with their scores by weigher; a forced host was compared with no other."""
        if not count or request.spec.force_host is not None:
            return []
        if self.weighing.needs_scan(request):
            scanned = self._scan(request)
            return [_candidate(scanned.hosts[place], place, scanned.columns) for place in scanned.order[:count]]
        found = self._decision.best(request, count)
        return self.candidates(found, request, of=found)

    def _scan(self, request: Request) -> _Scanned:
        """The same again for the same request, as long as no host changed."""
        last = self._last
        if last is not None and last.request is request and last.changes == self._fleet.changes:
            return last
        hosts = self._decision.best(request, len(self._fleet))
        columns = self.weighing.columns(hosts, request)
        scores = total(columns, len(hosts))
        self._last = _Scanned(request, self._fleet.changes, hosts, columns, scores, in_order(hosts, scores))
        return self._last

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
        if self.weighing.needs_scan(request):
            scanned = self._scan(request)
            best = [
                place for place in scanned.order[:EQUALS] if scanned.scores[place] == scanned.scores[scanned.order[0]]
            ]
            return [scanned.hosts[place] for place in best]
        found = self._decision.best(request, EQUALS)
        return [host for host in found if self._fleet.score(host) == self._fleet.score(found[0])]


def _candidate(host: HostState, index: int, columns: Sequence[Column]) -> Candidate:
    """`index`: the host's place in the columns."""
    weights = tuple(
        WeightShare(
            name=column.name,
            weight=column.weights[index],
            multiplier=column.multipliers[index],
            score=column.weights[index] * column.multipliers[index],
        )
        for column in columns
    )
    return Candidate(host=host.name, score=sum(share.score for share in weights), weights=weights)


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
