"""nova.conf read by oslo.config: its syntax, its types, its words for what is wrong."""

import difflib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec.inspect import BoolType, FloatType, IntType, LiteralType, VarTupleType
from oslo_config import cfg, types

from kilonova.config.errors import BadConfiguration
from kilonova.config.table import Option, options


def read(path: Path, *, warn: Callable[[str], object]) -> dict[str, dict[str, Any]]:
    """The known options of the file, by section and name, typed; `warn` gets a sentence for each unknown one.

    Errors: BadConfiguration.
    """
    found: dict[str, dict[str, Any]] = {}
    for section, name, texts in _entries(path):
        option = options().get(section, {}).get(name)
        if option is None:
            warn(f"{path}: [{section}] {name} is not an option of this program{_nearest(section, name)}.")
            continue
        found.setdefault(section, {})[name] = _value(path, option, texts)
    return found


def _entries(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    sections: dict[str, dict[str, list[str]]] = {}
    try:
        cfg.ConfigParser(str(path), sections).parse()
    except cfg.ParseError as error:
        raise BadConfiguration(f"{path}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"The configuration {path} cannot be read: {error}") from error
    for section, named in sections.items():
        for name, texts in named.items():
            # oslo.config takes dashes for underscores, and so do files of old.
            yield section, name.replace("-", "_"), texts


def _value(path: Path, option: Option, texts: list[str]) -> Any:
    if option.repeated:
        return tuple(text for text in texts if text)
    # As in oslo.config: the last of several counts.
    text = texts[-1]
    if option.optional and not text:
        return None
    try:
        value = _type(option.kind)(text)
    except ValueError as error:
        raise BadConfiguration(f"{path}: [{option.section}] {option.name} = {text}: {error}") from error
    return tuple(value) if isinstance(value, list) else value


def _type(kind: Any) -> Callable[[str], Any]:
    if isinstance(kind, BoolType):
        return _made(types.Boolean())
    if isinstance(kind, IntType):
        return _made(types.Integer(min=kind.ge, max=kind.le))
    if isinstance(kind, FloatType):
        return _made(types.Float(min=kind.ge if kind.ge is not None else kind.gt, max=kind.le))
    if isinstance(kind, LiteralType):
        return _made(types.String(choices=list(kind.values)))
    if isinstance(kind, VarTupleType):
        return _made(types.List())
    return _made(types.String())


def _made(made: Any) -> Callable[[str], Any]:
    function: Callable[[str], Any] = made
    return function


def _nearest(section: str, name: str) -> str:
    """`; did you mean …?`: the nearest of the section, else the same name elsewhere, else the nearest section."""
    here = options().get(section, {})
    if close := difflib.get_close_matches(name, here, n=1):
        return f"; did you mean {close[0]}?"
    if elsewhere := [other for other, table in options().items() if name in table]:
        return f"; did you mean it in [{elsewhere[0]}]?"
    if here:
        everywhere = {known: other for other, table in options().items() for known in table}
        close = difflib.get_close_matches(name, everywhere, n=1, cutoff=0.75)
        return f"; did you mean [{everywhere[close[0]]}] {close[0]}?" if close else ""
    close = difflib.get_close_matches(section, options(), n=1)
    return f"; did you mean the section [{close[0]}]?" if close else ""
