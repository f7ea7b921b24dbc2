"""Tokens made void before their time: stored for every process, announced for those that remember tokens."""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from uuid import uuid4

from sqlalchemy import bindparam, delete, select

from kilonova.aio.clock import Clock
from kilonova.bus.bus import Bus
from kilonova.bus.proxy import proxy
from kilonova.contract.identity import IDENTITY_EVENTS, RevocationListener, Subject
from kilonova.db.database import Database, Reader, Transaction
from kilonova.db.statement import Statement, among, among_arguments, insert_into, room_for
from kilonova.identity.store.tables import revocations
from kilonova.model.errors import Unavailable
from kilonova.model.time import Timestamp

log = logging.getLogger(__name__)


class Change:
    """A transaction and whose tokens it touches."""

    def __init__(self, tx: Transaction, clock: Clock, *, keep_s: float) -> None:
        self.tx = tx
        self.touched: set[Subject] = set()
        self._clock = clock
        self._keep_s = keep_s

    def touch(self, *subjects: Subject) -> None:
        """Their tokens stay valid, with other content (roles gone, say), unless validation finds otherwise."""
        self.touched.update(subjects)

    async def revoke(self, *subjects: Subject) -> None:
        """Tokens of each subject issued until now are void, for good."""
        now = self._clock.now()
        forgotten_at = self._clock.after(self._keep_s)
        rows = [{"id": uuid4().hex, "subject": one, "until": now, "forgotten_at": forgotten_at} for one in subjects]
        await self.tx.execute_many(insert_into(revocations), rows)
        self.touch(*subjects)


class Revocations:
    """`keep_s`: the longest time in seconds that anybody may still look at a token."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, *, keep_s: float) -> None:
        self._db = db
        self._clock = clock
        self._keep_s = keep_s
        self._listeners = proxy(RevocationListener, bus, IDENTITY_EVENTS)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """A transaction, after which the touched subjects are announced, before the client has its answer."""
        async with self._db.begin() as tx:
            change = Change(tx, self._clock, keep_s=self._keep_s)
            yield change
        if change.touched:
            await self.announce(change.touched)

    async def announce(self, subjects: Iterable[Subject]) -> None:
        try:
            await self._listeners.revoked(sorted(subjects))
        except Unavailable as error:
            # Nothing is lost but time: what others remember ends by itself.
            log.warning("revocation not announced: %s", error)

    async def concerns(self, reader: Reader, subjects: Sequence[Subject], issued: Timestamp) -> bool:
        """Whether a token of these subjects, issued then, was revoked."""
        room = room_for(len(subjects))
        arguments = among_arguments("subject", subjects, room)
        return await reader.fetch_value(_concerning(room), issued=issued, **arguments) is not None

    async def prune(self) -> None:
        """Forget revocations that no living token can meet."""
        async with self._db.begin() as tx:
            await tx.execute(_PRUNE, now=self._clock.now())


@lru_cache
def _concerning(room: int) -> Statement:
    return Statement(
        select(revocations.c.id)
        .where(among(revocations.c.subject, "subject", room), revocations.c.until >= bindparam("issued"))
        .limit(1)
    )


_PRUNE = Statement(delete(revocations).where(revocations.c.forgotten_at < bindparam("now")))
