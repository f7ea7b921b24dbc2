"""Why requests were refused, in few words: which filter let nobody through, and of what there was too little."""

import re

from kilonova.contract.scheduler import FilterCount
from kilonova.scheduler.explanation import explain, sentence
from kilonova.scheduler.request import Request
from kilonova.scheduler.rules import RESOURCES
from kilonova.simulation.placing import Placing, Wanted
from kilonova.simulation.result import RefusedFor

_RESOURCE = re.compile(r"\b(?:VCPU|MEMORY_MB|DISK_GB|PCPU|VGPU|CUSTOM_[A-Z0-9_]+)\b")


class Refusals:
    """Explaining looks at every host, so that of many refusals of a kind only some are explained: the first, the

    second, the fourth … and every `EACH`-th; those between are counted under the reason found last.
    """

    EACH = 1024

    def __init__(self, placing: Placing) -> None:
        self._placing = placing
        self.total = 0
        self._of: dict[int, int] = {}
        self._reason_of: dict[int, str] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._told: dict[str, str] = {}

    def count(self, wanted: Wanted, request: Request) -> str:
        """The reason."""
        self.total += 1
        times = self._of[wanted.number] = self._of.get(wanted.number, 0) + 1
        if times & (times - 1) == 0 or times % self.EACH == 0:
            self._explain(wanted, request)
        reason = self._reason_of[wanted.number]
        by_kind = self._counts.setdefault(reason, {})
        by_kind[wanted.label] = by_kind.get(wanted.label, 0) + 1
        return reason

    def _explain(self, wanted: Wanted, request: Request) -> None:
        counts = explain(self._placing.fleet, self._placing.stock.rules, request).counts
        reason = self._reason_of[wanted.number] = reason_of(counts)
        self._told.setdefault(reason, sentence(counts))

    def of(self, wanted: Wanted) -> int:
        return self._of.get(wanted.number, 0)

    def found(self) -> tuple[RefusedFor, ...]:
        """The most frequent first."""
        found = [
            RefusedFor(
                reason=reason,
                requests=sum(by_kind.values()),
                by_kind=dict(sorted(by_kind.items())),
                told=self._told[reason],
            )
            for reason, by_kind in self._counts.items()
        ]
        return tuple(sorted(found, key=lambda one: (-one.requests, one.reason)))


def reason_of(counts: tuple[FilterCount, ...]) -> str:
    """`PlacementResources: MEMORY_MB`, `AvailabilityZone: not in availability zone d`."""
    last = next((count for count in counts if count.passed == 0), None)
    if last is None:
        return "no hosts"
    if last.name == RESOURCES:
        short = sorted(set(_RESOURCE.findall(last.short)))
        return f"{last.name}: {', '.join(short)}" if short else last.name
    # Whoever a reason names (a group, a count) differs from request to request: the filter's name is what they share.
    first = last.short.split(" (")[0]
    return last.name if not first or any(letter.isdigit() for letter in first) else f"{last.name}: {first}"
