"""Which Debian packages each ability of this machine needs. The lists are text that the shell script reads too."""

from enum import StrEnum
from importlib import resources


class Ability(StrEnum):
    """What a machine can be set up for; each is a file of the directory `debian` beside this module."""

    PYTHON = "python"
    GUESTS = "guests"
    BINDING = "binding"
    IMAGE = "image"
    CONSOLES = "consoles"
    TESTS = "tests"


def packages(ability: Ability) -> tuple[str, ...]:
    """Names as apt knows them, in the order of the list."""
    text = (resources.files("kilonova.launch") / "debian" / f"{ability}.txt").read_text()
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def install_command(*names: str) -> str:
    """The command that brings packages, as Kilonova's own set-up runs it."""
    return f"apt-get install --no-install-recommends {' '.join(names)}"
