"""The quick way to the best hosts: exact, and without looking at most of them.

No host is better than the first of its profile. So profiles are taken in the order of their first hosts, those that
match are walked, and the search ends where no profile can bring anything better. Which profiles match is remembered per
shape of request. Where few match, or a search finds little because they stand far behind, only those are taken.
"""

import re
from collections import OrderedDict
from collections.abc import Callable

from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import HostState, Profile
from kilonova.scheduler.order import NO_ENTRY, Entry, Order
from kilonova.scheduler.request import Demand, Request
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.verdict import PASS, Verdict
from kilonova.scheduler.weighers import group_bonus

# Profiles looked at in their common order before only the matching ones are; where few match, those come first.
BUDGET = 384
FEW = 48
# Bytes of remembered verdicts: one per shape and profile.
MEMORY = 32 * 1024 * 1024

# Verdicts on profiles: digits of a binary number at first, of which the ones are judged when they are met.
FAILED, UNJUDGED, PASSED = b"012"
_NOT_FAILED = re.compile(b"[12]")
# Less than any host has free: whoever wants nothing fits where more is used than there is.
NOTHING = -(1 << 62)


Checks = tuple[Callable[[HostState, Request], Verdict], ...]
Judges = tuple[Callable[[Profile, Request], Verdict], ...]


class Shape:
    """What is remembered of all requests of one shape. Profiles are asked one by one what marks cannot tell."""

    __slots__ = (
        "_fleet",
        "_judges",
        "_matching",
        "_perhaps",
        "checks",
        "disk",
        "few",
        "memory",
        "others",
        "vcpu",
        "verdicts",
    )

    def __init__(self, fleet: Fleet, rules: Rules, request: Request) -> None:
        needs = request.needs
        self.vcpu = needs.get("VCPU", NOTHING)
        self.memory = needs.get("MEMORY_MB", NOTHING)
        self.disk = needs.get("DISK_GB", NOTHING)
        self.others = tuple(
            (name, amount) for name, amount in needs.items() if name not in ("VCPU", "MEMORY_MB", "DISK_GB")
        )
        self.checks = tuple(one.judge for one in rules.checks(request))
        self._fleet = fleet
        passing = fleet.marks.everything
        judges = []
        for one in rules.on_profiles:
            if not one.applies(request):
                continue
            if one.passing is None:
                judges.append(one.judge)
            else:
                passing &= one.passing(fleet.marks, request)
        self._judges: Judges = tuple(judges)
        self.verdicts = bytearray(format(passing, f"0{fleet.marks.count}b").encode())
        self.verdicts.reverse()
        self._perhaps = passing.bit_count()
        self._matching: list[int] | None = None
        # Whether few profiles are known to match, or can be at next to no cost.
        self.few = self._perhaps <= FEW and len(self.matching(request)) <= FEW

    def passes(self, profile: Profile, request: Request) -> bool:
        verdict = self.verdicts[profile.number]
        if verdict == UNJUDGED:
            passed = all(judge(profile, request) is PASS for judge in self._judges)
            verdict = self.verdicts[profile.number] = PASSED if passed else FAILED
        return verdict == PASSED

    def fits(self, host: HostState) -> bool:
        return (
            host.free_vcpu >= self.vcpu
            and host.free_memory >= self.memory
            and host.free_disk >= self.disk
            and (not self.others or all(host.free(name) >= amount for name, amount in self.others))
        )

    def matching(self, request: Request) -> list[int]:
        """The numbers of all profiles that pass."""
        if self._matching is None:
            profiles = self._fleet.profiles
            perhaps = [found.start() for found in _NOT_FAILED.finditer(self.verdicts)]
            self._matching = [number for number in perhaps if self.passes(profiles[number], request)]
            self.few = len(self._matching) <= FEW
        return self._matching


class Shapes:
    """The shapes seen lately."""

    def __init__(self, fleet: Fleet, rules: Rules) -> None:
        self._fleet = fleet
        self._rules = rules
        self._known: OrderedDict[Demand, Shape] = OrderedDict()
        self._epoch = -1

    def of(self, request: Request) -> Shape:
        if self._epoch != self._fleet.epoch:
            self._known.clear()
            self._epoch = self._fleet.epoch
        shape = self._known.get(request.demand)
        if shape is None:
            shape = self._known[request.demand] = Shape(self._fleet, self._rules, request)
            if len(self._known) * max(len(shape.verdicts), 1024) > MEMORY:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(request.demand)
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
        shape = self._shapes.of(request)
        checks = shape.checks if request.is_plain else tuple(one.judge for one in self._rules.checks(request))
        search = _Search(self._fleet, shape, request, count, checks)
        if self._rules.live_matters:
            search.heard_since = request.now - request.settings.service_down_time_s
        found = search.best()
        if search.silent:
            self._fleet.silence(search.silent)
        return found


class _Search:
    """One search; `found` are the best so far, in no order before there are `count` of them."""

    __slots__ = (
        "_apart",
        "_checks",
        "_count",
        "_fleet",
        "_request",
        "_shape",
        "_worst",
        "found",
        "heard_since",
        "silent",
    )

    def __init__(self, fleet: Fleet, shape: Shape, request: Request, count: int, checks: Checks) -> None:
        self._fleet = fleet
        self._shape = shape
        self._request = request
        self._count = count
        self._checks = checks
        self.heard_since = 0.0
        group = request.group
        # Soft groups shift the scores of the hosts of their members, and of no others: those are looked at apart.
        soft = group is not None and group.policy.startswith("soft-")
        self._apart = frozenset(group.members) if group is not None and soft else frozenset()
        self.found: list[HostState] = []
        # The last of `found`, once it is full: what is not better than this is not looked at.
        self._worst: Entry | None = None
        self.silent: list[HostState] = []

    def best(self) -> list[HostState]:
        if self._shape.few or not self._by_first():
            self._by_match()
        found = self.found
        if self._apart:
            return self._with_those_apart(found)
        if len(found) > 1:
            found.sort(key=_standing)
        return found

    def _by_first(self) -> bool:
        """Profiles in the order of their first hosts; False when the budget did not suffice."""
        shape, request, orders = self._shape, self._request, self._fleet.orders
        profiles, verdicts = self._fleet.profiles, shape.verdicts
        left = BUDGET
        for chunk in self._fleet.heads.chunks:
            for head in chunk if len(chunk) <= left else chunk[:left]:
                number = head[2]
                if verdicts[number] == FAILED:
                    continue
                if self._worst is not None and self._worst < head:
                    return True
                if shape.passes(profiles[number], request):
                    self._walk(orders[number])
            left -= len(chunk)
            if left < 0:
                self.found, self._worst = [], None
                return False
        return True

    def _by_match(self) -> None:
        firsts, orders = self._fleet.firsts, self._fleet.orders
        matching = self._shape.matching(self._request)
        # The best of the first hosts most often is the answer: nothing is better than that one.
        best = min(map(firsts.__getitem__, matching), default=NO_ENTRY)
        if best is NO_ENTRY:
            return
        host = self._fleet.by_number[best[1]]
        assert host is not None
        nearest = host.profile.number
        self._walk(orders[nearest])
        if self._worst is best:
            return
        for number in matching:
            if number != nearest and (self._worst is None or firsts[number] < self._worst):
                self._walk(orders[number])

    def _walk(self, order: Order[Entry]) -> None:
        """Those of a matching profile's hosts that belong to the best."""
        by_number, shape, worst, found = self._fleet.by_number, self._shape, self._worst, self.found
        vcpu, memory, disk, heard_since = shape.vcpu, shape.memory, shape.disk, self.heard_since
        picky = self._checks or self._apart or shape.others
        for chunk in order.chunks:
            for entry in chunk:
                if worst is not None and worst < entry:
                    return
                host = by_number[entry[1]]
                assert host is not None
                if host.free_vcpu < vcpu or host.free_memory < memory or host.free_disk < disk:
                    continue
                if (picky or host.seen_at < heard_since) and self._objects(host):
                    continue
                found.append(host)
                if len(found) >= self._count:
                    if len(found) > 1:
                        found.sort(key=_standing)
                        del found[self._count :]
                    worst = self._worst = found[-1].entry

    def _objects(self, host: HostState) -> bool:
        """Whether the host is out for a reason of its own."""
        if host.seen_at < self.heard_since:
            self.silent.append(host)
            return True
        if self._apart and host.name in self._apart:
            return True
        if self._shape.others and not self._shape.fits(host):
            return True
        return bool(self._checks) and any(judge(host, self._request) is not PASS for judge in self._checks)

    def _with_those_apart(self, found: list[HostState]) -> list[HostState]:
        apart, self._apart = self._apart, frozenset()
        request = self._request
        for name in apart:
            host = self._fleet.get(name)
            if (
                host is not None
                and host.entry is not None
                and self._shape.passes(host.profile, request)
                and self._shape.fits(host)
                and not self._objects(host)
            ):
                found.append(host)
        found.sort(key=lambda host: (_standing(host)[0] - group_bonus(host, request), host.number))
        return found[: self._count]


def _standing(host: HostState) -> Entry:
    assert host.entry is not None
    return host.entry
