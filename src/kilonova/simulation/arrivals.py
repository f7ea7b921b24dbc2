"""Who asks for what, when, and stays for how long: by chance from a description, the same for the same seed."""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from kilonova.simulation.description import Arrivals, Description, GroupRule, Kind, Lifetime, seconds
from kilonova.simulation.placing import Members, Wanted
from kilonova.simulation.stock import spec_of

DAY_S = 86400.0
BUSIEST_S = 15 * 3600.0


class Arrival(NamedTuple):
    """`at_s` in seconds since the run began; `stays_s` may be infinite."""

    at_s: float
    wanted: Wanted
    stays_s: float
    members: Members | None


def kinds(description: Description) -> list[Wanted]:
    """In the order of `requests`."""
    return [
        Wanted(number, _label(kind), spec_of(kind.flavor, description.flavors[kind.flavor], kind))
        for number, kind in enumerate(description.requests)
    ]


def _label(kind: Kind) -> str:
    where = "" if kind.zone is None else f" in zone {kind.zone}"
    group = "" if kind.group is None else f", {kind.group.policy}"
    return f"{kind.flavor}{where}{group}"


def arrivals(description: Description, wanted: list[Wanted], seed: int) -> Iterator[Arrival]:
    """Without end; each matter of chance draws from a sequence of its own, so that one change leaves the rest alike."""
    choice, stay = random.Random(f"{seed} kinds"), random.Random(f"{seed} lifetimes")
    lives = [_Stay(kind.lifetime or description.lifetimes, stay) for kind in description.requests]
    groups = [
        None if kind.group is None else _Groups(str(n), kind.group) for n, kind in enumerate(description.requests)
    ]
    total, bounds = 0.0, []
    for kind in description.requests:
        total += kind.share
        bounds.append(total)
    for at_s in _times(description.arrivals, random.Random(f"{seed} arrivals")):
        one = choice.choices(wanted, cum_weights=bounds)[0]
        group = groups[one.number]
        yield Arrival(at_s, one, lives[one.number].draw(), None if group is None else group.next())


def _times(arrivals: Arrivals, rng: random.Random) -> Iterator[float]:
    per_s = arrivals.per_hour / 3600
    now = 0.0
    if arrivals.pattern == "even":
        while True:
            now += 1 / per_s
            yield now
    if arrivals.pattern == "poisson":
        while True:
            now += rng.expovariate(per_s)
            yield now
    most = 1 + arrivals.swing
    while True:
        # Thinning: candidates at the highest rate, each kept with the chance that the hour's rate bears to it.
        now += rng.expovariate(per_s * most)
        rate = 1 + arrivals.swing * math.cos(2 * math.pi * (now - BUSIEST_S) / DAY_S)
        if rng.random() * most < rate:
            yield now


class _Stay:
    """Draws lifetimes whose mean is the one asked for."""

    def __init__(self, lifetime: Lifetime, rng: random.Random) -> None:
        self._kind = lifetime.distribution
        self._mean = seconds(lifetime.mean)
        self._sigma = lifetime.sigma
        self._shape = lifetime.shape
        self._rng = rng

    def draw(self) -> float:
        if self._kind == "forever":
            return math.inf
        if self._kind == "fixed":
            return self._mean
        if self._kind == "exponential":
            return self._rng.expovariate(1 / self._mean)
        if self._kind == "lognormal":
            return self._rng.lognormvariate(math.log(self._mean) - self._sigma**2 / 2, self._sigma)
        return self._mean * (self._shape - 1) / self._shape * self._rng.paretovariate(self._shape)


class _Groups:
    """Hands out a server group to `size` requests, then begins the next."""

    def __init__(self, name: str, rule: GroupRule) -> None:
        self._name = name
        self._rule = rule
        self._given = 0
        self._members: Members | None = None

    def next(self) -> Members:
        if self._members is None or self._given % self._rule.size == 0:
            number = self._given // self._rule.size
            self._members = Members(f"{self._name}-{number}", self._rule.policy, self._rule.max_server_per_host)
        self._given += 1
        return self._members
