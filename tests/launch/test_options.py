"""No option of nova.conf is there for show."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.inspect import BoolType, FloatType, IntType, LiteralType, VarTupleType

import kilonova
from kilonova.config.load import load
from kilonova.config.options import Config
from kilonova.config.table import Option, options
from kilonova.launch import settings
from kilonova.launch.hosts import instances_dir
from kilonova.launch.state_dir import StateDir

# Where sections are taken apart: a section's own name for an option goes no further.
TAKEN_APART = ("launch", "cli", "bus", "config/options.py")
# What concerns conductor and api; see `test_a_server_is_tried_on_as_many_hosts_as_are_allowed` for the first.
NOT_THE_SCHEDULERS = {"max_attempts", "query_placement_for_routed_network_aggregates"}


def another(option: Option) -> Any:
    kind, default = option.kind, option.default
    if isinstance(kind, BoolType):
        return not default
    if isinstance(kind, IntType | FloatType):
        return default + 1
    if isinstance(kind, LiteralType):
        return next(value for value in kind.values if value != default)
    return ("name=1",) if isinstance(kind, VarTupleType) else "other"


@pytest.mark.parametrize(
    "option",
    [
        option
        for section in ("scheduler", "filter_scheduler", "metrics")
        for option in options()[section].values()
        if option.name not in NOT_THE_SCHEDULERS
    ],
    ids=lambda option: option.name,
)
def test_every_option_of_the_scheduler_reaches_it(option: Option) -> None:
    changed = load(given={option.section: {option.name: another(option)}})

    assert settings.scheduler(changed) != settings.scheduler(load())


def test_every_option_is_read_where_its_section_is_taken_apart() -> None:
    read = {name for path in _taken_apart() for name in _read_in(path)} | _referred_to()
    scheduler = {*options()["filter_scheduler"], *options()["scheduler"], *options()["metrics"]} - NOT_THE_SCHEDULERS
    declared = {name for table in options().values() for name in table} - scheduler

    assert declared - read == set()


def _taken_apart() -> Iterator[Path]:
    root = Path(kilonova.__file__).parent
    for name in TAKEN_APART:
        yield from [root / name] if name.endswith(".py") else (root / name).rglob("*.py")


def _referred_to() -> set[str]:
    """By other options' defaults."""
    defaults = [option.default for table in options().values() for option in table.values()]
    return {name for text in defaults if isinstance(text, str) for name in re.findall(r"\$(\w+)", text)}


def _read_in(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}


def test_guests_are_kept_where_nova_conf_says(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")

    def kept(**given: str) -> Path:
        config: Config = load(given={"DEFAULT": given})
        return instances_dir(config, state)

    assert kept() == state.compute / "instances"
    assert kept(instances_path="/var/lib/nova/instances") == Path("/var/lib/nova/instances")
