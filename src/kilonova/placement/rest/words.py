"""Why something has not the shape it should have, in the words of jsonschema, as Placement's clients know them."""

from typing import Any

import jsonschema
import msgspec
from jsonschema.exceptions import best_match

from kilonova.model.ids import is_uuid_like

_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("uuid")  # type: ignore[untyped-decorator]
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or is_uuid_like(value)


def why(document: object, kind: Any) -> str | None:
    """The most telling of the things that are wrong, or None where JSON Schema has no word for it."""
    schema = _usual(msgspec.json.schema(kind))
    error = best_match(jsonschema.Draft202012Validator(schema, format_checker=_formats).iter_errors(document))
    if error is None:
        return None
    where = "".join(f"[{step!r}]" for step in list(error.relative_schema_path)[:-1])
    return f"{error.message}\n\nFailed validating {error.validator!r} in schema{where}"


def _usual(node: Any) -> Any:
    """msgspec's schema with members' names by patternProperties, and uuids by their format alone."""
    if isinstance(node, list):
        return [_usual(one) for one in node]
    if not isinstance(node, dict):
        return node
    usual = {name: _usual(one) for name, one in node.items()}
    if "format" in usual:
        usual.pop("pattern", None)
    if "propertyNames" in usual:
        usual["patternProperties"] = {usual.pop("propertyNames")["pattern"]: usual["additionalProperties"]}
        usual["additionalProperties"] = False
    return usual
