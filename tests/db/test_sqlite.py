"""What is SQLite's own: one writer at a time, commits shared, and everything acknowledged is on the disk."""

import asyncio
import random
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import DDL, func, select

from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.db.errors import DatabaseUnavailable
from kilonova.db.statement import Statement, insert_into
from tests.db.conftest import notes

COUNT = Statement(select(func.count()).select_from(notes))
NAMES = Statement(select(notes.c.name))

WRITER = """
import asyncio, sys
from kilonova.db.connect import connect
from kilonova.db.statement import insert_into
from tests.db.conftest import notes

async def write(database, name):
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name=name)
    print(name, flush=True)

async def main():
    database = await connect(sys.argv[1])
    for number in range(1_000_000):
        await asyncio.gather(*(write(database, f"{number}-{other}") for other in range(8)))

asyncio.run(main())
"""


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    await create_all(sqlite_url)
    opened = await connect(sqlite_url)
    yield opened
    await opened.close()


async def write(database: Database, name: str) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name=name)


async def test_a_transaction_inside_of_another_is_refused_instead_of_waiting_for_ever(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="outer")
        with pytest.raises(RuntimeError, match="wait for itself"):
            await write(database, "inner")

    assert await database.fetch_all(NAMES) == [("outer",)]


async def test_who_stops_waiting_for_a_turn_stops_nobody_else(database: Database) -> None:
    rng = random.Random(7)
    acknowledged: set[str] = set()

    async def one(name: str) -> None:
        await write(database, name)
        acknowledged.add(name)

    for turn in range(20):
        tasks = [asyncio.create_task(one(f"{turn}-{number}")) for number in range(30)]
        for task in rng.sample(tasks, 12):
            for _ in range(rng.randrange(6)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    await write(database, "last")
    stored = {name for (name,) in await database.fetch_all(NAMES)}
    assert acknowledged | {"last"} <= stored


async def test_the_loop_goes_on_while_another_process_writes(database: Database, sqlite_url: str) -> None:
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    waiting = asyncio.create_task(write(database, "patient"))
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()

    await waiting
    assert await database.fetch_value(COUNT) == 1


async def test_a_full_disk_is_said_so_and_the_database_lives_on(database: Database) -> None:
    async def limit(pages: int) -> None:
        async with database.begin() as transaction:
            await transaction.fetch_all(Statement(DDL(f"PRAGMA max_page_count={pages}")))  # type: ignore[no-untyped-call]

    await limit(1)  # SQLite makes it the present size.
    with pytest.raises(DatabaseUnavailable):
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name="large", body="x" * 1_000_000)
    with suppress(DatabaseUnavailable):
        await asyncio.gather(*(write(database, f"small {number}") for number in range(5)))

    await limit(1_000_000)
    await write(database, "after")

    assert ("after",) in await database.fetch_all(NAMES)
    assert ("large",) not in await database.fetch_all(NAMES)


async def test_what_was_acknowledged_survives_a_kill(sqlite_url: str) -> None:
    await create_all(sqlite_url)
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, sqlite_url, stdout=PIPE, cwd=Path(__file__).parents[2]
    )
    assert writer.stdout is not None
    acknowledged = {(await writer.stdout.readline()).decode().strip() for _ in range(200)}
    writer.kill()
    rest = (await writer.stdout.read()).decode().split("\n")
    # The last line may be cut in the middle.
    acknowledged |= {line for line in rest[:-1] if line}
    await writer.wait()

    database = await connect(sqlite_url)
    stored = {name for (name,) in await database.fetch_all(NAMES)}
    await database.close()

    assert len(acknowledged) >= 200
    assert acknowledged <= stored


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is a letter and no database at all. " * 20)
    with pytest.raises(DatabaseUnavailable):
        await connect(f"sqlite:///{path}")
