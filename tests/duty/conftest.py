"""A database of each kind, with servers as rows."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.db.connect import connect
from kilonova.db.database import Database
from kilonova.db.statement import insert_into
from kilonova.db.tables.sagas import holds
from kilonova.db.tables.servers import servers
from kilonova.launch.schema import prepare_schema
from kilonova.model.time import Timestamp, stamp_of_unix


class LateClock(SystemClock):
    """The machine's time and so many seconds more."""

    more_s = 0.0

    def time(self) -> float:
        return super().time() + self.more_s

    def now(self) -> Timestamp:
        return stamp_of_unix(self.time())


@pytest.fixture
def clock() -> LateClock:
    return LateClock()


class Rows:
    """Puts rows into the database."""

    def __init__(self, db: Database, clock: LateClock) -> None:
        self.db = db
        self._clock = clock

    async def server(self, *, held: bool = False, **columns: Any) -> str:
        """Its id; ACTIVE on a host unless the columns say otherwise. `held`: an operation is under way."""
        server_id, now = str(uuid.uuid4()), self._clock.now()
        row = {
            "id": server_id,
            "project_id": "p",
            "user_id": "u",
            "name": "one",
            "hostname": "one",
            "flavor_id": "1",
            "flavor": "{}",
            "host": "here",
            "reservation_id": "r",
            "vm_state": "active",
            "request_spec": "{}",
            "networks": '"none"',
            "created_at": now,
            "updated_at": now,
            **columns,
        }
        async with self.db.begin() as tx:
            await tx.execute(insert_into(servers), **row)
            if held:
                await tx.execute(insert_into(holds), resource_id=server_id, saga_id=str(uuid.uuid4()))
        return server_id


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await prepare_schema(database_url)
    opened = await connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def rows(db: Database, clock: LateClock) -> Rows:
    return Rows(db, clock)
