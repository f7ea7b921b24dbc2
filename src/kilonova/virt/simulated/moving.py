"""A simulated guest goes from host to host: a row of the journal changes hands."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from kilonova.model.errors import GuestNotFound
from kilonova.model.ids import GuestId
from kilonova.virt.guest import PowerState
from kilonova.virt.simulated.journal import GuestRecord, Journal

_GOES_ON = (PowerState.RUNNING, PowerState.PAUSED)


def hand_over(journal: Journal, guest: GuestId, source: str, target: str) -> None:
    """The guest of `source` goes on running on `target`, where it is defined; happy when that was done before.

    `source` keeps it, off, until it is told to destroy it. Errors: GuestNotFound unless both know it.
    """
    there = journal.guests.get(target, {}).get(guest)
    if there is not None and there.state in _GOES_ON:
        return
    here = journal.guests.get(source, {}).get(guest)
    if here is None and there is None:
        raise GuestNotFound(guest)
    if here is None or here.state not in _GOES_ON:
        return
    if there is None:
        raise GuestNotFound(guest)
    moved = GuestRecord(
        spec=there.spec,
        state=here.state,
        boots=here.boots,
        started_at=here.started_at,
        root_gib=here.root_gib,
    )
    left = GuestRecord(spec=here.spec, state=PowerState.SHUTDOWN, boots=here.boots, root_gib=here.root_gib)
    for host, record in ((target, moved), (source, left)):
        journal.guests[host][guest] = record
        journal.record(host, guest, record)


async def first_of(*works: Coroutine[Any, Any, Any]) -> None:
    """Until one of `works` is done; the others are given up. Errors: those of the one."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
