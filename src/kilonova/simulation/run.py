"""A run: servers come, stay and go, hosts are taken out and come back; nothing in it looks at a real clock."""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from kilonova.scheduler.host import HostState
from kilonova.simulation.arrivals import Arrival, arrivals, kinds
from kilonova.simulation.balance import propose
from kilonova.simulation.description import BadDescription, Description, Maintenance, seconds
from kilonova.simulation.evacuation import evacuate
from kilonova.simulation.measure import Gauge, shares
from kilonova.simulation.placing import Capacity, Placed, Placing, Wanted
from kilonova.simulation.refusals import Refusals
from kilonova.simulation.result import FirstRefusal, KindResult, Moves, Result, Sample
from kilonova.simulation.stock import Stock, build, spec_of
from kilonova.simulation.trace import Trace

# How often progress is told, in arrivals.
TELL_EACH = 2000


class Progress(NamedTuple):
    """`share` of the whole, as far as it can be known."""

    share: float
    at_s: float
    servers: int
    refused: int


class Event(NamedTuple):
    """`order` makes those of one moment follow one another as they were made."""

    at_s: float
    order: int
    what: "Placed | _Taking | _Returning | _Balancing"


class _Taking(msgspec.Struct, frozen=True):
    """Hosts go into maintenance."""

    hosts: tuple[HostState, ...]
    rule: Maintenance


class _Returning(msgspec.Struct, frozen=True):
    hosts: tuple[HostState, ...]


class _Balancing(msgspec.Struct, frozen=True):
    pass


def simulate(
    description: Description,
    *,
    seed: int = 0,
    trace: Trace | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> Result:
    """Errors: BadDescription."""
    return Run(description, seed=seed, trace=trace).run(tell)


class Run:
    """`stock` and `placing` are the fleet as it stands, to be looked at when the run is over."""

    def __init__(self, description: Description, *, seed: int = 0, trace: Trace | None = None) -> None:
        self.description = description
        self.seed = seed
        self.stock: Stock = build(description)
        self.placing = Placing(self.stock, random.Random(f"{seed} choice"))
        self._events: list[Event] = []
        self._order = itertools.count()
        self._requested: dict[int, int] = {}
        self._ended = 0
        self._moves = Moves()
        self._first: FirstRefusal | None = None
        self._samples: list[Sample] = []
        self._refusals = Refusals(self.placing)
        self._trace = trace
        self._wanted: list[Wanted] = kinds(description) if trace is None else trace.wanted
        self._limits = _Limits(description, trace, self.placing.capacities)
        self._furnish()
        self._plan()

    def _furnish(self) -> None:
        for placed in present(self.description, self.placing):
            self._push(math.inf, placed)

    def _plan(self) -> None:
        for rule in self.description.maintenance:
            self._push(seconds(rule.at), _Taking(_meant(rule, self.stock), rule))
        if self.description.balancing is not None:
            self._push(seconds(self.description.balancing.every), _Balancing())

    def _push(self, at_s: float, what: "Placed | _Taking | _Returning | _Balancing") -> None:
        heapq.heappush(self._events, Event(at_s, next(self._order), what))

    # -- the run ----

    def run(self, tell: Callable[[Progress], None] | None = None) -> Result:
        source: Iterable[Arrival]
        source = arrivals(self.description, self._wanted, self.seed) if self._trace is None else self._trace
        gauge = self._gauge = Gauge(self.placing, self._reference())
        clock = _SampleTimes(self._limits.expected_s, self.description.run.samples)
        requested, now = 0, 0.0
        for arrival in self._until_the_end(source):
            self._advance(arrival.at_s, clock)
            now = arrival.at_s
            requested += 1
            self._arrive(arrival)
            if tell is not None and requested % TELL_EACH == 0:
                tell(self._progress(requested, now))
            if self._limits.reached(requested, self._refusals.total):
                break
        end_s = now if self._limits.end_s is None or self._limits.reached(requested, self._refusals.total) else (
            self._limits.end_s
        )  # fmt: skip
        self._advance(end_s, clock)
        self._sample(end_s)
        return self._result(end_s, gauge)

    def _until_the_end(self, source: Iterable[Arrival]) -> Iterator[Arrival]:
        end_s = math.inf if self._limits.end_s is None else self._limits.end_s
        return itertools.takewhile(lambda arrival: arrival.at_s <= end_s, source)

    def _advance(self, now: float, clock: "_SampleTimes") -> None:
        """Everything that happens up to `now`."""
        while True:
            due = self._events[0].at_s if self._events else math.inf
            if clock.next_s <= min(due, now):
                self._sample(clock.next_s)
                clock.turn(self._samples)
            elif due <= now:
                self._happen(heapq.heappop(self._events))
            else:
                return

    def _happen(self, event: Event) -> None:
        what = event.what
        if isinstance(what, Placed):
            self.placing.remove(what)
            self._ended += 1
        elif isinstance(what, _Taking):
            self._take_out(event.at_s, what)
        elif isinstance(what, _Returning):
            for host in what.hosts:
                self.placing.enable(host, True)
        else:
            self._even_out(event.at_s)

    def _arrive(self, arrival: Arrival) -> None:
        wanted, members = arrival.wanted, arrival.members
        self._requested[wanted.number] = self._requested.get(wanted.number, 0) + 1
        request = self.placing.request(wanted, arrival.at_s, members)
        placed = self.placing.place(wanted, request, members)
        if placed is not None:
            self._push(arrival.at_s + arrival.stays_s, placed)
            return
        reason = self._refusals.count(wanted, request)
        if self._first is None:
            self._first = FirstRefusal(
                at_s=round(arrival.at_s, 3),
                placed=sum(self._requested.values()) - 1,
                kind=wanted.label,
                reason=reason,
                used=shares(self.placing.capacities),
            )

    # -- hosts ----

    def _take_out(self, now: float, taking: _Taking) -> None:
        rule = taking.rule
        for host in taking.hosts:
            self.placing.enable(host, False)
        gone = set(taking.hosts)
        on_them = sorted((one for one in self._events if isinstance(one.what, Placed) and one.what.host in gone),
                         key=lambda event: event.order)  # fmt: skip
        for plan in evacuate(self.placing, [one.what for one in on_them if isinstance(one.what, Placed)], now):
            if plan.target is None:
                self._moves.failed += 1
            else:
                self._moves.maintenance += 1
        self._push(now + seconds(rule.duration), _Returning(taking.hosts))
        if rule.every is not None:
            self._push(now + max(seconds(rule.every), 1.0), taking)

    def _even_out(self, now: float) -> None:
        rule = self.description.balancing
        assert rule is not None
        servers = sorted((one for one in self._events if isinstance(one.what, Placed)), key=lambda event: event.order)
        moves = propose(self.placing, [one.what for one in servers if isinstance(one.what, Placed)], rule.moves, now)
        self._moves.balancing += len(moves)
        self._push(now + max(seconds(rule.every), 1.0), _Balancing())

    # -- what is told ----

    def _reference(self) -> Wanted | None:
        """The kind that wants most memory; of a trace nothing is known yet but its flavors."""
        known = self._wanted or [
            Wanted(-1, name, spec_of(name, facts)) for name, facts in self.description.flavors.items()
        ]
        return max(known, key=lambda one: (one.needs.get("MEMORY_MB", 0), one.needs.get("VCPU", 0)), default=None)

    def _sample(self, at_s: float) -> None:
        moved = self._moves.maintenance + self._moves.balancing
        requested = sum(self._requested.values())
        self._samples.append(self._gauge.sample(at_s, requested=requested, refused=self._refusals.total, moved=moved))

    def _progress(self, requested: int, now: float) -> Progress:
        share = self._limits.share(requested, now, self._refusals.total)
        return Progress(share, now, self.placing.servers, self._refusals.total)

    def _result(self, end_s: float, gauge: Gauge) -> Result:
        requested, refused = sum(self._requested.values()), self._refusals.total
        return Result(
            name=self.description.name,
            seed=self.seed,
            hosts=len(self.placing.fleet),
            ended_s=round(end_s, 3),
            requested=requested,
            placed=requested - refused,
            refused=refused,
            ended=self._ended,
            alive=self.placing.servers,
            used=shares(self.placing.capacities),
            reference="" if gauge.reference is None else gauge.reference.label,
            first_refusal=self._first,
            refusals=self._refusals.found(),
            kinds=tuple(
                KindResult(kind=one.label, requested=self._requested.get(one.number, 0), refused=self._refusals.of(one))
                for one in self._wanted
            ),
            moves=self._moves,
            zones=gauge.zones(),
            racks=gauge.racks(),
            histogram=gauge.histogram(),
            samples=tuple(self._samples),
        )


def present(description: Description, placing: Placing) -> list[Placed]:
    """Put the servers on the hosts that are there from the start. Errors: BadDescription when one does not fit."""
    placed: list[Placed] = []
    for number, entry in enumerate(description.servers):
        wanted = Wanted(-2 - number, entry.flavor, spec_of(entry.flavor, description.flavors[entry.flavor]))
        for copy in range(entry.count):
            name = f"{entry.name or entry.flavor}-{copy + 1}" if entry.count > 1 else entry.name or entry.flavor
            if entry.host is not None:
                host: HostState | None = placing.stock.host(entry.host)
            else:
                host = placing.best(wanted, placing.request(wanted, 0.0))
            if host is None or any(host.free(resource) < amount for resource, amount in wanted.needs.items()):
                raise BadDescription(f"servers[{number}]: {entry.flavor} number {copy + 1} finds no room")
            placed.append(placing.put(host, wanted, name=name))
    return placed


def _meant(rule: Maintenance, stock: Stock) -> tuple[HostState, ...]:
    """Errors: BadDescription when it names nothing there is."""
    by_name = {stock.host(name).number for name in rule.hosts}
    found = tuple(
        host
        for host in stock.fleet
        if host.number in by_name or stock.rack_of.get(host.number) in rule.racks or host.profile.zone in rule.zones
    )
    if not found:
        raise BadDescription("maintenance: it names no host, rack or zone that there is")
    return found


class _Limits:
    """Errors: BadDescription when the run would never end."""

    def __init__(self, description: Description, trace: Trace | None, capacities: Mapping[str, Capacity]) -> None:
        self._capacities = capacities
        limits = description.run
        self.end_s = None if limits.duration is None else seconds(limits.duration)
        self._servers = limits.servers
        self._refusals = limits.refusals
        if trace is None and not description.requests:
            raise BadDescription("requests: nothing is asked for; say what (flavor, share), or give a trace")
        if trace is None and self.end_s is None and not self._servers and not self._refusals:
            raise BadDescription("run: it would never end; say `for`, `servers` or `refusals`")
        by_count = math.inf
        if trace is None and self._servers:
            by_count = self._servers / description.arrivals.per_hour * 3600
        self.expected_s = min(by_count, math.inf if self.end_s is None else self.end_s)

    def reached(self, requested: int, refused: int) -> bool:
        return requested == self._servers or (self._refusals is not None and refused >= self._refusals)

    def share(self, requested: int, now: float, refused: int) -> float:
        shares = [refused / self._refusals] if self._refusals else [0.0]
        if self._refusals and not refused:
            # Until the first refusal, how full it is tells best how near that is.
            shares.append(0.99 * max(capacity.share for capacity in self._capacities.values()))
        if self._servers:
            shares.append(requested / self._servers)
        if self.end_s:
            shares.append(now / self.end_s)
        return min(max(shares), 1.0)


class _SampleTimes:
    """When samples are taken: evenly over a time that is known; else doubling the pause whenever there are too many."""

    def __init__(self, expected_s: float, samples: int) -> None:
        self._open = math.isinf(expected_s)
        self._most = samples
        self._pause_s = 60.0 if self._open else max(expected_s / samples, 1e-3)
        self.next_s = 0.0

    def turn(self, samples: list[Sample]) -> None:
        if self._open and len(samples) >= 2 * self._most:
            del samples[1::2]
            self._pause_s *= 2
        self.next_s += self._pause_s
