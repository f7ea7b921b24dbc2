"""The thorough way: every host through every filter, counted, with what was short.

What is told names no host, but for `nearest`, which is for administrators.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kilonova.contract.scheduler import FilterCount, in_and_out
from kilonova.scheduler.filters.filter import Filter, ProfileFilter
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import HostState
from kilonova.scheduler.questions import asked_of, reason_of
from kilonova.scheduler.request import Request
from kilonova.scheduler.rules import RESOURCES, STATUS, Rules
from kilonova.scheduler.scan import Weighing
from kilonova.scheduler.verdict import Verdict
from kilonova.scheduler.weighers import group_bonus

# Reasons told per filter; the rarest are summed up.
REASONS = 3


class Explanation(msgspec.Struct, frozen=True):
    """`passed`: the hosts that pass, as the fleet has them."""

    counts: tuple[FilterCount, ...]
    passed: tuple[HostState, ...]


def explain(
    fleet: Fleet,
    rules: Rules,
    request: Request,
    *,
    only: Sequence[HostState] | None = None,
    stages: Sequence[Filter] | None = None,
) -> Explanation:
    """Filters that the request has nothing for are left out, and so are those behind one that let no host through.

    `only` some hosts and only some `stages`, when given.
    """
    left: list[HostState] = list(fleet if only is None else only)
    counts: list[FilterCount] = []
    asking = [one for one in (rules.stages if stages is None else stages) if one.applies(request)]
    for number, stage in enumerate(asking):
        given = left
        left, reasons = _run(stage, given, request)
        short = _told(reasons)
        if stage.name == RESOURCES:
            left = [host for host in left if _fits(host, request)]
            short = _shortage(given, reasons, request) if len(left) < len(given) else ""
        if stage.name == STATUS and not short:
            continue
        counts.append(
            FilterCount(
                name=stage.name,
                given=len(given),
                passed=len(left),
                asked=asked_of(stage.name, request),
                reason=reason_of(stage.name) if short else None,
                short=short,
            )
        )
        if not left:
            counts[-1] = _with_nearest(fleet, counts[-1], given, asking[number:], request)
            break
    return Explanation(tuple(counts), tuple(left))


def ranked(fleet: Fleet, weighing: Weighing, hosts: Sequence[HostState], request: Request) -> list[HostState]:
    """Best first, by the same rules as decisions; of equals the one known longest."""
    if weighing.needs_scan(request):
        return weighing.ranked(hosts, request)
    return sorted(hosts, key=lambda host: (-fleet.score(host) - group_bonus(host, request), host.number))


class _Near(NamedTuple):
    """How far a host is from passing; the smallest is the nearest."""

    objections: int
    farness: tuple[int, float]
    minus_score: float
    number: int


def _with_nearest(
    fleet: Fleet, count: FilterCount, given: Sequence[HostState], stages: Sequence[Filter], request: Request
) -> FilterCount:
    """`given` is what the first of `stages` was given, and let none of through."""
    if not given:
        return count

    def near(host: HostState) -> _Near:
        objections = sum(_objection(stage, host, request) is not None for stage in stages)
        return _Near(objections, _farness(_lacks(host, request)), -fleet.score(host), host.number)

    nearest = min(given, key=near)
    objections = [objection for stage in stages if (objection := _objection(stage, nearest, request)) is not None]
    return msgspec.structs.replace(count, nearest=nearest.name, lacks="; ".join(objections))


def _objection(stage: Filter, host: HostState, request: Request) -> str | None:
    verdict = stage.judge(host.profile, request) if isinstance(stage, ProfileFilter) else stage.judge(host, request)
    if stage.name != RESOURCES or _fits(host, request):
        return verdict
    return ", ".join(f"{missing} {name}" for name, (missing, _) in _lacks(host, request).items()) or verdict


def _run(stage: Filter, given: Sequence[HostState], request: Request) -> tuple[list[HostState], Counter[str]]:
    reasons: Counter[str] = Counter()
    left: list[HostState] = []
    by_profile: dict[int, Verdict] = {}
    for host in given:
        verdict: Verdict
        if isinstance(stage, ProfileFilter):
            number = host.profile.number
            if number not in by_profile:
                by_profile[number] = stage.judge(host.profile, request)
            verdict = by_profile[number]
        else:
            verdict = stage.judge(host, request)
        if verdict is None:
            left.append(host)
        else:
            reasons[verdict] += 1
    return left, reasons


def _told(reasons: Counter[str]) -> str:
    """`not in availability zone b (12 hosts), disabled (1 host)`."""
    told = [f"{reason} ({_hosts(count)})" for reason, count in reasons.most_common(REASONS)]
    rest = sum(reasons.values()) - sum(count for _, count in reasons.most_common(REASONS))
    return ", ".join(told + ([f"other reasons ({_hosts(rest)})"] if rest else []))


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _fits(host: HostState, request: Request) -> bool:
    return all(host.free(name) >= amount for name, amount in request.needs.items())


def _shortage(given: Sequence[HostState], reasons: Counter[str], request: Request) -> str:
    """Which amounts no host has, and the most any has; where each alone can be had, what the nearest host lacks."""
    told = []
    for name, amount in request.needs.items():
        most = max(_obtainable(host, name) for host in given)
        if most < amount:
            told.append(f"{name}: wanted {amount}, the most free on any host is {most}")
    if told:
        return "; ".join(told)
    if any(_fits(host, request) and not _lacks(host, request) for host in given):
        return "the others are too full"
    nearest = min((_lacks(host, request) for host in given), key=_farness)
    if not nearest:
        return _told(reasons)
    lacking = ", ".join(f"{missing} {name}" for name, (missing, _) in nearest.items())
    return f"no host has all of it at once; the nearest lacks {lacking}"


def _obtainable(host: HostState, name: str) -> int:
    """What one server can get of a resource class here."""
    inventory = host.profile.inventories.get(name)
    return 0 if inventory is None else max(min(host.free(name), inventory.max_unit), 0)


def _lacks(host: HostState, request: Request) -> dict[str, tuple[int, int]]:
    """Resource class → (missing, wanted)."""
    return {
        name: (amount - _obtainable(host, name), amount)
        for name, amount in request.needs.items()
        if _obtainable(host, name) < amount
    }


def _farness(lacking: dict[str, tuple[int, int]]) -> tuple[int, float]:
    return len(lacking), sum(missing / wanted for missing, wanted in lacking.values())


def sentence(counts: Sequence[FilterCount]) -> str:
    return in_and_out(counts) if counts and counts[0].given else "There are no compute hosts."
