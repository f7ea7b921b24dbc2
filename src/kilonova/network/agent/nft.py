"""nftables as values: a table as it should be, and the one transaction that makes it so. Pure but for `load`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kilonova.network.agent.libnftables import execute


@dataclass(frozen=True)
class Chain:
    """`hook` is the base chain's line (`type filter hook …; policy accept;`), None for a chain to jump to."""

    rules: tuple[str, ...]
    hook: str | None = None


@dataclass(frozen=True)
class Collection:
    """A set (`elements` with empty values) or a map. `kind` is what is in its braces, such as `type mark : verdict;`.

    `whole` ones are emptied and filled anew when they change: intervals cannot be taken out one by one reliably.
    """

    word: str
    kind: str
    elements: Mapping[str, str]
    whole: bool = False


@dataclass(frozen=True)
class Table:
    """A table by family and name. Chains may be jumped to from rules and from maps of verdicts."""

    family: str
    name: str
    chains: Mapping[str, Chain] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"{self.family} {self.name}"


def element_text(key: str, value: str) -> str:
    return f"{key} : {value}" if value else key


def transaction(old: Table | None, new: Table) -> str:
    """What nft must be fed to come from `old` (None: whatever is there) to `new`, atomically; '': nothing differs."""
    if old == new:
        return ""
    start = [] if old else [f"add table {new.path}", f"delete table {new.path}", f"add table {new.path}"]
    return "\n".join([*start, *_changes(old or Table(new.family, new.name), new)]) + "\n"


def removal(family: str, name: str) -> str:
    """Happy to find nothing."""
    return f"add table {family} {name}\ndelete table {family} {name}\n"


def load(text: str) -> None:
    """Errors: NetworkUnavailable; nothing has changed then."""
    if text:
        execute(text)


def _changes(old: Table, new: Table) -> Iterator[str]:
    # The order matters: what is referred to must exist before, and be referred to no more before it goes.
    rewritten = [name for name, chain in new.chains.items() if old.chains.get(name) != chain]
    gone = [name for name in old.chains if name not in new.chains]
    for name in rewritten:
        hook = new.chains[name].hook
        if name not in old.chains:
            yield f"add chain {new.path} {name}" + (f" {{ {hook} }}" if hook else "")
    for name, collection in new.collections.items():
        if name not in old.collections:
            yield f"add {collection.word} {new.path} {name} {{ {collection.kind} }}"
    for name in [*(name for name in rewritten if name in old.chains), *gone]:
        yield f"flush chain {new.path} {name}"
    for name, collection in new.collections.items():
        yield from _element_changes(new, name, old.collections.get(name), collection)
    for name in rewritten:
        for rule in new.chains[name].rules:
            yield f"add rule {new.path} {name} {rule}"
    for name, collection in old.collections.items():
        if name not in new.collections:
            yield f"delete {collection.word} {new.path} {name}"
    for name in gone:
        yield f"delete chain {new.path} {name}"


def _element_changes(table: Table, name: str, old: Collection | None, new: Collection) -> Iterator[str]:
    before = old.elements if old else {}
    if before == new.elements:
        return
    if new.whole and before:
        yield f"flush set {table.path} {name}"
        before = {}
    gone = [key for key, value in before.items() if new.elements.get(key) != value]
    added = [element_text(key, value) for key, value in new.elements.items() if before.get(key) != value]
    if gone:
        yield f"delete element {table.path} {name} {{ {', '.join(gone)} }}"
    if added:
        yield f"add element {table.path} {name} {{ {', '.join(added)} }}"
