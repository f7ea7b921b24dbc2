"""From nova.conf, or from nothing, to a `Config`."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from kilonova.config.errors import BadConfiguration
from kilonova.config.options import Config
from kilonova.config.table import options

log = logging.getLogger(__name__)

Values = dict[str, dict[str, Any]]

_REFERENCE = re.compile(r"\$(?:\{([\w.]+)\}|(\w+(?:\.\w+)?))")


def load(path: Path | None = None, *, given: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """The configuration in the file `path` (none: all defaults), with what is `given`, by section and option, above it.

    Options we do not know are named in a warning each. Errors: BadConfiguration.
    """
    values: Values = {
        section: {name: option.default for name, option in table.items()} for section, table in options().items()
    }
    if path is not None:
        # oslo.config costs 20 MB: without a file nobody needs it.
        from kilonova.config.file import read

        _lay_over(values, read(path, warn=log.warning))
    _lay_over(values, given or {})
    try:
        return msgspec.convert(_expanded(values), Config)
    except msgspec.ValidationError as error:
        raise BadConfiguration(f"{path or 'The configuration'}: {error}") from error


def _lay_over(values: Values, above: Mapping[str, Mapping[str, Any]]) -> None:
    for section, named in above.items():
        values[section].update(named)


def _expanded(values: Values) -> Values:
    return {
        section: {name: _expand(value, values, section, depth=0) for name, value in named.items()}
        for section, named in values.items()
    }


def _expand(value: Any, values: Values, section: str, *, depth: int) -> Any:
    """`value` with `$name`, `${name}` and `$section.name` replaced; a bare name is this section's, else [DEFAULT]'s."""
    if not isinstance(value, str) or "$" not in value:
        return value
    if depth > 8:
        raise BadConfiguration(f"The value {value!r} in [{section}] refers to itself.")

    def stands_for(reference: "re.Match[str]") -> str:
        of, _, name = (reference[1] or reference[2]).rpartition(".")
        for place in [of] if of else [section, "DEFAULT"]:
            if name in values.get(place, {}):
                return str(_expand(values[place][name], values, place, depth=depth + 1))
        # Passwords have dollars too.
        return reference[0]

    return _REFERENCE.sub(stands_for, value)
