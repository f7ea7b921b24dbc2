"""Allocation candidates: which providers together could give what a request of several groups asks for. Pure."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from kilonova.contract.placement import ProviderState
from kilonova.placement.conditions import MemberOf, Traits

SHARES = "MISC_SHARES_VIA_AGGREGATE"
# Ways to share out one group within one tree that are looked at, so that a hostile query ends.
MAX_WAYS = 1000


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One group of a request. The one without a suffix may spread over a tree; every other comes from one provider."""

    suffix: str
    resources: dict[str, int] = {}
    traits: Traits = Traits()
    member_of: MemberOf = MemberOf()
    in_tree: str | None = None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Not `nested`: for those who know nothing of trees, a candidate has at most one provider of each."""

    groups: tuple[Group, ...]
    isolate: bool = False
    root_traits: Traits = Traits()
    same_subtree: tuple[frozenset[str], ...] = ()
    nested: bool = True


class Candidate(msgspec.Struct, frozen=True):
    """Amounts by provider, and which providers serve which group (by suffix)."""

    amounts: dict[str, dict[str, int]]
    mappings: dict[str, tuple[str, ...]]


Part = tuple[dict[str, dict[str, int]], tuple[str, ...]]

# Providers that stand alone, as they were when they were looked at for a question, and the candidate each made.
Looked = dict[str, tuple[ProviderState, Candidate | None]]


class Search:
    """Over one state of all providers. `looked` keeps, for one and the same question, what need not be found again."""

    def __init__(self, known: Mapping[str, ProviderState], query: Query, looked: Looked | None = None) -> None:
        self._known = known
        self._query = query
        self._looked: Looked = {} if looked is None else looked
        self._trees: dict[str, list[ProviderState]] = {}
        for state in known.values():
            self._trees.setdefault(state.root_id, []).append(state)
        self._sharing = [state for state in known.values() if SHARES in state.traits]
        # What most clouds ask of most hosts: one group, of providers that stand alone.
        self._simple = not self._sharing and len(query.groups) == 1 and not query.groups[0].suffix

    def candidates(self) -> Iterator[Candidate]:
        """Lazily, tree by tree, without doubles."""
        seen: set[tuple[object, ...]] = set()
        for root_id, tree in self._trees.items():
            if self._simple and len(tree) == 1 and tree[0].id == root_id:
                if (alone := self._alone(tree[0])) is not None:
                    yield alone
                continue
            root = self._known.get(root_id)
            if root is None or not self._query.root_traits.admits(root.traits):
                continue
            for candidate in self._of_tree(tree):
                key = _key(candidate)
                # What comes from sharing providers alone belongs to no tree in particular.
                if key not in seen and any(provider.root_id == root_id for provider in self._taken(candidate)):
                    seen.add(key)
                    yield candidate

    def _alone(self, state: ProviderState) -> Candidate | None:
        looked = self._looked.get(state.id)
        # States are values: another generation is another one.
        if looked is not None and looked[0] is state:
            return looked[1]
        found = None
        if self._suits_alone(state):
            found = Candidate({state.id: self._query.groups[0].resources}, {"": (state.id,)})
        self._looked[state.id] = state, found
        return found

    def _suits_alone(self, state: ProviderState) -> bool:
        group = self._query.groups[0]
        return (
            group.in_tree in (None, state.id)
            and self._query.root_traits.admits(state.traits)
            and group.traits.admits(state.traits)
            and group.member_of.admits(state.aggregates)
            and _has_room(state, group.resources)
        )

    def _taken(self, candidate: Candidate) -> Iterable[ProviderState]:
        providers = {provider for one in candidate.mappings.values() for provider in one}
        return (self._known[provider] for provider in providers)

    def _of_tree(self, tree: Sequence[ProviderState]) -> Iterator[Candidate]:
        reachable = [*tree, *self._shared_with(tree)]
        parts = []
        for group in self._query.groups:
            ways = list(itertools.islice(self._ways(group, reachable), MAX_WAYS))
            if not ways:
                return
            parts.append(ways)
        for chosen in itertools.islice(itertools.product(*parts), MAX_WAYS):
            candidate = self._together(chosen)
            if candidate is not None:
                yield candidate

    def _shared_with(self, tree: Sequence[ProviderState]) -> list[ProviderState]:
        if not self._sharing:
            return []
        aggregates = frozenset().union(*(state.aggregates for state in tree))
        own = {state.id for state in tree}
        return [state for state in self._sharing if state.id not in own and state.aggregates & aggregates]

    def _ways(self, group: Group, reachable: Sequence[ProviderState]) -> Iterator[Part]:
        if group.in_tree is not None:
            wanted = self._known.get(group.in_tree)
            reachable = [state for state in reachable if wanted is not None and state.root_id == wanted.root_id]
        if group.suffix:
            return self._from_one(group, reachable)
        return self._spread(group, reachable)

    def _from_one(self, group: Group, reachable: Sequence[ProviderState]) -> Iterator[Part]:
        for state in reachable:
            if (
                group.traits.admits(state.traits)
                and group.member_of.admits(state.aggregates)
                and _has_room(state, group.resources)
            ):
                yield ({state.id: group.resources} if group.resources else {}), (state.id,)

    def _spread(self, group: Group, reachable: Sequence[ProviderState]) -> Iterator[Part]:
        """Each class from one provider; the required traits lie with those that give, the forbidden with none."""
        offers: list[list[tuple[str, ProviderState]]] = []
        for name, amount in group.resources.items():
            offers.append(
                [
                    (name, state)
                    for state in reachable
                    if _has_room(state, {name: amount})
                    and group.traits.forbidden.isdisjoint(state.traits)
                    and group.member_of.admits(state.aggregates, self._known.get(state.root_id, state).aggregates)
                ]
            )
        for chosen in itertools.product(*offers):
            have = frozenset().union(*(state.traits for _, state in chosen))
            if not group.traits.admits(have):
                continue
            amounts: dict[str, dict[str, int]] = {}
            for name, state in chosen:
                amounts.setdefault(state.id, {})[name] = group.resources[name]
            yield amounts, tuple(dict.fromkeys(state.id for _, state in chosen))

    def _together(self, chosen: Sequence[Part]) -> Candidate | None:
        """The parts of all groups summed up; None when they do not go together."""
        mappings = {group.suffix: part[1] for group, part in zip(self._query.groups, chosen, strict=True)}
        if self._query.isolate:
            alone = [providers[0] for suffix, providers in mappings.items() if suffix]
            if len(set(alone)) < len(alone):
                return None
        amounts: dict[str, dict[str, int]] = {}
        for part, _ in chosen:
            for provider, wanted in part.items():
                total = amounts.setdefault(provider, {})
                for name, amount in wanted.items():
                    total[name] = total.get(name, 0) + amount
        if len(chosen) > 1 and not all(_has_room(self._known[one], wanted) for one, wanted in amounts.items()):
            return None
        if not self._query.nested and len({self._known[one].root_id for one in amounts}) < len(amounts):
            return None
        if not all(self._in_one_subtree(mappings, suffixes) for suffixes in self._query.same_subtree):
            return None
        return Candidate(amounts, mappings)

    def _in_one_subtree(self, mappings: Mapping[str, tuple[str, ...]], suffixes: frozenset[str]) -> bool:
        """One of the providers is above (or is) all the others."""
        providers = {provider for suffix in suffixes for provider in mappings.get(suffix, ())}
        return any(all(top in self._above(provider) for provider in providers) for top in providers)

    def _above(self, provider_id: str) -> set[str]:
        found: set[str] = set()
        current: str | None = provider_id
        while current is not None and current not in found:
            found.add(current)
            state = self._known.get(current)
            current = None if state is None else state.parent_id
        return found


def _has_room(state: ProviderState, wanted: Mapping[str, int]) -> bool:
    inventories, used = state.inventories, state.used
    for name, amount in wanted.items():
        inventory = inventories.get(name)
        if inventory is None or not inventory.allows(amount, used.get(name, 0)):
            return False
    return True


def _key(candidate: Candidate) -> tuple[object, ...]:
    return (
        tuple(sorted((provider, *sorted(amounts.items())) for provider, amounts in candidate.amounts.items())),
        tuple(sorted(candidate.mappings.items())),
    )
