"""A key belongs to one transaction, on every database, however many want it at once."""

import asyncio

import pytest

from kilonova.db.database import Database
from kilonova.db.errors import AlreadyThere
from kilonova.db.repository import idempotency
from kilonova.model.time import Timestamp

LONG_AGO = Timestamp("2026-01-01T00:00:00.000000")
YESTERDAY = Timestamp("2026-01-02T00:00:00.000000")
NOW = Timestamp("2026-01-03T00:00:00.000000")


async def answer_once(database: Database, key: str, answer: str, *, now: Timestamp = NOW) -> bool:
    """Whether the key was ours."""
    try:
        async with database.begin() as tx:
            await idempotency.claim(tx, "project", key, body_hash="hash", now=now, kept_since=YESTERDAY)
            await idempotency.keep(tx, "project", key, status=202, headers={"Location": "/here"}, body=answer)
    except AlreadyThere:
        return False
    return True


async def test_of_many_at_once_one_gets_the_key_and_its_answer_is_kept(database: Database) -> None:
    keys = [f"key-{number}" for number in range(5)]
    tries = [(key, f"{key} try {number}") for number in range(10) for key in keys]
    ours = await asyncio.gather(*(answer_once(database, *one) for one in tries))

    winners = dict(one for one, won in zip(tries, ours, strict=True) if won)
    assert sum(ours) == len(keys)
    for key in keys:
        kept = await idempotency.find(database, "project", key, kept_since=YESTERDAY)
        assert kept == idempotency.Kept("hash", 202, {"Location": "/here"}, winners[key])


async def test_a_key_whose_transaction_failed_is_free(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as tx:
            await idempotency.claim(tx, "project", "key", body_hash="hash", now=NOW, kept_since=YESTERDAY)
            raise ZeroDivisionError
    assert await answer_once(database, "key", "second")


async def test_an_old_key_may_be_used_anew(database: Database) -> None:
    assert await answer_once(database, "key", "old", now=LONG_AGO)
    assert await idempotency.find(database, "project", "key", kept_since=YESTERDAY) is None
    assert await answer_once(database, "key", "new")
    kept = await idempotency.find(database, "project", "key", kept_since=YESTERDAY)
    assert kept is not None
    assert kept.body == "new"
    assert not await answer_once(database, "key", "newer")
