"""`drain-plan HOST…`: whether these hosts can be emptied, and where each server would go. Nothing is moved."""

import argparse
import asyncio
import random
import sys

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from kilonova.cli.up import configuration_of_cloud
from kilonova.launch import settings
from kilonova.simulation.description import read
from kilonova.simulation.evacuation import Departure, empty
from kilonova.simulation.placing import Placed, Placing
from kilonova.simulation.run import present
from kilonova.simulation.stock import build
from kilonova.upkeep.admin import entered
from kilonova.upkeep.copy import copied


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is None where no host takes the server, for the reason in `why`."""

    server: str
    flavor: str
    source: str
    target: str | None
    why: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    hosts: tuple[str, ...]
    possible: bool
    moves: tuple[Row, ...]


def run(given: argparse.Namespace) -> int:
    """0 when the hosts can be emptied, 1 when not. Errors: BadDescription, NoCloud; those of the APIs."""
    plan = asyncio.run(_of_cloud(given)) if given.fleet is None else _of_file(given)
    if given.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
    else:
        show(plan, Console())
    return 0 if plan.possible else 1


def _of_file(given: argparse.Namespace) -> Plan:
    description = read(given.fleet)
    placing = Placing(build(description), random.Random(0))
    return _plan(given.emptied, placing, present(description, placing), {})


async def _of_cloud(given: argparse.Namespace) -> Plan:
    async with entered(given.state_dir) as admin:
        copy = await copied(admin, settings.scheduler(configuration_of_cloud(given)))
    names = {server_id: record.name for server_id, record in copy.records.items()}
    return _plan(given.emptied, copy.placing, copy.placed, names)


def _plan(hosts: list[str], placing: Placing, servers: list[Placed], names: dict[str, str]) -> Plan:
    found = empty(placing, [placing.stock.host(name) for name in hosts], servers, 0.0)
    return Plan(
        hosts=tuple(hosts),
        possible=all(one.target is not None for one in found),
        moves=tuple(_row(one, names) for one in found),
    )


def _row(one: Departure, names: dict[str, str]) -> Row:
    name = one.placed.name
    return Row(
        server=f"{names[name]} ({name})" if name in names else name,
        flavor=one.placed.wanted.spec.flavor_name,
        source=one.source.name,
        target=None if one.target is None else one.target.name,
        why=one.why,
    )


def show(plan: Plan, console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("server", "flavor", "from", "to"):
        table.add_column(column)
    for row in plan.moves:
        where = f"[red]nowhere[/red]: {row.why}" if row.target is None else row.target
        table.add_row(row.server, row.flavor, row.source, where)
    if plan.moves:
        console.print(table)
    stuck = sum(row.target is None for row in plan.moves)
    hosts = ", ".join(plan.hosts)
    said = "can be emptied" if plan.possible else f"cannot be emptied: {stuck:,} servers have nowhere to go"
    console.print(f"[bold]{hosts} {said}[/bold] ({len(plan.moves):,} servers)", highlight=False)
