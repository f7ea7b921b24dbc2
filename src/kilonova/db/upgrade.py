"""Bring a database's tables up to this program's.

The versions are Alembic scripts in `db/versions`, numbered 0001, 0002 …; the table `alembic_version` says how far a
database is. Alembic only writes the SQL (its offline mode), which runs on our own drivers: no SQLAlchemy engine, and
nothing of Alembic is loaded while a database is up to date. A new database gets the tables as they are today, without
the versions that led there.
"""

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlalchemy import DDL, Column, MetaData, String, Table, select
from sqlalchemy.schema import CreateTable

from kilonova.aio.blocking import blocking
from kilonova.db.connect import connect
from kilonova.db.create import definitions
from kilonova.db.database import Database, Reader, Transaction
from kilonova.db.statement import Statement, insert_into
from kilonova.model.errors import KilonovaError

VERSIONS = Path(__file__).parent / "versions"

# Alembic's own table, as it makes it; on a metadata of its own because it is none of the cloud's.
_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True, nullable=False))
_READ = Statement(select(_version.c.version_num))
_STAMP = insert_into(_version)
_MAKE = Statement(CreateTable(_version, if_not_exists=True))

# One upgrade at a time. PostgreSQL's lock ends with the transaction; MariaDB commits at each definition, so its lock is
# the connection's; on SQLite a transaction is alone with the database anyway.
_LOCK = {
    "postgresql": "SELECT pg_advisory_xact_lock(7350217)",
    "mysql": "DO GET_LOCK('kilonova-upgrade', 600)",
}
_UNLOCK = {"mysql": "DO RELEASE_LOCK('kilonova-upgrade')"}

# Where a transaction holds definitions together, a new database has all tables or none. MariaDB, cut short, goes on
# from version to version.
_WHOLE = ("sqlite", "postgresql")


@cache
def head() -> str:
    """The newest version this program knows."""
    return max((script.name[:4] for script in VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py")), default="")


async def at_head(database: Reader) -> bool:
    """Whether the database is up to date, by one statement. Errors: DatabaseUnavailable."""
    try:
        return bool(await database.fetch_value(_READ) == head())
    except KilonovaError:
        raise
    except Exception:
        # Each driver has its own word for a missing table: nobody has ever upgraded this database.
        return False


async def upgrade(url: str, *, tables: Callable[[], MetaData] | None = None) -> None:
    """Bring the database at `url` to the newest version. May be called by several processes at once.

    `tables` tells all of today's: a database without a version gets them in one go. Without it, or on MariaDB, it walks
    through all versions, with the same end.
    """
    database = await connect(url)
    try:
        await upgrade_open(database, tables=tables)
    finally:
        await database.close()


async def upgrade_open(database: Database, *, tables: Callable[[], MetaData] | None = None) -> None:
    if await at_head(database):
        return
    async with database.begin() as transaction:
        await _say(transaction, _LOCK.get(database.dialect))
        await transaction.execute(_MAKE)
        # Only now: another process may have been faster.
        reached = await transaction.fetch_value(_READ)
        if reached is None and tables is not None and database.dialect in _WHOLE:
            for statement in definitions(tables()):
                await transaction.execute(statement)
            await transaction.execute(_STAMP, version_num=head())
        else:
            for text in await blocking(_sql_from, database.dialect, reached):
                await _say(transaction, text)
        await _say(transaction, _UNLOCK.get(database.dialect))


async def _say(transaction: Transaction, text: str | None) -> None:
    if text is not None:
        await transaction.execute(Statement(DDL(text.replace("%", "%%"))))  # type: ignore[no-untyped-call]


def _sql_from(dialect: str, reached: str | None) -> list[str]:
    # Ten megabytes and half a second that an up to date database spares.
    written: list[str] = importlib.import_module("kilonova.db.offline").sql_to_head(VERSIONS, dialect, reached)
    return [text for text in written if not text.startswith("CREATE TABLE alembic_version")]
