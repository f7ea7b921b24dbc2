"""The least that a schema takes: an example body for any operation."""

from typing import Any

from kilonova.api.parameters import Schema

UUID = "0d0c0b0a-0000-4000-8000-000000000001"

# A text for each format; those that are not here take any.
_TEXTS = {
    "uuid": UUID,
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "base64": "YQ==",
    "cidr": "192.0.2.0/24",
    "date-time": "2026-01-01T00:00:00Z",
    "mac-address": "00:00:5e:00:53:01",
    "mac_address": "00:00:5e:00:53:01",
    "uri": "http://example.com/",
}


def example(schema: Schema) -> Any:
    """Only what is required, and one member where at least one must be."""
    for choices in ("oneOf", "anyOf"):
        if choices in schema and "properties" not in schema:
            rest = {name: value for name, value in schema.items() if name != choices}
            return example(rest | schema[choices][0])
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "object" if "properties" in schema else "null")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    return _MAKERS[kind](schema)


def _object(schema: Schema) -> dict[str, Any]:
    known = schema.get("properties", {})
    wanted = list(schema.get("required", ()))
    if len(wanted) < schema.get("minProperties", 0):
        wanted += [name for name in known if name not in wanted][: schema["minProperties"] - len(wanted)]
    return {name: example(known.get(name, {"type": "string"})) for name in wanted}


def _array(schema: Schema) -> list[Any]:
    return [example(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]


def _string(schema: Schema) -> str:
    form = str(schema.get("format", ""))
    if form in _TEXTS:
        return _TEXTS[form]
    if "minimum" in schema or form.startswith("integer"):
        return str(schema.get("minimum", 1))
    most = schema.get("maxLength", 255)
    return "abc"[:most] if most < 3 else "abc".ljust(schema.get("minLength", 0), "d")


_MAKERS: dict[str, Any] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": lambda schema: schema.get("minimum", 1),
    "number": lambda schema: schema.get("minimum", 1),
    "boolean": lambda schema: True,
    "null": lambda schema: None,
}
