"""Quotas under pressure: creates of one project count one after the other, on every database."""

import asyncio

from kilonova.db.database import Database, Transaction
from kilonova.db.repository import quotas
from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import servers
from tests.api.cloud import PROJECT
from tests.api.rows import server_row

LIMIT = 5


async def test_many_creates_at_once_never_exceed_the_limit(database: Database) -> None:
    async def take_one(tx: Transaction) -> bool:
        await quotas.take_turn(tx, PROJECT)
        used = quotas.total(await quotas.usage(tx, PROJECT))
        # Whoever counts too early has all the time to be wrong.
        await asyncio.sleep(0.01)
        if used.instances >= LIMIT:
            return False
        await tx.execute(insert_into(servers), **server_row())
        return True

    taken = await asyncio.gather(*(database.run(take_one) for _ in range(12)))

    assert sum(taken) == LIMIT
    assert quotas.total(await quotas.usage(database, PROJECT)).instances == LIMIT
