"""`rebalance`: moves that even out the hosts' memory use, with the gain of each; `--apply` carries them out."""

import argparse
import asyncio
import sys
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from kilonova.aio.clock import SystemClock
from kilonova.cli.host import outcome_document
from kilonova.cli.moves import Board
from kilonova.cli.up import configuration_of_cloud
from kilonova.launch import settings
from kilonova.simulation.balance import Move, deviation, propose
from kilonova.upkeep.admin import entered
from kilonova.upkeep.copy import CloudCopy, copied
from kilonova.upkeep.moving import RUNNING, STOPPED, Outcome
from kilonova.upkeep.rebalance import carry_out


def run(given: argparse.Namespace) -> int:
    """0 unless a move that was to be made failed. Errors: NoCloud; those of the APIs."""
    return asyncio.run(_rebalance(given))


async def _rebalance(given: argparse.Namespace) -> int:
    console = Console(stderr=given.json)
    async with entered(given.state_dir) as admin:
        copy = await copied(admin, settings.scheduler(configuration_of_cloud(given)))
        before = deviation(copy.placing.fleet)
        moves = propose(copy.placing, _movable(copy), given.moves, 0.0)
        after = deviation(copy.placing.fleet)
        if not given.json:
            _show(moves, copy, console, before, after)
        outcomes: list[Outcome] = []
        if given.apply and moves:
            with Board(console, "rebalancing") as board:
                wanted = [(copy.records[one.placed.name], str(one.target.name)) for one in moves]
                outcomes = await carry_out(admin, SystemClock(), wanted, board.tell, at_once=given.at_once)
    if given.json:
        document = _document(moves, copy, before, after) | {"outcomes": [outcome_document(one) for one in outcomes]}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    elif moves:
        done = sum(one.moved for one in outcomes)
        said = f"{done} of {len(moves)} made" if given.apply else "nothing was moved; --apply makes these moves"
        console.print(said, highlight=False)
    return 0 if all(one.moved for one in outcomes) else 1


def _movable(copy: CloudCopy) -> list[Any]:
    """Servers that stand still and can be moved: what is at work is left to its work."""
    known = copy.records
    return [
        placed
        for placed in copy.placed
        if known[placed.name].task is None and known[placed.name].status in RUNNING | STOPPED
    ]


def _show(moves: list[Move], copy: CloudCopy, console: Console, before: float, after: float) -> None:
    if not moves:
        console.print(f"no move is worth it: hosts' memory use deviates by {before:.1%}", highlight=False)
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("server", "flavor", "from", "to", "gain"):
        table.add_column(column, justify="right" if column == "gain" else "left")
    for one in moves:
        name, flavor = copy.records[one.placed.name].name, one.placed.wanted.label
        table.add_row(name, flavor, one.source.name, one.target.name, f"{one.gain_points:.1f}")
    console.print(table)
    console.print("gain: percentage points of memory use that the two hosts come closer to one another", style="dim")
    console.print(f"hosts' memory use deviates by {before:.1%} now, {after:.1%} after", highlight=False)


def _document(moves: list[Move], copy: CloudCopy, before: float, after: float) -> dict[str, Any]:
    return {
        "deviation": {"before": round(before, 6), "after": round(after, 6)},
        "moves": [
            {
                "server": one.placed.name,
                "name": copy.records[one.placed.name].name,
                "flavor": one.placed.wanted.label,
                "from": one.source.name,
                "to": one.target.name,
                "gain_points": one.gain_points,
            }
            for one in moves
        ],
    }
