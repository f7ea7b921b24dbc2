"""Servers on the hosts of a stock: the scheduler decides, placement's rule has the last word, totals are kept."""

import random
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from kilonova.contract.placement import ClaimRefused
from kilonova.contract.scheduler import RequestSpec
from kilonova.model.allocation import what_is_short
from kilonova.model.ids import HostName
from kilonova.scheduler.choice import Choice
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Group, Request
from kilonova.simulation.stock import Stock

Numbers = npt.NDArray[np.int64]

NOBODY: frozenset[HostName] = frozenset()


class NotFitted(ValueError):
    """What a host's NUMA cells, pinned CPUs and devices still take is not known here."""

    def __init__(self, label: str) -> None:
        super().__init__(f"{label} asks for NUMA cells, pinned CPUs or devices, which are not fitted here")


class Members:
    """A server group while its members come and go."""

    __slots__ = ("group", "hosts")

    def __init__(self, group_id: str, policy: str, max_server_per_host: int = 1) -> None:
        self.hosts: dict[HostName, int] = {}
        self.group = Group(id=group_id, policy=policy, max_server_per_host=max_server_per_host, members=self.hosts)

    def add(self, host: HostName, count: int) -> None:
        left = self.hosts.get(host, 0) + count
        if left:
            self.hosts[host] = left
        else:
            del self.hosts[host]


class Wanted:
    """A kind of request; `needs`, and `returns` (the same, negative), by resource class."""

    __slots__ = ("label", "needs", "number", "refused_at", "returns", "spec")

    def __init__(self, number: int, label: str, spec: RequestSpec) -> None:
        self.number = number
        self.label = label
        self.spec = spec
        self.needs = spec.resources()
        self.returns = {name: -amount for name, amount in self.needs.items()}
        self.refused_at = -1


class Placed:
    """A server on its host."""

    __slots__ = ("host", "members", "name", "wanted")

    def __init__(self, host: HostState, wanted: Wanted, members: Members | None = None, name: str = "") -> None:
        self.host = host
        self.wanted = wanted
        self.members = members
        self.name = name


class Capacity(msgspec.Struct):
    """Of one resource class, all hosts together."""

    total: int = 0
    used: int = 0

    @property
    def share(self) -> float:
        return self.used / self.total if self.total else 0.0


class Placing:
    """One run's state. `rng` chooses among the best when `host_subset_size` says so."""

    def __init__(self, stock: Stock, rng: random.Random) -> None:
        self.stock = stock
        self.fleet = stock.fleet
        self.servers = 0
        self.capacities: dict[str, Capacity] = {}
        for host in self.fleet:
            for name in host.profile.inventories:
                total = host.profile.capacity(name)
                capacity = self.capacities.setdefault(name, Capacity())
                capacity.total += total
                capacity.used += total - host.free(name)
        self._choice = Choice(self.fleet, stock.rules, self.fleet.settings, rng)
        # By host number, kept current: sums over a whole fleet are taken often.
        self.free = {name: self._column(name) for name in ("VCPU", "MEMORY_MB", "DISK_GB")}
        self.enabled = np.array([host is not None and host.enabled for host in self.fleet.by_number])
        # Hosts on which something became free, in that order, since anything was refused.
        self._freed: list[HostState] = []
        self._any_refused = False

    def _column(self, name: str) -> Numbers:
        hosts = self.fleet.by_number
        return np.array([0 if host is None else host.free(name) for host in hosts], dtype=np.int64)

    def request(
        self, wanted: Wanted, now: float, members: Members | None = None, avoid: frozenset[HostName] = NOBODY
    ) -> Request:
        """Errors: NotFitted."""
        group = None if members is None else members.group
        request = self.stock.rules.request(wanted.spec, now=now, avoid=avoid, group=group)
        if request.demand.is_fitted:
            raise NotFitted(wanted.label)
        return request

    def best(self, wanted: Wanted, request: Request) -> HostState | None:
        plain = request.is_plain
        if plain and self._still_refused(wanted):
            return None
        host = self._choice.host_for(request)
        if host is not None:
            wanted.refused_at = -1
        elif plain:
            self._any_refused = True
            wanted.refused_at = len(self._freed)
        return host

    def _still_refused(self, wanted: Wanted) -> bool:
        """Refused before, and no host has got room enough since: a full fleet need not be searched again."""
        if wanted.refused_at < 0:
            return False
        if any(_has_room(host, wanted.needs) for host in self._freed[wanted.refused_at :]):
            return False
        wanted.refused_at = len(self._freed)
        return True

    def place(self, wanted: Wanted, request: Request, members: Members | None = None, name: str = "") -> Placed | None:
        """Errors: ClaimRefused when the scheduler chose a host that placement would not give, which is its fault."""
        host = self.best(wanted, request)
        return None if host is None else self.put(host, wanted, members, name)

    def put(self, host: HostState, wanted: Wanted, members: Members | None = None, name: str = "") -> Placed:
        """Errors: ClaimRefused."""
        self._claim(host, wanted)
        self.servers += 1
        if members is not None:
            members.add(host.name, 1)
        return Placed(host, wanted, members, name)

    def remove(self, placed: Placed) -> None:
        self._release(placed.host, placed.wanted)
        self.servers -= 1
        if placed.members is not None:
            placed.members.add(placed.host.name, -1)

    def move(self, placed: Placed, target: HostState) -> None:
        """Claim there, then release here. Errors: ClaimRefused."""
        self._claim(target, placed.wanted)
        self._release(placed.host, placed.wanted)
        if placed.members is not None:
            placed.members.add(target.name, 1)
            placed.members.add(placed.host.name, -1)
        placed.host = target

    def _claim(self, host: HostState, wanted: Wanted) -> None:
        profile = host.profile
        used = {name: profile.capacity(name) - host.free(name) for name in wanted.needs}
        short = what_is_short(profile.inventories, used, wanted.needs)
        if short is not None:
            raise ClaimRefused(host.name, short)
        self._take(host, wanted.needs, 1)

    def _release(self, host: HostState, wanted: Wanted) -> None:
        self._take(host, wanted.returns, -1)
        if self._any_refused:
            self._freed.append(host)

    def _take(self, host: HostState, amounts: Mapping[str, int], servers: int) -> None:
        self.fleet.take(host, amounts, servers=servers)
        for name, amount in amounts.items():
            self.capacities[name].used += amount
            if name in self.free:
                self.free[name][host.number] -= amount

    def enable(self, host: HostState, enabled: bool) -> None:
        host.enabled = enabled
        self.enabled[host.number] = enabled
        self.fleet.settle(host)
        if enabled and self._any_refused:
            self._freed.append(host)


def _has_room(host: HostState, needs: Mapping[str, int]) -> bool:
    return all(host.free(name) >= amount for name, amount in needs.items())
