"""All tables that are missing, made in one go from the metadata: for tests and for databases without a history."""

from collections.abc import Iterator

from sqlalchemy import MetaData
from sqlalchemy.schema import CreateIndex, CreateTable

from kilonova.db.connect import connect
from kilonova.db.database import Database
from kilonova.db.schema import metadata
from kilonova.db.statement import Statement


async def create_all(url: str) -> None:
    """Make every table of the metadata (import what hangs on it first) that the database at `url` lacks."""
    database = await connect(url)
    try:
        await create_missing(database)
    finally:
        await database.close()


async def create_missing(database: Database) -> None:
    async with database.begin() as transaction:
        for statement in definitions(metadata):
            await transaction.execute(statement)


def definitions(tables: MetaData) -> Iterator[Statement]:
    """All tables and indexes, each left alone where it is."""
    for table in tables.sorted_tables:
        yield Statement(CreateTable(table, if_not_exists=True))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield Statement(CreateIndex(index, if_not_exists=True))
