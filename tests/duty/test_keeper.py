"""Who does duties, and when."""

from collections.abc import Sequence

import pytest

from kilonova.db.database import Database
from kilonova.db.lease import Leases
from kilonova.duty.keeper import LEASE_S, Duty, Keeper
from tests.duty.conftest import LateClock


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Leases themselves are tested on every kind of database."""
    return sqlite_url


class Done:
    """A duty that notes each time it is done, and fails when told to."""

    def __init__(self) -> None:
        self.times = 0
        self.fails = False

    async def work(self) -> Sequence[str]:
        self.times += 1
        if self.fails:
            raise RuntimeError("as told")
        return ["mended"]


def keeper(db: Database, clock: LateClock, owner: str, *duties: Duty) -> Keeper:
    return Keeper(Leases(db, clock, owner=owner), clock, duties)


async def test_each_duty_is_done_when_it_is_due(db: Database, clock: LateClock) -> None:
    often, seldom = Done(), Done()
    kept = keeper(db, clock, "one", Duty("often", 60, often.work), Duty("seldom", 600, seldom.work))

    for _ in range(3):
        await kept.turn()
    assert (often.times, seldom.times) == (1, 1)
    clock.more_s += 61
    await kept.turn()
    assert (often.times, seldom.times) == (2, 1)


async def test_one_process_of_all_does_them_until_it_lets_go_or_dies(db: Database, clock: LateClock) -> None:
    mine, yours = Done(), Done()
    first, second = (
        keeper(db, clock, "one", Duty("d", 1, mine.work)),
        keeper(db, clock, "two", Duty("d", 1, yours.work)),
    )
    await first.turn()
    await second.turn()
    assert (mine.times, yours.times) == (1, 0)

    await first.close()
    await second.turn()
    assert (mine.times, yours.times) == (1, 1)

    clock.more_s += LEASE_S + 1
    await first.turn()
    assert (mine.times, yours.times) == (2, 1)


async def test_a_duty_that_fails_keeps_no_other_from_being_done(db: Database, clock: LateClock) -> None:
    bad, good = Done(), Done()
    bad.fails = True
    kept = keeper(db, clock, "one", Duty("bad", 60, bad.work), Duty("good", 60, good.work))

    await kept.turn()
    clock.more_s += 61
    await kept.turn()

    assert (bad.times, good.times) == (2, 2)
