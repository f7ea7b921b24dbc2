"""The shape of a JSON document: which members, of which types, whatever the values."""

from typing import Any

# Members whose own members are data, not form.
_FREE = frozenset({"metadata", "extra_specs", "log", "cpu_info", "rules", "hosts", "properties", "scheduler_hints"})


def shape_of(document: Any) -> Any:
    """Maps stay maps, lists hold what their items have together, values become s, n (numbers), b, or None."""
    if isinstance(document, dict):
        return {name: _free(value) if name in _FREE else shape_of(value) for name, value in document.items()}
    if isinstance(document, list):
        merged: Any = None
        for item in document:
            merged = _together(merged, shape_of(item))
        return [merged]
    if isinstance(document, bool):
        return "b"
    if isinstance(document, int | float):
        return "n"
    return None if document is None else "s"


def _free(value: Any) -> Any:
    return {} if isinstance(value, dict) else shape_of(value)


def _together(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _together(one.get(name), other.get(name)) for name in {**one, **other}}
    return other if one is None else one


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """What is missing, too much, or of another type. None agrees with everything: it was not there to be seen."""
    if expected is None or found is None:
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        if not expected:
            return []
        wrong = [f"{where}.{name} is missing" for name in expected.keys() - found.keys()]
        wrong += [f"{where}.{name} is too much" for name in found.keys() - expected.keys()]
        for name in sorted(expected.keys() & found.keys()):
            wrong += differences(expected[name], found[name], f"{where}.{name}")
        return wrong
    if isinstance(expected, list) and isinstance(found, list):
        return differences(expected[0], found[0], f"{where}[]")
    return [] if expected == found else [f"{where} is {found}, not {expected}"]
