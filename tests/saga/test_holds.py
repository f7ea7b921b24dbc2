"""A server is held by one saga at a time, on every database."""

import asyncio

from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.errors import AlreadyThere
from kilonova.model.ids import SagaId
from kilonova.saga import store

SERVER = "11111111-2222-3333-4444-555555555555"
FIRST, SECOND = SagaId("first"), SagaId("second")


async def test_who_comes_first_has_the_hold_and_the_next_is_told(database_url: str) -> None:
    await create_all(database_url)
    db = await connect(database_url)
    try:
        async with db.begin() as tx:
            assert await store.take_hold(tx, SERVER, FIRST)
            assert not await store.take_hold(tx, SERVER, SECOND)
        async with db.begin() as tx:
            assert not await store.take_hold(tx, SERVER, SECOND)
            assert await store.take_hold(tx, "another", SECOND)
        assert await store.holder_of(db, SERVER) == FIRST
    finally:
        await db.close()


async def test_of_many_at_once_each_gets_its_own_and_only_one_the_same(database_url: str) -> None:
    await create_all(database_url)
    db = await connect(database_url)

    async def take(resource: str, saga_id: str) -> bool:
        try:
            async with db.begin() as tx:
                return await store.take_hold(tx, resource, SagaId(saga_id))
        except AlreadyThere:
            return False

    try:
        own = await asyncio.gather(*(take(f"server-{number}", f"saga-{number}") for number in range(40)))
        same = await asyncio.gather(*(take(SERVER, f"rival-{number}") for number in range(40)))
        assert (sum(own), sum(same)) == (40, 1)
    finally:
        await db.close()
