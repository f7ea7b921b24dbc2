"""What answers about candidates tell of providers, and what of it need not be made again for the next one."""

from collections import OrderedDict
from typing import Any

import msgspec

from kilonova.contract.placement import ProviderState
from kilonova.placement.candidates import Candidate, Looked

# Providers whose summaries are kept: more than one answer tells of at Nova's limit of 1,000, and a few MiB.
KEPT = 10_000

# And questions times providers whose candidates are kept: some tens of MiB.
KEPT_CANDIDATES = 100_000

_encode = msgspec.json.Encoder().encode


def summary(state: ProviderState, asked: set[str], minor: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "resources": {
            name: {"capacity": inventory.capacity, "used": state.used.get(name, 0)}
            for name, inventory in state.inventories.items()
            if minor >= 27 or name in asked
        }
    }
    if minor >= 17:
        shown["traits"] = sorted(state.traits)
    if minor >= 29:
        shown |= {"parent_provider_uuid": state.parent_id, "root_provider_uuid": state.root_id}
    return shown


class Summaries:
    """As from 1.29 on, where they no longer depend on the question: as JSON, kept until the provider changes."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[ProviderState, msgspec.Raw]] = {}

    def of(self, state: ProviderState) -> msgspec.Raw:
        kept = self._kept.get(state.id)
        # States are values: another generation is another one.
        if kept is not None and kept[0] is state:
            return kept[1]
        if len(self._kept) >= KEPT:
            self._kept.clear()
        text = msgspec.Raw(_encode(summary(state, set(), 29)))
        self._kept[state.id] = state, text
        return text


class Answered:
    """To one question. As Looked, with each candidate's part of the answer as JSON."""

    def __init__(self) -> None:
        self.looked: Looked = {}
        self._parts: dict[str, tuple[Candidate, msgspec.Raw]] = {}

    def part(self, candidate: Candidate, minor: int) -> msgspec.Raw:
        """One of `allocation_requests`."""
        first = next(iter(candidate.amounts), "")
        kept = self._parts.get(first)
        if kept is not None and kept[0] is candidate:
            return kept[1]
        text = msgspec.Raw(_encode(allocation_request(candidate, minor)))
        if first in self.looked:
            self._parts[first] = candidate, text
        return text


class Questions:
    """Clouds ask few, again and again, while single providers change: the answers' parts by question."""

    def __init__(self) -> None:
        self._answered: OrderedDict[tuple[bytes, int], Answered] = OrderedDict()

    def answered(self, query_string: bytes, minor: int, *, providers: int) -> Answered:
        """What was answered so far to this question about a cloud with so many `providers`."""
        answered = self._answered.setdefault((query_string, minor), Answered())
        self._answered.move_to_end((query_string, minor))
        while len(self._answered) > 1 and len(self._answered) * providers > KEPT_CANDIDATES:
            self._answered.popitem(last=False)
        if len(answered.looked) > 2 * providers + 100:
            # Most of them are of providers that are gone.
            answered = self._answered[query_string, minor] = Answered()
        return answered


def allocation_request(candidate: Candidate, minor: int) -> dict[str, Any]:
    if minor < 12:
        listed = [{"resource_provider": {"uuid": one}, "resources": taken} for one, taken in candidate.amounts.items()]
        return {"allocations": listed}
    shown: dict[str, Any] = {"allocations": {one: {"resources": taken} for one, taken in candidate.amounts.items()}}
    return shown | ({"mappings": candidate.mappings} if minor >= 34 else {})
