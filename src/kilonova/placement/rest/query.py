"""Query strings of Placement: which are allowed from when, and the little languages in their values."""

from kilonova.contract.placement import ProviderState
from kilonova.model.allocation import MAX_INT
from kilonova.model.ids import is_uuid_like
from kilonova.placement.conditions import MemberOf, Traits
from kilonova.placement.errors import BadQuery, DuplicateQueryKey

Pairs = list[tuple[str, str]]

_WRONG = "Invalid query string parameters"


def amounts(text: str) -> dict[str, int]:
    """`VCPU:2,MEMORY_MB:512`. Errors: BadQuery."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, colon, amount = part.partition(":")
        if not name or not colon:
            raise BadQuery(
                "Badly formed resources parameter. Expected resources query string parameter in form: "
                f"?resources=VCPU:2,MEMORY_MB:1024. Got: {part if text else 'empty string'}."
            )
        amount = amount.strip()
        if not amount.isdecimal() or not 1 <= int(amount) <= MAX_INT:
            raise BadQuery(f"Resource {name} can be had in whole numbers from 1 on. Got: {amount}.")
        found[name] = int(amount)
    return found


def traits(values: list[str], minor: int, key: str = "required") -> Traits:
    """`A,!B` (forbidden from 1.22) and `in:A,B` (from 1.39; the last value alone counts before). Errors: BadQuery."""
    required: set[str] = set()
    forbidden: set[str] = set()
    any_of: list[frozenset[str]] = []
    for value in values if minor >= 39 else values[-1:]:
        either = value.startswith("in:")
        if either and minor < 39:
            raise BadQuery(f"{_WRONG}: '{key}' with 'in:' is only supported since microversion 1.39. Got: {value}")
        names = [name.strip() for name in value.removeprefix("in:").split(",")]
        against = {name.lstrip("!") for name in names if name.startswith("!")}
        if not all(names) or not all(against) or (against and (either or minor < 22)):
            form = "in:TRAIT,TRAIT" if either else "TRAIT,!TRAIT" if minor >= 22 else "TRAIT,TRAIT"
            raise BadQuery(f"{_WRONG}: Expected '{key}' parameter value of the form: {form}. Got: {value}")
        if either:
            any_of.append(frozenset(names))
        else:
            forbidden |= against
            required.update(name for name in names if not name.startswith("!"))
    if conflict := (required & forbidden).union(*(one for one in any_of if one <= forbidden)):
        raise BadQuery(f"Conflicting required and forbidden traits found in {key}: {', '.join(sorted(conflict))}")
    return Traits(frozenset(required), frozenset(forbidden), tuple(any_of))


def member_of(values: list[str], minor: int, key: str = "member_of") -> MemberOf:
    """`UUID`, `in:A,B`, and from 1.32 `!UUID`, `!in:A,B`; more than one from 1.24. Errors: BadQuery."""
    any_of: list[frozenset[str]] = []
    none_of: set[str] = set()
    if len(values) > 1 and minor < 24:
        raise DuplicateQueryKey(f"Multiple {key} parameters are not supported before 1.24")
    for value in values:
        against = value.startswith("!")
        if against and minor < 32:
            raise BadQuery(f"Forbidden {key} parameters are not supported before 1.32. Got: {value}")
        listed = value.removeprefix("!")
        names = listed[3:].split(",") if listed.startswith("in:") else [listed]
        if not all(is_uuid_like(name) for name in names):
            hint = "" if listed.startswith("in:") or "," not in listed else " (several only behind 'in:')"
            raise BadQuery(f"{_WRONG}: Expected 'member_of' parameter to contain valid UUID(s). Got: {value}{hint}")
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
