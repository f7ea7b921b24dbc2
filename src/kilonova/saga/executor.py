"""Runs sagas: takes a lease on what is due, gives it a turn, and takes up what others left."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.db.database import Database, Transaction
from kilonova.model.ids import SagaId
from kilonova.model.time import Timestamp, later, moment_of
from kilonova.observe import trace
from kilonova.saga import store
from kilonova.saga.logbook import Changed, LeaseLost
from kilonova.saga.saga import Saga
from kilonova.saga.trial import Killed, Moment
from kilonova.saga.turn import Desk, Meddle, Send, Turn

log = logging.getLogger(__name__)

W = TypeVar("W")

LEASE_S = 60.0
SWEEP_S = 2.0


def _leave_alone(moment: Moment, step: str) -> bool:
    return False


class Executor(Generic[W]):
    """One per conductor. `send` casts an order to its host; `changed` is told of each server whose record changed."""

    def __init__(
        self,
        db: Database,
        world: W,
        definitions: Mapping[str, Saga[Any, W]],
        clock: Clock,
        *,
        me: str,
        send: Send,
        changed: Changed,
        meddle: Meddle | None = None,
        most: int = 512,
    ) -> None:
        self._db = db
        self._definitions = definitions
        self._clock = clock
        self._me = me
        self._desk: Desk[W] = Desk(
            db, world, clock, send=send, changed=changed, meddle=meddle or _leave_alone, wake_at=self.wake_at
        )
        self._tasks = Tasks("sagas")
        self._running: set[SagaId] = set()
        self._rung: set[SagaId] = set()
        self._room = asyncio.Semaphore(most)
        self._dead = False

    def start(self, *, alone: bool) -> None:
        """Begin to sweep. `alone`: no other conductor works on this database, so leases found are of the dead."""
        self._tasks.start(self._recover(alone), name="recover")

    async def _recover(self, alone: bool) -> None:
        if alone:
            async with self._db.begin() as tx:
                await store.break_leases(tx, self._clock.now())
        self._tasks.every(SWEEP_S, self._sweep, self._clock, name="sweep")

    async def _sweep(self) -> None:
        for saga_id in await store.due(self._db, self._clock.now()):
            self.wake(saga_id)

    def wake(self, saga_id: SagaId) -> None:
        """There may be work on this saga."""
        if self._dead:
            return
        if saga_id in self._running:
            self._rung.add(saga_id)
            return
        self._running.add(saga_id)
        self._tasks.start(self._attend(saga_id, None), name=saga_id)

    def wake_at(self, saga_id: SagaId, moment: Timestamp) -> None:
        """Sooner than the sweep would, if this process lives so long."""
        self._tasks.start(self._wake_at(saga_id, moment), name=f"wake {saga_id}")

    async def _wake_at(self, saga_id: SagaId, moment: Timestamp) -> None:
        await self._clock.sleep(max(0.0, moment_of(moment).timestamp() - self._clock.time()))
        self.wake(saga_id)

    async def hear(self, saga_id: SagaId, order_key: str, outcome: object) -> None:
        """A host's answer: stored, once, and its saga taken up in the same transaction if it is free."""
        free = not (self._dead or saga_id in self._running or self._room.locked())
        if free:
            self._running.add(saga_id)
        turn: Turn[W] | None = None
        try:
            async with self._db.begin() as tx:
                await store.record_outcome(tx, saga_id, order_key, outcome, self._clock.now())
                if free:
                    turn = await self._take(tx, saga_id)
        finally:
            if free:
                self._running.discard(saga_id)
        if turn is None:
            self.wake(saga_id)
        else:
            self._running.add(saga_id)
            self._tasks.start(self._attend(saga_id, turn), name=saga_id)

    async def _take(self, tx: Transaction, saga_id: SagaId) -> Turn[W] | None:
        """A lease on the saga and what its turn begins with; None when it waits or is somebody else's."""
        now = self._clock.now()
        if not await store.take(tx, saga_id, me=self._me, now=now, until=later(now, seconds=LEASE_S)):
            return None
        row = await store.row_of(tx, saga_id)
        assert row is not None
        turn: Turn[W] = Turn(self._desk, row, self._definitions[row.name], await store.log_of(tx, saga_id))
        await turn.begin(tx)
        return turn

    async def _attend(self, saga_id: SagaId, turn: Turn[W] | None) -> None:
        try:
            async with self._room:
                while True:
                    self._rung.discard(saga_id)
                    if turn is None:
                        async with self._db.begin() as tx:
                            turn = await self._take(tx, saga_id)
                    if turn is not None:
                        await self._proceed(turn)
                        turn = None
                    if saga_id not in self._rung:
                        return
        finally:
            self._running.discard(saga_id)
            if saga_id in self._rung and not self._dead:
                self._rung.discard(saga_id)
                self.wake(saga_id)

    async def _proceed(self, turn: Turn[W]) -> None:
        with trace.serving("conductor", turn.row.traceparent):
            try:
                following = await turn.proceed()
            except Killed as death:
                log.info("trial: %s", death)
                self._dead = True
                return
            except LeaseLost:
                log.warning("saga %s: the lease was lost", turn.row.id)
                return
        if following is not None:
            self.wake(following)

    async def close(self) -> None:
        await self._tasks.close()
