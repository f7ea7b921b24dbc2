"""What allocation candidates tell of a provider besides what is wanted of it."""

from typing import Any

import msgspec

from kilonova.contract.placement import ProviderState

# Providers whose summaries are kept: more than one answer tells of at Nova's limit of 1,000, and a few MiB.
KEPT = 10_000

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
