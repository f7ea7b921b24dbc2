"""Own filters and weighers: from installed distributions' entry points, or by the path of a Python object.

A distribution names a `ProfileFilter` or `HostFilter` under `kilonova.filters`, a `Weigher` or `RequestWeigher` under
`kilonova.weighers`; nova.conf then names it as it does the built-in ones.
"""

import difflib
import importlib
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

FILTERS = "kilonova.filters"
WEIGHERS = "kilonova.weighers"


class UnknownName(ValueError):
    """nova.conf names a filter or weigher that there is not, or that is none."""


def installed(group: str) -> dict[str, EntryPoint]:
    """What distributions offer, by name. Looking costs a walk over all that is installed."""
    return {entry.name: entry for entry in entry_points(group=group)}


def by_path(path: str, option: str) -> object:
    """`package.module.name` or `package.module:name`. Errors: UnknownName."""
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        found: object = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownName(f"{option}: {path} cannot be loaded: {error}") from error
    return found


def loaded(entry: EntryPoint, option: str) -> object:
    """Errors: UnknownName."""
    try:
        found: object = entry.load()
    except Exception as error:
        # Whatever somebody else's module does as it is imported: the operator must read which one it was.
        raise UnknownName(f"{option}: {entry.name} ({entry.value}) cannot be loaded: {error}") from error
    return found


def unknown(option: str, name: str, known: Iterable[str]) -> UnknownName:
    """With the nearest known name, if one is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return UnknownName(f"{option}: there is no {name}" + (f"; did you mean {close[0]}?" if close else "."))
