"""`host drain HOST`: into maintenance, every server moved away, done when empty. `host undrain HOST`: back again."""

import argparse
import asyncio
import contextlib
import sys
from typing import Any

import msgspec
from rich.console import Console

from kilonova.aio.clock import SystemClock
from kilonova.cli.moves import Board
from kilonova.upkeep.admin import entered
from kilonova.upkeep.drain import Drained, drain
from kilonova.upkeep.moving import Outcome
from kilonova.upkeep.services import enable, service_of


def run(given: argparse.Namespace) -> int:
    """0 when the host is empty (or enabled again), 1 when something is left. Errors: NoCloud, NoSuchHost."""
    return asyncio.run(_drain(given) if given.verb == "drain" else _undrain(given))


async def _drain(given: argparse.Namespace) -> int:
    console = Console(stderr=given.json)
    async with entered(given.state_dir) as admin:
        service = await service_of(admin, given.host)
        with Board(console, f"draining {service.host}") as board:
            found = await drain(
                admin,
                SystemClock(),
                service,
                board.tell,
                reason=given.reason,
                at_once=given.at_once,
                wait=given.wait,
            )
    if given.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(_document(found)), indent=1) + b"\n")
    else:
        _tell(found, console)
    return 0 if found.empty else 1


def _tell(found: Drained, console: Console) -> None:
    console.print(f"{len(found.moved):,} servers moved", highlight=False)
    by_reason: dict[str, list[str]] = {}
    for one in found.left:
        by_reason.setdefault(one.why, []).append(f"{one.server.name} ({one.server.id})")
    for why, names in by_reason.items():
        console.print(f"[red]left[/red], because: {why}", highlight=False, soft_wrap=True)
        for name in names:
            console.print(f"  {name}", highlight=False, soft_wrap=True)
    said = "is empty" if found.empty else f"still has {len(found.left):,} servers; run this again when that has changed"
    console.print(f"[bold]{found.host} {said}[/bold]", highlight=False)


def _document(found: Drained) -> dict[str, Any]:
    return {
        "host": found.host,
        "empty": found.empty,
        "moved": [outcome_document(one) for one in found.moved],
        "left": [outcome_document(one) for one in found.left],
    }


def outcome_document(one: Outcome) -> dict[str, Any]:
    return {"server": one.server.id, "name": one.server.name, "how": one.how, "to": one.to, "why": one.why}


async def _undrain(given: argparse.Namespace) -> int:
    async with entered(given.state_dir) as admin:
        service = await service_of(admin, given.host)
        await enable(admin, service)
    if given.json:
        print(msgspec.json.encode({"host": service.host, "enabled": True}).decode())
    else:
        with contextlib.suppress(BrokenPipeError):
            print(f"{service.host} takes servers again")
    return 0
