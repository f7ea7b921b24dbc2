"""Bodies and query strings, checked: jsonschema-rs says whether, jsonschema says why in Nova's words."""

from typing import Any

import jsonschema_rs

from kilonova.api.formats import FORMATS
from kilonova.api.parameters import Schema
from kilonova.model.errors import BadRequest


class ValidationError(BadRequest):
    pass


class Schemas:
    """A schema per range of versions: `(from, schema)` rows, ascending; each holds until the next begins."""

    def __init__(self, *rows: tuple[int, Schema]) -> None:
        self.rows = rows
        self._checks: dict[int, _Check] = {}

    @classmethod
    def every(cls, schema: Schema) -> "Schemas":
        return cls((1, schema))

    def schema_at(self, version: int) -> Schema | None:
        """What holds at `version`; None where nothing does yet."""
        held = [schema for since, schema in self.rows if since <= version]
        return held[-1] if held else None

    def at(self, version: int) -> "_Check | None":
        """None where no schema holds yet: anything goes."""
        start = 0
        for since, _ in self.rows:
            if since <= version:
                start = since
        if not start:
            return None
        check = self._checks.get(start)
        if check is None:
            # Compiled at its first use: most of the versions are never asked for in a process's life.
            check = self._checks[start] = _Check(next(schema for since, schema in self.rows if since == start))
        return check


class _Check:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._fast = jsonschema_rs.Draft202012Validator(schema, formats=FORMATS, validate_formats=True)

    def body(self, body: Any, *, legacy: bool) -> None:
        """`body` as it came. Under /v2 members that nobody knows are taken out first. Errors: ValidationError."""
        if self._fast.is_valid(body):
            return
        if legacy:
            _relax(self.schema, body)
            if self._fast.is_valid(body):
                return
        raise ValidationError(_explained(self.schema, body, "field/attribute", legacy=legacy))

    def query(self, given: dict[str, list[str]]) -> None:
        """Errors: ValidationError."""
        if not self._fast.is_valid(given):
            raise ValidationError(_explained(self.schema, given, "query parameters", legacy=False))


def _explained(schema: Schema, instance: Any, what: str, *, legacy: bool) -> str:
    # 20 ms and some megabytes that a process needs only once somebody has sent something wrong.
    from kilonova.api.validation_words import explain

    return explain(schema, instance, what, legacy=legacy)


def _relax(schema: Schema, instance: Any) -> None:
    """What /v2 let pass, made good in place: unknown members go, names lose the spaces around them."""
    if isinstance(instance, list):
        for item in instance:
            _relax(schema.get("items", {}), item)
    if not isinstance(instance, dict):
        return
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is False and not schema.get("patternProperties"):
        for name in instance.keys() - properties.keys():
            del instance[name]
    for name, value in instance.items():
        wanted = properties.get(name)
        if not isinstance(wanted, dict):
            continue
        if isinstance(value, str) and wanted.get("format") in ("name", "az_name"):
            instance[name] = value.strip()
        _relax(wanted, value)


class Query:
    """The parameters of a query string: name → schema of one value, by version.

    Unknown ones are dropped below `strict_from`, refused from there on; `single` ones may not be repeated.
    """

    def __init__(self, *rows: tuple[int, dict[str, Schema]], strict_from: int = 75, single: bool = False) -> None:
        self._strict_from = strict_from
        self._rows = rows
        once: Schema = {"maxItems": 1} if single else {}
        starts = sorted({since for since, _ in rows} | {strict_from})
        self.schemas = Schemas(*[(start, self._schema(start, once)) for start in starts])

    def _schema(self, version: int, once: Schema) -> Schema:
        properties = {name: {"type": "array", "items": one, **once} for name, one in self.known(version).items()}
        schema: Schema = {"type": "object", "properties": properties}
        return {**schema, "additionalProperties": False} if version >= self._strict_from else schema

    def known(self, version: int) -> dict[str, Schema]:
        """What is understood at `version`."""
        found: dict[str, Schema] = {}
        for since, properties in self._rows:
            if since <= version:
                found = properties
        return found

    def checked(self, given: dict[str, list[str]], version: int) -> dict[str, list[str]]:
        """The parameters that count. Errors: ValidationError."""
        if not given:
            return given
        check = self.schemas.at(version)
        if check is not None:
            check.query(given)
        known = self.known(version)
        return {name: values for name, values in given.items() if name in known}


# A call that knows no parameters: from 2.102 on it says so, before it just ignored them.
NO_QUERY = Query((1, {}), strict_from=102)
