"""PostgreSQL through asyncpg, READ COMMITTED."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import asyncpg

from kilonova.db.database import Row
from kilonova.db.errors import AlreadyThere, DatabaseUnavailable, TryAgain
from kilonova.db.pooled import PooledDatabase

# How long to wait for a server that does not answer at all.
CONNECT_TIMEOUT_S = 10.0

_GIVEN_UP = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    OSError,
    TimeoutError,
)


class PostgresqlDriver:
    dialect = "postgresql"

    def __init__(self, **where: Any) -> None:
        self._where = where

    async def connect(self) -> Any:
        with _translated(None):
            return await asyncpg.connect(
                **self._where,
                timeout=CONNECT_TIMEOUT_S,
                statement_cache_size=1024,
                # Statements are few and alive as long as the process: no timer per statement.
                max_cached_statement_lifetime=0,
                server_settings={"application_name": "kilonova", "default_transaction_isolation": "read committed"},
            )

    def is_broken(self, connection: Any) -> bool:
        return bool(connection.is_closed())

    def discard(self, connection: Any) -> None:
        connection.terminate()

    async def disconnect(self, connection: Any) -> None:
        await connection.close()

    async def command(self, connection: Any, text: str) -> None:
        with _translated(connection):
            await connection.execute(text)

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> list[Row]:
        with _translated(connection):
            return [tuple(record) for record in await connection.fetch(text, *arguments)]

    async def execute(self, connection: Any, text: str, arguments: Sequence[Any]) -> int:
        with _translated(connection):
            status: str = await connection.execute(text, *arguments)
        # `INSERT 0 1`, `UPDATE 3`, `CREATE TABLE`
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else -1

    async def execute_many(self, connection: Any, text: str, many: Sequence[Sequence[Any]]) -> None:
        with _translated(connection):
            await connection.executemany(text, many)


@contextmanager
def _translated(connection: Any) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise AlreadyThere(str(error)) from error
    except _GIVEN_UP as error:
        raise TryAgain(str(error)) from error
    except _GONE as error:
        raise DatabaseUnavailable(f"The database cannot be reached: {error or type(error).__name__}") from error
    except asyncpg.InterfaceError as error:
        # The driver's word for using a connection that is gone, and for mistakes in using it.
        if connection is None or not connection.is_closed():
            raise
        raise DatabaseUnavailable(f"The connection to the database is gone: {error}") from error


async def connect_postgresql(url: str, *, pool_size: int) -> PooledDatabase:
    """`postgresql[+driver]://USER:PASSWORD@HOST:PORT/DATABASE[?sslmode=…&host=SOCKET_DIRECTORY]`.

    Errors: DatabaseUnavailable.
    """
    parts = urlsplit(url)
    database = PooledDatabase(PostgresqlDriver(**_where(parts)), size=pool_size)
    await database.check()
    return database


def _where(parts: SplitResult) -> dict[str, Any]:
    options = dict(parse_qsl(parts.query))
    where: dict[str, Any] = {
        "host": options.get("host") or parts.hostname or "localhost",
        "port": parts.port or 5432,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path[1:]) or None,
    }
    if "sslmode" in options:
        where["ssl"] = options["sslmode"]
    return where
