"""Figures of a whole fleet at one moment, fast enough to be taken often: the hosts' free amounts as arrays."""

import numpy as np
import numpy.typing as npt

from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS
from kilonova.simulation.placing import Capacity, Numbers, Placing, Wanted
from kilonova.simulation.result import Place, Sample

BINS = 20


class Gauge:
    """`reference`: the kind of request by which fragmentation is told; None when nothing is asked for at all."""

    def __init__(self, placing: Placing, reference: Wanted | None) -> None:
        self._placing = placing
        self._hosts: list[HostState] = list(placing.fleet)
        self._profiles = np.array([host.profile.number for host in self._hosts], dtype=np.int64)
        self._memory = np.array([max(host.profile.memory, 1) for host in self._hosts], dtype=np.int64)
        self.reference = reference

    def memory_used(self) -> npt.NDArray[np.float64]:
        """Of each host, the share of its memory that servers hold."""
        return 1.0 - self._placing.free["MEMORY_MB"] / self._memory

    def slots(self, request: Request) -> Numbers:
        """How many of it each host could still take, by amounts and by what all hosts of its profile are asked."""
        fleet, rules = self._placing.fleet, self._placing.stock.rules
        suits = np.array(
            [all(one.judge(profile, request) is PASS for one in rules.on_profiles) for profile in fleet.profiles]
        )
        fits: Numbers = np.where(self._placing.enabled & suits[self._profiles], np.iinfo(np.int64).max, 0)
        for name, amount in request.needs.items():
            fits = np.minimum(fits, np.maximum(self._free(name), 0) // amount)
        return fits

    def _free(self, name: str) -> Numbers:
        kept = self._placing.free.get(name)
        return np.array([host.free(name) for host in self._hosts], dtype=np.int64) if kept is None else kept

    def sample(self, at_s: float, *, requested: int, refused: int, moved: int) -> Sample:
        placing = self._placing
        used = self.memory_used()
        quantiles = np.quantile(used, (0.0, 0.1, 0.5, 0.9, 1.0))
        slots, stranded = self._fragmentation(at_s)
        return Sample(
            at_s=round(at_s, 3),
            servers=placing.servers,
            requested=requested,
            refused=refused,
            moved=moved,
            used=shares(placing.capacities),
            spread=tuple(_rounded(float(one)) for one in quantiles),  # type: ignore[arg-type]
            deviation=_rounded(float(used.std())),
            slots=slots,
            stranded=_rounded(stranded),
        )

    def _fragmentation(self, now: float) -> tuple[int, float]:
        if self.reference is None:
            return 0, 0.0
        request = self._placing.request(self.reference, now)
        slots = int(self.slots(request).sum())
        memory = self._placing.capacities.get("MEMORY_MB", Capacity())
        free = memory.total - memory.used
        usable = slots * self.reference.needs.get("MEMORY_MB", 0)
        return slots, max(1 - usable / free, 0.0) if free > 0 else 0.0

    def histogram(self) -> tuple[int, ...]:
        bins = np.minimum((np.clip(self.memory_used(), 0, 1) * BINS).astype(np.int64), BINS - 1)
        return tuple(int(count) for count in np.bincount(bins, minlength=BINS))

    def zones(self) -> tuple[Place, ...]:
        return self._places(lambda host: host.profile.zone)

    def racks(self) -> tuple[Place, ...]:
        rack_of = self._placing.stock.rack_of
        return self._places(lambda host: rack_of.get(host.number, ""))

    def _places(self, name_of: object) -> tuple[Place, ...]:
        assert callable(name_of)
        grouped: dict[str, list[HostState]] = {}
        for host in self._hosts:
            grouped.setdefault(name_of(host), []).append(host)
        return tuple(place(name, hosts) for name, hosts in sorted(grouped.items()) if name)


def place(name: str, hosts: list[HostState]) -> Place:
    capacities: dict[str, Capacity] = {}
    for host in hosts:
        for resource in host.profile.inventories:
            total = host.profile.capacity(resource)
            capacity = capacities.setdefault(resource, Capacity())
            capacity.total += total
            capacity.used += total - host.free(resource)
    return Place(
        name=name,
        zone=hosts[0].profile.zone,
        hosts=len(hosts),
        servers=sum(host.servers for host in hosts),
        used=shares(capacities),
    )


def shares(capacities: dict[str, Capacity]) -> dict[str, float]:
    return {name: _rounded(capacity.share) for name, capacity in sorted(capacities.items())}


def _rounded(share: float) -> float:
    return round(share, 6)
