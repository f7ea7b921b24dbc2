"""Proposed moves carried out, a few at a time and in their order."""

import asyncio
from collections.abc import Sequence

from kilonova.aio.clock import Clock
from kilonova.upkeep.admin import Admin
from kilonova.upkeep.drain import Progress, Tell
from kilonova.upkeep.moving import Outcome, move
from kilonova.upkeep.servers import ServerRecord


async def carry_out(
    admin: Admin, clock: Clock, moves: Sequence[tuple[ServerRecord, str]], tell: Tell, *, at_once: int
) -> list[Outcome]:
    """Each server to the host beside it; the cloud's scheduler still has the last word."""
    turns = asyncio.Semaphore(at_once)

    async def one_of(record: ServerRecord, target: str) -> Outcome:
        async with turns:
            outcome = await move(
                admin, clock, record, lambda seen, words: tell(Progress(words=words, server=seen)), to=target
            )
            tell(Progress(words="", server=outcome.server, outcome=outcome))
            return outcome

    for record, _ in moves:
        tell(Progress(words="to be moved", server=record))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one_of(record, target)) for record, target in moves]
    return [task.result() for task in tasks]
