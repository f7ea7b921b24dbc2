"""`capacity --flavor NAME`: how many more of it fit, on the running cloud or on a fleet file, and what is short."""

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
from kilonova.simulation.capacity import Capacity, Room, capacity
from kilonova.simulation.description import BadDescription, read
from kilonova.simulation.placing import Placing, Wanted
from kilonova.simulation.run import present
from kilonova.simulation.stock import build, spec_of
from kilonova.upkeep.admin import entered
from kilonova.upkeep.copy import aggregate_names, copied, flavor_named


def run(given: argparse.Namespace) -> int:
    """Errors: BadDescription, NoCloud, NoSuchFlavor; those of the APIs."""
    found = asyncio.run(_of_cloud(given)) if given.fleet is None else _of_file(given)
    if given.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    else:
        show(found, Console())
    return 0


def _of_file(given: argparse.Namespace) -> Capacity:
    description = read(given.fleet)
    if given.flavor not in description.flavors:
        raise BadDescription(f"{given.fleet}: there is no flavor {given.flavor} ({', '.join(description.flavors)})")
    placing = Placing(build(description), random.Random(0))
    present(description, placing)
    spec = spec_of(given.flavor, description.flavors[given.flavor])
    return capacity(placing, Wanted(0, given.flavor, msgspec.structs.replace(spec, availability_zone=given.zone)))


async def _of_cloud(given: argparse.Namespace) -> Capacity:
    async with entered(given.state_dir) as admin:
        spec = await flavor_named(admin, given.flavor)
        copy = await copied(admin, settings.scheduler(configuration_of_cloud(given)))
        names = await aggregate_names(admin)
    wanted = Wanted(0, spec.flavor_name, msgspec.structs.replace(spec, availability_zone=given.zone))
    found = capacity(copy.placing, wanted)
    named = tuple(msgspec.structs.replace(one, name=names.get(one.name, one.name)) for one in found.aggregates)
    return msgspec.structs.replace(found, aggregates=named)


def show(found: Capacity, console: Console) -> None:
    size = ", ".join(f"{amount:,} {name}" for name, amount in found.needs.items())
    least = "at least " if found.limited else ""
    console.print(f"[bold]{least}{found.more:,} more {found.kind}[/bold] ({size}) fit", highlight=False)
    if found.told:
        console.print(f"then: {found.told}", style="dim", highlight=False)
    console.print(_table("zone", found.zones))
    if found.aggregates:
        console.print(_table("aggregate", found.aggregates))


def _table(noun: str, rooms: tuple[Room, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column, justify in ((noun, "left"), ("hosts", "right"), ("suitable", "right"), ("more", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("what is short then, on how many hosts")
    for room in rooms:
        short = ", ".join(f"{name} {count:,}" for name, count in room.short.items())
        table.add_row(room.name, f"{room.hosts:,}", f"{room.suitable:,}", f"{room.more:,}", short)
    return table
