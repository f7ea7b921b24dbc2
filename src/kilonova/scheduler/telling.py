"""Why: for the refused, filter by filter; for the chosen, the best hosts with their scores. Nothing is claimed."""

from collections.abc import Hashable

import msgspec

from kilonova.contract.reasons import Reason
from kilonova.contract.scheduler import Explained, FilterCount, NoValidHost
from kilonova.scheduler.choice import Choice, joined
from kilonova.scheduler.explanation import Explanation, explain, ranked, sentence
from kilonova.scheduler.filters.hardware import HARDWARE_FILTERS
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.rules import SIZES, Rules

# Candidates told of.
TOP = 10


class Telling:
    def __init__(self, fleet: Fleet, rules: Rules, choice: Choice) -> None:
        self._fleet = fleet
        self._rules = rules
        self._choice = choice
        self._told: dict[Hashable, tuple[FilterCount, ...]] = {}
        self._told_of = (-1, 0)

    def refusal(self, request: Request) -> NoValidHost:
        counts = self._counts(request)
        return NoValidHost(sentence(counts), [msgspec.to_builtins(count) for count in counts])

    def rebuild(self, request: Request, host: HostState) -> NoValidHost | None:
        """What the host says to the image a server on it is to be rebuilt from."""
        stages = [one for one in self._rules.stages if one.on_rebuild]
        found = explain(self._fleet, self._rules, request, only=(host,), stages=stages)
        if found.passed:
            return None
        return NoValidHost(sentence(found.counts), [msgspec.to_builtins(count) for count in found.counts])

    def decision(self, request: Request, count: int) -> Explained:
        """Where `count` servers would go, one after the other: on the fleet itself, which is as before at the end."""
        first = self._explained(request)
        best = ranked(self._fleet, self._choice.weighing, first.passed, request)
        candidates = self._choice.candidates(best[:TOP], request, of=best)
        placed: list[HostState] = []
        refusal: NoValidHost | None = None
        try:
            while len(placed) < count:
                host = self._choice.best_for(request)
                if host is None or not self._fits(host, request):
                    refusal = self.refusal(request)
                    break
                self._fleet.take(host, request.needs, servers=1, io_ops=1)
                placed.append(host)
                request = joined(request, host)
        finally:
            for host in placed:
                self._fleet.take(host, {name: -amount for name, amount in request.needs.items()}, servers=-1, io_ops=-1)
        counts = first.counts if refusal is None else msgspec.convert(refusal.counts, tuple[FilterCount, ...])
        return Explained(
            counts=counts,
            hosts=tuple(host.name for host in placed),
            candidates=tuple(candidates),
            passed=len(first.passed),
            refusal=None if refusal is None else refusal.message,
            by_chance=self._choice.by_chance and request.spec.force_host is None,
        )

    def _fits(self, host: HostState, request: Request) -> bool:
        """A forced host was asked nothing; placement will ask it for room."""
        return request.spec.force_host is None or bool(self._explained(request).passed)

    def _explained(self, request: Request) -> Explanation:
        forced = request.spec.force_host
        if forced is None:
            return explain(self._fleet, self._rules, request)
        host = self._fleet.get(forced)
        if host is None or forced in request.avoid:
            short = "there is no such host" if host is None else "tried before, or to be left out"
            count = FilterCount(
                name="ForcedHost",
                given=len(self._fleet),
                passed=0,
                asked="the host asked for",
                reason=Reason.NO_SUCH_HOST,
                short=short,
            )
            return Explanation((count,), ())
        return explain(self._fleet, self._rules, request, only=(host,), stages=(SIZES, *HARDWARE_FILTERS))

    def _counts(self, request: Request) -> tuple[FilterCount, ...]:
        """A full cloud refuses the same again and again: as long as nothing changed the answer is remembered."""
        if not request.is_plain or request.spec.force_host is not None:
            return self._explained(request).counts
        state = (self._fleet.changes, int(request.now))
        if self._told_of != state:
            self._told.clear()
            self._told_of = state
        # The image matters to IsolatedHostsFilter, which asks hosts, not profiles.
        key = (request.demand, request.spec.image_id, request.spec.project_id, request.spec.flavor_name)
        counts = self._told.get(key)
        if counts is None:
            counts = self._told[key] = self._explained(request).counts
        return counts
