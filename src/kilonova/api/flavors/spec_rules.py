"""Extra specs, checked when they are set (since 2.86): a name in a known namespace must be known, its value fit."""

import re
from collections.abc import Callable
from functools import cache

from kilonova.api.flavors.known_specs import KNOWN
from kilonova.api.parameters import FALSE_TEXTS, TRUE_TEXTS
from kilonova.model.errors import BadRequest

# What the value has to be, or None when it is.
_Test = Callable[[str], str | None]

_PARTS = {"{num}": r"\d+", "{group}": r"[a-zA-Z0-9_-]{0,64}", "{word}": r"[\w:.-]+", "{deeper}": r"(:[\w:.-]+)?"}
_BOOLEANS = frozenset(text.lower() for text in (*TRUE_TEXTS, *FALSE_TEXTS, "t", "y", "f", "n"))


class InvalidExtraSpec(BadRequest):
    pass


def check_spec(name: str, value: str) -> None:
    """Errors: InvalidExtraSpec. Names without a namespace, and those of unknown ones, are left alone."""
    for pattern, test in _rules():
        if pattern.fullmatch(name):
            wrong = test(value)
            if wrong is not None:
                raise InvalidExtraSpec(f"Validation failed; {wrong}")
            return
    if ":" in name and _namespace(name) in _namespaces():
        raise InvalidExtraSpec(f"Validation failed; extra spec '{name}' does not appear to be a valid extra spec.")


def _namespace(name: str) -> str:
    """Groups of resources and traits are named behind the namespace itself."""
    first = name.split(":", 1)[0]
    for whole in ("resources", "trait"):
        if first.startswith(whole):
            return whole
    return first


@cache
def _namespaces() -> frozenset[str]:
    return frozenset(_namespace(name.replace("{group}", "")) for name, _ in KNOWN if ":" in name)


@cache
def _rules() -> tuple[tuple["re.Pattern[str]", _Test], ...]:
    return tuple((_pattern(name), _test(kind)) for name, kind in KNOWN)


def _pattern(name: str) -> "re.Pattern[str]":
    name = name.replace(".", r"\.")
    for part, pattern in _PARTS.items():
        name = name.replace(part, pattern)
    return re.compile(name)


def _test(kind: str) -> _Test:
    what, _, details = kind.partition(" ")
    if what == "bool":
        return lambda value: None if value.lower() in _BOOLEANS else f"'{value}' is not of type 'bool'"
    if what == "int":
        low, _, high = details.partition("..")
        return _integer(int(low) if low else None, int(high) if high else None)
    if what == "one-of":
        return _one_of(details.split("/"))
    if what == "like":
        return _like(re.compile(details))
    return lambda value: None


def _integer(low: int | None, high: int | None) -> _Test:
    def test(value: str) -> str | None:
        try:
            number = int(value)
        except ValueError:
            return f"'{value}' is not of type 'int'"
        if low is not None and number < low:
            return f"'{value}' is less than the minimum of '{low}'"
        if high is not None and number > high:
            return f"'{value}' is greater than the maximum of '{high}'"
        return None

    return test


def _one_of(allowed: list[str]) -> _Test:
    return lambda value: None if value in allowed else f"'{value}' is not one of {allowed}"


def _like(pattern: "re.Pattern[str]") -> _Test:
    return lambda value: None if pattern.fullmatch(value) else f"'{value}' does not match '{pattern.pattern}'"
