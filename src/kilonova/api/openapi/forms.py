"""The forms of answers, written short, as JSON Schema.

A form is a text of members, `name=type`, each for all versions or for some (`@55`: from 2.55 on; `@1-101`: up to
2.101). `~name` may be absent. Types: `s` text, `i` whole number, `n` number, `b` truth, `o` any object, `*` anything,
another form's name, `[…]` a list, `{…}` an object of any names, `a|b` either, and `?` behind one: or null. Nothing else
may be there.
"""

import re
from collections.abc import Callable, Iterator

from kilonova.api.parameters import Schema

_MEMBER = re.compile(r"(?P<optional>~?)(?P<name>[^=]+)=(?P<type>[^@]+)(?:@(?P<low>\d+)(?:-(?P<high>\d+))?)?")
_PLAIN: dict[str, Schema] = {
    "s": {"type": "string"},
    "i": {"type": "integer"},
    "n": {"type": "number"},
    "b": {"type": "boolean"},
    "o": {"type": "object"},
    "*": {},
    "null": {"type": "null"},
}
# Makes the schema of a form out of its name.
Refer = Callable[[str], Schema]


def schema_of(form: str, version: int, refer: Refer) -> Schema:
    """The form's text as it is at 2.`version`."""
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for name, kind, optional in _members(form, version):
        properties[name] = _schema(kind, refer)
        if not optional:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _members(form: str, version: int) -> Iterator[tuple[str, str, bool]]:
    for text in form.split():
        found = _MEMBER.fullmatch(text)
        if found is None:
            raise ValueError(f"not a member: {text}")
        low, high = int(found["low"] or 1), int(found["high"] or version)
        if low <= version <= high:
            yield found["name"], found["type"], bool(found["optional"])


def _schema(kind: str, refer: Refer) -> Schema:
    if kind.endswith("?"):
        return {"anyOf": [_schema(kind[:-1], refer), _PLAIN["null"]]}
    if kind.startswith("["):
        return {"type": "array", "items": _schema(kind[1:-1], refer)}
    if kind.startswith("{"):
        return {"type": "object", "additionalProperties": _schema(kind[1:-1], refer)}
    if "|" in kind:
        return {"anyOf": [_schema(one, refer) for one in kind.split("|")]}
    plain = _PLAIN.get(kind)
    return refer(kind) if plain is None else plain
