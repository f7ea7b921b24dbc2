"""Pieces the schemas are made of. Ranges and patterns: Nova's parameter types."""

from typing import Any

from kilonova.api.formats import ranged

Schema = dict[str, Any]

TRUE_TEXTS = ("True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes")
FALSE_TEXTS = ("False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no")

MAX_INTEGER = 0x7FFFFFFF

# Query strings are read more freely than bodies: any case, and single letters.
_TRUE_WORDS = frozenset({"t", "true", "on", "y", "yes", "1"})
_FALSE_WORDS = frozenset({"f", "false", "off", "n", "no", "0"})


def truth(text: str) -> bool | None:
    """What a query string's value says; None when it is neither."""
    word = text.strip().lower()
    if word in _TRUE_WORDS:
        return True
    return False if word in _FALSE_WORDS else None


boolean: Schema = {"type": ["boolean", "string"], "enum": [True, *TRUE_TEXTS, False, *FALSE_TEXTS]}
none: Schema = {"type": "null"}
anything: Schema = {}

name: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
az_name: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "format": "az_name"}
hostname: Schema = {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-._]*$"}
host: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-._]*$"}
description: Schema = {"type": ["string", "null"], "minLength": 0, "maxLength": 255, "pattern": r"^[\s\S]*$"}
uuid: Schema = {"type": "string", "format": "uuid"}
admin_password: Schema = {"type": "string"}
tag: Schema = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": r"^[^,/]*$"}
device_tag: Schema = tag
disk_config: Schema = {"type": "string", "enum": ["AUTO", "MANUAL"]}
ipv4: Schema = {"type": "string", "format": "ipv4"}
ipv6: Schema = {"type": "string", "format": "ipv6"}
metadata: Schema = {
    "type": "object",
    "patternProperties": {r"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": "string", "maxLength": 255}},
    "additionalProperties": False,
}
flavor_ref: Schema = {"type": ["string", "integer"], "minLength": 1}
project_id: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-]*$"}


def integer(low: int = 0, high: int | None = None) -> Schema:
    """A number, or its digits as text."""
    schema: Schema = {
        "type": ["integer", "string"],
        "pattern": "^[0-9]*$" if low >= 0 else "^-?[0-9]+$",
        "minimum": low,
        "minLength": 1,
        "format": ranged(low, high),
    }
    if high is not None:
        schema["maximum"] = high
    return schema


def nullable(schema: Schema) -> Schema:
    return {"oneOf": [none, schema]}


def body(member: str, properties: Schema, required: tuple[str, ...] = (), **more: Any) -> Schema:
    """`{"member": {…}}`, nothing else anywhere."""
    return {
        "type": "object",
        "properties": {
            member: {
                "type": "object",
                "properties": properties,
                "required": list(required),
                "additionalProperties": False,
                **more,
            }
        },
        "required": [member],
        "additionalProperties": False,
    }


def only(member: str, value: Schema) -> Schema:
    """`{"member": value}`, the usual form of an action."""
    return {"type": "object", "properties": {member: value}, "required": [member], "additionalProperties": False}
