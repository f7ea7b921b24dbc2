"""Query strings of Placement: which are allowed from when, and the little languages in their values."""

from collections.abc import Collection

from kilonova.contract.placement import ProviderState
from kilonova.model.allocation import MAX_INT
from kilonova.model.errors import BadRequest
from kilonova.model.ids import is_uuid_like
from kilonova.placement.conditions import MemberOf, Traits
from kilonova.placement.errors import BadQuery, DuplicateQueryKey
from kilonova.placement.rest.world import Request

Pairs = list[tuple[str, str]]


def pairs(request: Request, allowed: Collection[str], *, repeated: Collection[str] = ()) -> Pairs:
    """All of the query string, in order. Errors: BadRequest for unknown keys and those that came too often."""
    found = list(request.query_params.multi_items())
    seen: set[str] = set()
    for key, _ in found:
        if key not in allowed:
            raise BadRequest(f"Invalid query string parameters: Additional properties are not allowed ('{key}')")
        if key in seen and key not in repeated:
            raise DuplicateQueryKey(f"Query parameter '{key}' may only be specified once.")
        seen.add(key)
    return found


def amounts(text: str) -> dict[str, int]:
    """`VCPU:2,MEMORY_MB:512`. Errors: BadQuery."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, colon, amount = part.partition(":")
        if not name or not colon or not amount.isdigit() or not 1 <= int(amount) <= MAX_INT:
            raise BadQuery(
                "Badly formed resources parameter. Expected resources query string parameter in form: "
                f"?resources=VCPU:2,MEMORY_MB:1024. Got: {text}."
            )
        found[name] = int(amount)
    return found


def traits(values: list[str], minor: int) -> Traits:
    """`A,!B` (forbidden from 1.22) and `in:A,B` (from 1.39). Errors: BadQuery."""
    required: set[str] = set()
    forbidden: set[str] = set()
    any_of: list[frozenset[str]] = []
    for value in values:
        if value.startswith("in:") and minor >= 39:
            any_of.append(frozenset(value[3:].split(",")))
            continue
        for name in value.split(","):
            bare = name.removeprefix("!")
            if not bare or (bare != name and minor < 22):
                raise BadQuery(
                    f"Invalid query string parameters: Expected 'required' to be a list of traits. Got: {value}"
                )
            (forbidden if bare != name else required).add(bare)
    if conflict := required & forbidden:
        raise BadQuery(f"Conflicting required and forbidden traits found: {', '.join(sorted(conflict))}")
    return Traits(frozenset(required), frozenset(forbidden), tuple(any_of))


def member_of(values: list[str], minor: int) -> MemberOf:
    """`UUID`, `in:A,B`, and from 1.32 `!UUID`, `!in:A,B`. Errors: BadQuery."""
    any_of: list[frozenset[str]] = []
    none_of: set[str] = set()
    if len(values) > 1 and minor < 24:
        raise DuplicateQueryKey("Query parameter 'member_of' may only be specified once.")
    for value in values:
        against = value.startswith("!") and minor >= 32
        listed = value.removeprefix("!") if against else value
        names = listed[3:].split(",") if listed.startswith("in:") else [listed]
        if not all(is_uuid_like(name) for name in names):
            raise BadQuery(
                "Invalid query string parameters: Expected 'member_of' parameter to contain valid UUID(s). "
                f"Got: {value}"
            )
        if against:
            none_of.update(names)
        else:
            any_of.append(frozenset(names))
    return MemberOf(tuple(any_of), frozenset(none_of))


def has_room(state: ProviderState, wanted: dict[str, int]) -> bool:
    return all(
        (inventory := state.inventories.get(name)) is not None
        and inventory.refuses(amount, state.used.get(name, 0)) is None
        for name, amount in wanted.items()
    )
