"""How many more servers of a kind fit, where, and what there is too little of for one more."""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from kilonova.scheduler.explanation import explain, sentence
from kilonova.scheduler.host import HostState
from kilonova.scheduler.verdict import PASS
from kilonova.simulation.placing import Placing, Wanted

# Servers placed at most before the answer is "at least so many".
LIMIT = 1_000_000


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """`suitable`: hosts that may take the kind at all. `short`: of those, how many then lack what for one more."""

    name: str
    hosts: int
    suitable: int
    more: int
    short: dict[str, int]


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """`told`: why one more would be refused. `limited`: there is room for more than were counted."""

    kind: str
    needs: dict[str, int]
    more: int
    limited: bool
    told: str
    zones: tuple[Room, ...]
    aggregates: tuple[Room, ...]


def capacity(placing: Placing, wanted: Wanted, *, limit: int = LIMIT, now: float = 0.0) -> Capacity:
    """Place one after the other until one is refused; they stay in `placing`."""
    request = placing.request(wanted, now)
    got: Counter[int] = Counter()
    more = 0
    while more < limit and (placed := placing.place(wanted, request)) is not None:
        got[placed.host.number] += 1
        more += 1
    limited = more == limit
    suits = {
        profile.number
        for profile in placing.fleet.profiles
        if all(one.judge(profile, request) is PASS for one in placing.stock.rules.on_profiles)
    }
    found = _Found(wanted, got, suits)
    return Capacity(
        kind=wanted.label,
        needs=wanted.needs,
        more=more,
        limited=limited,
        told="" if limited else sentence(explain(placing.fleet, placing.stock.rules, request).counts),
        zones=found.by(placing.fleet, lambda host: [host.profile.zone]),
        aggregates=found.by(placing.fleet, lambda host: [one.id for one in host.profile.aggregates]),
    )


class _Found:
    def __init__(self, wanted: Wanted, got: Counter[int], suits: set[int]) -> None:
        self._wanted = wanted
        self._got = got
        self._suits = suits

    def by(self, hosts: Iterable[HostState], names: Callable[[HostState], list[str]]) -> tuple[Room, ...]:
        grouped: dict[str, list[HostState]] = {}
        for host in hosts:
            for name in names(host):
                grouped.setdefault(name, []).append(host)
        return tuple(self._room(name, grouped[name]) for name in sorted(grouped))

    def _room(self, name: str, hosts: list[HostState]) -> Room:
        suitable = [host for host in hosts if host.entry is not None and host.profile.number in self._suits]
        short: Counter[str] = Counter()
        for host in suitable:
            short.update(self._short(host))
        return Room(
            name=name,
            hosts=len(hosts),
            suitable=len(suitable),
            more=sum(self._got[host.number] for host in hosts),
            short=dict(short.most_common()),
        )

    def _short(self, host: HostState) -> list[str]:
        lacking = [name for name, amount in self._wanted.needs.items() if host.free(name) < amount]
        return lacking or ["something else than amounts"]
