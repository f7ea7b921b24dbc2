"""The quick way to the best hosts: exact, and without looking at most of them.

Hosts are walked in the order of their scores until enough of them pass. What a profile answers is remembered per shape
of request. A walk that finds little (the matching hosts stand far behind) gives way to walking the orders of the
matching profiles, each of which holds nothing but hosts that match.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import HostState, Profile
from kilonova.scheduler.order import Entry, Order
from kilonova.scheduler.request import Request
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.verdict import PASS, Verdict
from kilonova.scheduler.weighers import group_bonus

# Hosts looked at in the common order before the profiles' own are walked; where few profiles match, those come first.
BUDGET = 96
FEW = 48
# With more profiles than this (every host is a kind of its own) walking profile by profile gains nothing.
MAX_PROFILES = 1024
# Bytes of remembered verdicts: one per shape and profile.
MEMORY = 32 * 1024 * 1024

UNKNOWN, PASSED, FAILED = 0, 1, 2
# Less than any host has free: whoever wants nothing fits where more is used than there is.
NOTHING = -(1 << 62)


Checks = tuple[Callable[[HostState, Request], Verdict], ...]


class Shape:
    """What is remembered of all requests of one shape."""

    __slots__ = ("checks", "disk", "matching", "memory", "others", "vcpu", "verdicts")

    def __init__(self, needs: dict[str, int], profiles: int) -> None:
        self.vcpu = needs.get("VCPU", NOTHING)
        self.memory = needs.get("MEMORY_MB", NOTHING)
        self.disk = needs.get("DISK_GB", NOTHING)
        self.others = tuple(
            (name, amount) for name, amount in needs.items() if name not in ("VCPU", "MEMORY_MB", "DISK_GB")
        )
        self.verdicts = bytearray(profiles)
        self.matching: list[Order] | None = None
        self.checks: Checks | None = None

    def fits(self, host: HostState) -> bool:
        return (
            host.free_vcpu >= self.vcpu
            and host.free_memory >= self.memory
            and host.free_disk >= self.disk
            and (not self.others or all(host.free(name) >= amount for name, amount in self.others))
        )


class Shapes:
    """The shapes seen lately."""

    def __init__(self, fleet: Fleet, rules: Rules) -> None:
        self._fleet = fleet
        self._rules = rules
        self._known: OrderedDict[Hashable, Shape] = OrderedDict()
        self._epoch = -1

    def of(self, request: Request) -> Shape:
        if self._epoch != self._fleet.epoch:
            self._known.clear()
            self._epoch = self._fleet.epoch
        key = self._rules.shape(request)
        shape = self._known.get(key)
        if shape is None:
            profiles = len(self._fleet.profiles)
            shape = self._known[key] = Shape(request.needs, profiles)
            if len(self._known) * max(profiles, 1024) > MEMORY:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return shape


class Decision:
    """Finds the best hosts for requests."""

    def __init__(self, fleet: Fleet, rules: Rules) -> None:
        self._fleet = fleet
        self._rules = rules
        self._shapes = Shapes(fleet, rules)

    def best(self, request: Request, count: int) -> list[HostState]:
        """The up to `count` hosts that pass everything, best first (of equals the one known longest)."""
        self._fleet.wake(request.now)
        walk = _Walk(self._fleet, self._rules, self._shapes.of(request), request, count)
        found = walk.best()
        self._fleet.silence(walk.silent)
        return found


class _Walk:
    """One search."""

    def __init__(self, fleet: Fleet, rules: Rules, shape: Shape, request: Request, count: int) -> None:
        self._fleet = fleet
        self._rules = rules
        self._shape = shape
        self._request = request
        self._count = count
        self._checks = self._checks_of(rules, request)
        self._heard_since = request.now - request.settings.service_down_time_s if rules.live_matters else 0.0
        group = request.group
        # Soft groups shift the scores of the hosts of their members, and of no others: those are looked at apart.
        soft = group is not None and group.policy.startswith("soft-")
        self._apart = frozenset(group.members) if group is not None and soft else frozenset()
        self.silent: list[HostState] = []

    def best(self) -> list[HostState]:
        matching = self._shape.matching
        found = None
        if matching is None or len(matching) > FEW:
            found = self._walk(self._fleet.order, self._count, BUDGET)
        if found is None:
            found = self._by_profile()
        if self._apart:
            found = self._with_those_apart(found)
        return found

    def _checks_of(self, rules: Rules, request: Request) -> Checks:
        """Requests that say nothing of their own beyond their flavor and image share what they are asked."""
        if not request.is_plain:
            return tuple(one.judge for one in rules.checks(request))
        if self._shape.checks is None:
            self._shape.checks = tuple(one.judge for one in rules.checks(request))
        return self._shape.checks

    def _by_profile(self) -> list[HostState]:
        fleet, shape = self._fleet, self._shape
        if len(fleet.profiles) > MAX_PROFILES:
            return self._walk(fleet.order, self._count, fleet.order.count) or []
        if shape.matching is None:
            shape.matching = [fleet.orders[profile.number] for profile in fleet.profiles if self._passes(profile)]
        found: list[HostState] = []
        worst: Entry | None = None
        for order in shape.matching:
            chunks = order.chunks
            if not chunks or (worst is not None and worst < chunks[0][0]):
                continue
            found += self._walk(order, self._count, order.count) or []
            if len(found) >= self._count:
                found.sort(key=_standing)
                del found[self._count :]
                worst = found[-1].entry
        found.sort(key=_standing)
        return found

    def _walk(self, order: Order, count: int, budget: int) -> list[HostState] | None:
        """The first `count` of an order that pass; None when `budget` hosts did not bring as many."""
        by_number, verdicts = self._fleet.by_number, self._shape.verdicts
        vcpu, memory, disk = self._shape.vcpu, self._shape.memory, self._shape.disk
        found: list[HostState] = []
        for chunk in order.chunks:
            for entry in chunk:
                if budget == 0:
                    return None
                budget -= 1
                host = by_number[entry[1]]
                assert host is not None
                verdict = verdicts[host.profile.number]
                if verdict != PASSED and (verdict == FAILED or not self._passes(host.profile)):
                    continue
                if host.free_vcpu < vcpu or host.free_memory < memory or host.free_disk < disk:
                    continue
                if self._objects(host):
                    continue
                found.append(host)
                if len(found) == count:
                    return found
        return found

    def _objects(self, host: HostState) -> bool:
        """Whether the host is out for a reason of its own."""
        if host.seen_at < self._heard_since:
            self.silent.append(host)
            return True
        if host.name in self._apart or (self._shape.others and not self._shape.fits(host)):
            return True
        return any(judge(host, self._request) is not PASS for judge in self._checks)

    def _passes(self, profile: Profile) -> bool:
        verdicts = self._shape.verdicts
        if verdicts[profile.number] == UNKNOWN:
            passed = all(one.judge(profile, self._request) is PASS for one in self._rules.on_profiles)
            verdicts[profile.number] = PASSED if passed else FAILED
        return verdicts[profile.number] == PASSED

    def _with_those_apart(self, found: list[HostState]) -> list[HostState]:
        apart, self._apart = self._apart, frozenset()
        for name in apart:
            host = self._fleet.get(name)
            if (
                host is not None
                and host.entry is not None
                and self._passes(host.profile)
                and self._shape.fits(host)
                and not self._objects(host)
            ):
                found.append(host)
        found.sort(key=lambda host: (_standing(host)[0] - group_bonus(host, self._request), host.number))
        return found[: self._count]


def _standing(host: HostState) -> tuple[float, int]:
    assert host.entry is not None
    return host.entry
