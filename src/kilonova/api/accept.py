"""Accepted means stored: one transaction that checks, marks the task and stores the saga; then a bell."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kilonova.api.request import Request
from kilonova.contract.events import ServerChanged
from kilonova.contract.work import Work
from kilonova.db.database import Transaction
from kilonova.model.errors import Unavailable
from kilonova.model.ids import SagaId
from kilonova.observe import trace
from kilonova.saga.begin import begin

log = logging.getLogger(__name__)


@asynccontextmanager
async def accepting(request: Request) -> AsyncIterator[Transaction]:
    """The transaction of a mutating call, steps 6 and 7 of a create's way."""
    with trace.span("accept", kind="db", target="db", step="6-7"):
        async with request.world.db.begin() as tx:
            yield tx


async def store(request: Request, tx: Transaction, work: Work, *, preempt: bool = False) -> None:
    """Begin the saga of `work` with the transaction. Errors: ServerBusy."""
    world = request.world

    def ring(saga_id: SagaId) -> None:
        world.tasks.start(_ring(request, saga_id), name="ring")

    await begin(
        tx,
        work,
        saga_id=SagaId(world.new_id()),
        caller=request.caller,
        request_id=request.request_id,
        clock=world.clock,
        ring=ring,
        preempt=preempt,
    )


def tell(request: Request, tx: Transaction, event: ServerChanged) -> None:
    """Let those who listen know what the transaction shows, once it is durable."""
    world = request.world

    def start() -> None:
        world.tasks.start(_tell(request, event), name="tell")

    tx.after_commit(start)


async def _tell(request: Request, event: ServerChanged) -> None:
    try:
        await request.world.events.server_changed(event)
    except Unavailable as error:
        # Clients that fall back on lists lose nothing but time.
        log.info("nobody was told of a change: %s", error.message)


async def _ring(request: Request, saga_id: SagaId) -> None:
    try:
        await request.world.conductor.wake(saga_id)
    except Unavailable as error:
        # The work is stored: the conductor's sweep finds it when there is one again.
        log.info("no conductor heard the bell: %s", error.message)
