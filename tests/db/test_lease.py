"""Leases: one owner at a time, and an epoch that tells the late from the present."""

import asyncio

from kilonova.aio.clock import SystemClock
from kilonova.db.database import Database
from kilonova.db.lease import Leases
from kilonova.model.time import Timestamp, stamp_of_unix


class GivenTime(SystemClock):
    """Time that passes when the test says so."""

    seconds = 1_800_000_000.0

    def time(self) -> float:
        return self.seconds

    def now(self) -> Timestamp:
        return stamp_of_unix(self.seconds)


async def test_a_lease_is_one_owners_until_it_runs_out(database: Database) -> None:
    clock = GivenTime()
    mine, theirs = (Leases(database, clock, owner=name) for name in ("mine", "theirs"))

    first = await mine.acquire("sweep", seconds=30)
    assert first is not None
    assert first.epoch == 1
    assert await theirs.acquire("sweep", seconds=30) is None

    clock.seconds += 30
    second = await theirs.acquire("sweep", seconds=30)
    assert second is not None
    assert second.epoch == 2
    assert await mine.renew(first, seconds=30) is None
    assert await mine.release(first) is False
    assert await mine.acquire("sweep", seconds=30) is None


async def test_a_renewed_lease_keeps_its_epoch_and_goes_on(database: Database) -> None:
    clock = GivenTime()
    mine, theirs = (Leases(database, clock, owner=name) for name in ("mine", "theirs"))
    lease = await mine.acquire("sweep", seconds=30)
    assert lease is not None

    clock.seconds += 20
    renewed = await mine.renew(lease, seconds=30)
    clock.seconds += 20

    assert renewed is not None
    assert renewed.epoch == lease.epoch
    assert await theirs.acquire("sweep", seconds=30) is None


async def test_a_lease_let_go_is_free_at_once_and_its_epoch_goes_on(database: Database) -> None:
    mine, theirs = (Leases(database, GivenTime(), owner=name) for name in ("mine", "theirs"))
    lease = await mine.acquire("sweep", seconds=3600)
    assert lease is not None
    assert await mine.release(lease) is True

    taken = await theirs.acquire("sweep", seconds=30)

    assert taken is not None
    assert taken.epoch == 2
    assert await mine.renew(lease, seconds=30) is None


async def test_an_owner_that_starts_anew_gets_a_new_epoch(database: Database) -> None:
    before, after = (Leases(database, GivenTime(), owner="mine") for _ in range(2))
    old = await before.acquire("sweep", seconds=3600)
    new = await after.acquire("sweep", seconds=3600)

    assert old is not None
    assert new is not None
    assert new.epoch == old.epoch + 1
    assert await before.renew(old, seconds=30) is None


async def test_of_many_that_race_one_wins(database: Database) -> None:
    clock = GivenTime()
    racers = [Leases(database, clock, owner=f"racer-{number}") for number in range(12)]
    for expected in (1, 2, 3):
        won = [lease for lease in await asyncio.gather(*(one.acquire("r", seconds=9) for one in racers)) if lease]
        assert [lease.epoch for lease in won] == [expected]
        clock.seconds += 10


async def test_leases_of_other_names_are_independent(database: Database) -> None:
    mine, theirs = (Leases(database, GivenTime(), owner=name) for name in ("mine", "theirs"))
    assert await mine.acquire("one", seconds=30) is not None
    assert await theirs.acquire("two", seconds=30) is not None
