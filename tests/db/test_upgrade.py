"""Databases are brought up to the program's version, from nothing and from anywhere, by many at once."""

import asyncio
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Float, MetaData, create_engine, inspect, select
from sqlalchemy.dialects.mysql import DOUBLE
from sqlalchemy.ext.asyncio import create_async_engine

from kilonova.aio.blocking import blocking
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.offline import scripts, sql_to_head
from kilonova.db.statement import Statement, insert_into
from kilonova.db.tables.leases import leases
from kilonova.db.upgrade import VERSIONS, at_head, head, upgrade
from kilonova.launch import revise
from kilonova.launch.schema import all_tables, prepare_schema


def of_the_cloud() -> MetaData:
    """Its tables without those other tests have hung on the same metadata."""
    kept = MetaData(naming_convention=all_tables().naming_convention)
    for table in all_tables().sorted_tables:
        if not table.name.startswith("test_"):
            table.to_metadata(kept)
    return kept


async def test_an_empty_database_gets_everything(database_url: str) -> None:
    database = await connect(database_url)
    try:
        assert not await at_head(database)
        await upgrade(database_url)
        assert await at_head(database)
        async with database.begin() as transaction:
            for table in of_the_cloud().sorted_tables:
                assert await transaction.fetch_one(Statement(select(table).limit(1))) is None
    finally:
        await database.close()


async def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    await upgrade(database_url)
    database = await connect(database_url)
    try:
        async with database.begin() as transaction:
            await transaction.execute(
                insert_into(leases), name="kept", owner="me", epoch=1, expires_at="2026-01-01T00:00:00.000000"
            )
        await upgrade(database_url)
        assert await database.fetch_all(Statement(select(leases.c.name))) == [("kept",)]
    finally:
        await database.close()


async def test_four_that_upgrade_at_once_do_it_once(database_url: str) -> None:
    await asyncio.gather(*(prepare_schema(database_url) for _ in range(2)), *(upgrade(database_url) for _ in range(2)))

    database = await connect(database_url)
    try:
        assert await at_head(database)
    finally:
        await database.close()


async def test_tables_that_are_there_already_are_left_alone(database_url: str) -> None:
    await create_all(database_url)
    await upgrade(database_url)


async def test_an_upgraded_database_has_exactly_the_tables_the_services_use(database_url: str) -> None:
    await upgrade(database_url)

    different = await differences(database_url)

    assert different == [], "python -m kilonova.launch.revise writes the version that is missing"


async def test_a_new_database_has_exactly_the_tables_the_services_use_and_their_version(database_url: str) -> None:
    await prepare_schema(database_url)

    assert await differences(database_url) == []
    database = await connect(database_url)
    assert await at_head(database)
    await database.close()


async def test_a_database_made_at_once_is_as_one_that_walked_through_all_versions(tmp_path: Path) -> None:
    made, walked = f"sqlite:///{tmp_path}/made.db", f"sqlite:///{tmp_path}/walked.db"
    await prepare_schema(made)
    await upgrade(walked)

    assert await blocking(description, made) == await blocking(description, walked)


def description(url: str) -> dict[str, object]:
    """All that an SQLite database says of its tables; their order, and that of columns, means nothing."""
    engine = create_engine(url)
    inspector = inspect(engine)
    try:
        return {
            name: (
                {column["name"]: str(column) for column in inspector.get_columns(name)},
                inspector.get_pk_constraint(name),
                sorted(map(str, inspector.get_unique_constraints(name))),
                sorted(map(str, inspector.get_indexes(name))),
                sorted(map(str, inspector.get_foreign_keys(name))),
                sorted(map(str, inspector.get_check_constraints(name))),
            )
            for name in inspector.get_table_names()
            if not name.startswith("test_")
        }
    finally:
        engine.dispose()


async def differences(url: str) -> list[object]:
    if url.startswith("sqlite"):
        return [one for one in (await blocking(revise.differences, url)).as_diffs() if "test_" not in str(one)]
    engine = create_async_engine(
        url.replace("postgresql:", "postgresql+asyncpg:").replace("+pymysql", "+asyncmy").replace("utf8", "utf8mb4")
    )
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(compare)
    finally:
        await engine.dispose()


def compare(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": other_type})
    return [one for one in compare_metadata(context, of_the_cloud()) if "test_" not in str(one)]


def other_type(context: object, column: object, meant: object, found_type: object, meant_type: object) -> bool | None:
    """None: as Alembic thinks. MariaDB answers DOUBLE for what was made as FLOAT(53)."""
    return False if isinstance(found_type, DOUBLE) and isinstance(meant_type, Float) else None


def test_the_newest_script_is_the_head_of_one_unbroken_line() -> None:
    directory = scripts(VERSIONS)
    assert directory.get_heads() == [head()]
    assert len(list(directory.walk_revisions())) == len(list(VERSIONS.glob("[0-9]*.py")))


async def test_an_up_to_date_database_costs_one_statement_and_no_alembic(sqlite_url: str) -> None:
    await upgrade(sqlite_url)
    database = await connect(sqlite_url)
    before = database.executed
    assert await at_head(database)
    assert database.executed - before == 1
    await database.close()

    code = f"""
import asyncio, sys
from kilonova.db.upgrade import upgrade
asyncio.run(upgrade({sqlite_url!r}))
sys.exit("alembic" in sys.modules)
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])
def test_every_version_can_be_repeated_after_it_was_cut_short(dialect: str) -> None:
    made = [text for text in sql_to_head(VERSIONS, dialect, None) if text.startswith(("CREATE TABLE", "CREATE INDEX"))]
    careless = [text for text in made if "IF NOT EXISTS" not in text and "alembic_version" not in text]
    assert careless == []
