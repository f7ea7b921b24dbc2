"""A nova.conf to begin with: every option with its line of help and its default, commented out."""

import sys
from collections.abc import Iterator
from typing import Any, TextIO

from msgspec.inspect import LiteralType

from kilonova.config.table import Option, options


def write_sample(out: TextIO) -> None:
    out.writelines(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "# Every option and its default. Remove the # of those you change."
    for section, table in options().items():
        yield from ("", f"[{section}]")
        for option in table.values():
            yield from ("", f"# {option.help}{_choices(option)}", f"#{option.name} = {_shown(option)}")


def _choices(option: Option) -> str:
    return f" One of {', '.join(map(str, option.kind.values))}." if isinstance(option.kind, LiteralType) else ""


def _shown(option: Option) -> str:
    # Not this machine's name or home: the sample goes to others.
    machine = {"host": "<this machine's name>", "state_path": "~/.kilonova"}
    if option.section == "DEFAULT" and option.name in machine:
        return machine[option.name]
    return _text(option.default)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    write_sample(sys.stdout)
