"""Leases: who may do a thing now, and a number by which the past owners are told from the present one.

A lease is taken with one compare-and-swap. Its epoch rises with every new owner and with every take after an end, so
whoever acts under a lease shows its epoch, and those who saw a higher one refuse (fencing): a paused owner that
wakes up late does no harm. Table: `leases`.
"""

import msgspec
from sqlalchemy import bindparam, or_, select, update

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.db.errors import AlreadyThere
from kilonova.db.statement import Statement, insert_into
from kilonova.db.tables.leases import leases
from kilonova.model.time import Timestamp

_LET_GO = Timestamp("1970-01-01T00:00:00.000000")

_READ = Statement(select(leases.c.owner, leases.c.epoch, leases.c.expires_at).where(leases.c.name == bindparam("name")))
_TAKE = Statement(
    update(leases)
    .where(
        leases.c.name == bindparam("by_name"),
        leases.c.epoch == bindparam("seen"),
        or_(leases.c.expires_at <= bindparam("now"), leases.c.owner == bindparam("owner")),
    )
    .values(owner=bindparam("owner"), epoch=leases.c.epoch + 1, expires_at=bindparam("expires_at"))
)
_KEEP = Statement(
    update(leases)
    .where(
        leases.c.name == bindparam("by_name"),
        leases.c.owner == bindparam("by_owner"),
        leases.c.epoch == bindparam("by_epoch"),
        leases.c.expires_at > bindparam("now"),
    )
    .values(expires_at=bindparam("expires_at"))
)


class Lease(msgspec.Struct, frozen=True):
    """A lease that was ours when this was made: `name` is held by `owner` until `expires_at` (UTC)."""

    name: str
    owner: str
    epoch: int
    expires_at: Timestamp


class Leases:
    """The leases of one owner, who must have a name of its own (host and process)."""

    def __init__(self, database: Database, clock: Clock, *, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._owner = owner

    async def acquire(self, name: str, *, seconds: float) -> Lease | None:
        """Take `name` for so long, with a new epoch; None while another has it. What is ours already is taken anew."""
        now, expires_at = self._clock.now(), self._clock.after(seconds)
        found = await self._database.fetch_one(_READ, name=name)
        if found is None:
            return await self._create(name, expires_at)
        owner, epoch, until = found
        if owner != self._owner and until > now:
            return None
        async with self._database.begin() as transaction:
            taken = await transaction.execute(
                _TAKE, by_name=name, seen=epoch, now=now, owner=self._owner, expires_at=expires_at
            )
        return Lease(name, self._owner, epoch + 1, expires_at) if taken else None

    async def _create(self, name: str, expires_at: Timestamp) -> Lease | None:
        try:
            async with self._database.begin() as transaction:
                await transaction.execute(
                    insert_into(leases), name=name, owner=self._owner, epoch=1, expires_at=expires_at
                )
        except AlreadyThere:
            return None
        return Lease(name, self._owner, 1, expires_at)

    async def renew(self, lease: Lease, *, seconds: float) -> Lease | None:
        """The same lease for longer; None when it has run out or is another's: stop at once then."""
        expires_at = self._clock.after(seconds)
        kept = await self._set_end(lease, expires_at)
        return Lease(lease.name, lease.owner, lease.epoch, expires_at) if kept else None

    async def release(self, lease: Lease) -> bool:
        """Let go, so that another need not wait; False when it was not ours any more."""
        return await self._set_end(lease, _LET_GO)

    async def _set_end(self, lease: Lease, expires_at: Timestamp) -> bool:
        async with self._database.begin() as transaction:
            touched = await transaction.execute(
                _KEEP,
                by_name=lease.name,
                by_owner=lease.owner,
                by_epoch=lease.epoch,
                now=self._clock.now(),
                expires_at=expires_at,
            )
        return touched == 1
