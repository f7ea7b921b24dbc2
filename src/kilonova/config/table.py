"""The options as data: what `load` checks against and `sample` prints."""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec.inspect import Metadata, NoneType, StructType, UnionType, type_info

from kilonova.config.options import Config


class Option(NamedTuple):
    """`kind` is msgspec's description of the type, without None; `optional` whether None (not set) is allowed."""

    section: str
    name: str
    kind: Any
    optional: bool
    default: Any
    help: str
    repeated: bool


@lru_cache
def options() -> dict[str, dict[str, Option]]:
    """By section and name, in the order they are written down."""
    config = type_info(Config)
    assert isinstance(config, StructType)
    return {
        section.encode_name: {field.encode_name: _option(section.encode_name, field) for field in section.type.fields}  # type: ignore[attr-defined]
        for section in config.fields
    }


def _option(section: str, field: Any) -> Option:
    kind, extra = field.type, {}
    help_text = ""
    if isinstance(kind, Metadata):
        help_text = str((kind.extra_json_schema or {}).get("description", ""))
        extra = kind.extra or {}
        kind = kind.type
    optional = isinstance(kind, UnionType)
    if optional:
        (kind,) = [one for one in kind.types if not isinstance(one, NoneType)]
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return Option(section, field.encode_name, kind, optional, default, help_text, bool(extra.get("repeated")))
