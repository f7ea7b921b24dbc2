"""Why a body or a query was refused, in the words of jsonschema, as Nova's clients and tests know them."""

from collections.abc import Iterator
from typing import Any

import jsonschema
from jsonschema import validators
from jsonschema.exceptions import FormatError

from kilonova.api.formats import FORMATS, NAME_REASONS, InvalidName
from kilonova.api.parameters import Schema


def _minimum(validator: Any, minimum: Any, instance: Any, schema: Schema) -> Iterator[jsonschema.ValidationError]:
    number = _number(instance)
    if number is not None and number < minimum:
        yield jsonschema.ValidationError(f"{instance!r} is less than the minimum of {minimum!r}")


def _maximum(validator: Any, maximum: Any, instance: Any, schema: Schema) -> Iterator[jsonschema.ValidationError]:
    number = _number(instance)
    if number is not None and number > maximum:
        yield jsonschema.ValidationError(f"{instance!r} is greater than the maximum of {maximum!r}")


def _number(instance: Any) -> float | None:
    """Digits as text are numbers here, as in Nova."""
    if isinstance(instance, bool):
        return None
    try:
        return float(instance) if isinstance(instance, float) else int(instance)
    except (TypeError, ValueError):
        return None


class _Formats(jsonschema.FormatChecker):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(formats=())

    def check(self, instance: object, format: str) -> None:
        if not isinstance(instance, str) or format.startswith("integer ") or format not in FORMATS:
            return
        if not FORMATS[format](instance):
            if format in NAME_REASONS:
                raise InvalidName(NAME_REASONS[format])
            raise FormatError(f"{instance!r} is not a {format!r}")


_Validator = validators.extend(jsonschema.Draft202012Validator, {"minimum": _minimum, "maximum": _maximum})


def explain(schema: Schema, instance: Any, what: str, *, legacy: bool) -> str:
    """The text of the first thing wrong; `what` is `field/attribute` or `query parameters`."""
    try:
        error = next(_Validator(schema, format_checker=_Formats()).iter_errors(instance), None)
    except InvalidName as invalid:
        return invalid.message
    if error is None:
        return f"Invalid input for {what}."
    if not error.path:
        return str(error.message)
    # In a query the path is name and index, in a body the last member counts.
    where = error.path[0] if what == "query parameters" else error.path[-1]
    return f"Invalid input for {what} {where}. Value: {error.instance}. {error.message}"
