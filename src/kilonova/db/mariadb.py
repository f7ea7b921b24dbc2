"""MariaDB (10.5 or newer) through asyncmy, READ COMMITTED."""

import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import asyncmy
from asyncmy.constants import CLIENT
from asyncmy.errors import Error, IntegrityError

from kilonova.db.database import Row
from kilonova.db.errors import AlreadyThere, DatabaseUnavailable, TryAgain
from kilonova.db.pooled import PooledDatabase

# Its warnings are the server's notes on table definitions (a table that is there already, a key's name).
logging.getLogger("asyncmy").setLevel(logging.ERROR)

CONNECT_TIMEOUT_S = 10

# Numbers from the manual's list of server and client errors.
_DUPLICATE = 1062
# Deadlock; lock wait timeout; the row changed since it was read (snapshot isolation of 11.6 and newer).
_GIVEN_UP = frozenset({1213, 1205, 1020})
# Too many connections; wrong database, user or password; shutdown; killed; cannot connect, gone, lost.
_GONE = frozenset({1040, 1044, 1045, 1049, 1053, 1152, 1184, 1203, 1226, 1927, 2002, 2003, 2006, 2013, 2055})

# Nothing is truncated or rounded in silence.
_SESSION = "SET SESSION tx_isolation = 'READ-COMMITTED', sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO'"


class MariadbDriver:
    dialect = "mysql"

    def __init__(self, **where: Any) -> None:
        self._where = where

    async def connect(self) -> Any:
        with _translated():
            return await asyncmy.connect(
                **self._where,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
                init_command=_SESSION,
                # An update counts the rows it matched, as elsewhere, not only those it changed.
                client_flag=CLIENT.FOUND_ROWS,
                # Per connection; the server allows 16,382 of all its clients together.
                stmt_cache_size=256,
            )

    def is_broken(self, connection: Any) -> bool:
        return bool(connection._stream_broken)

    def discard(self, connection: Any) -> None:
        connection.close()

    async def disconnect(self, connection: Any) -> None:
        await connection.ensure_closed()

    async def command(self, connection: Any, text: str) -> None:
        with _translated():
            await connection.query(text)

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> list[Row]:
        with _translated():
            async with connection.cursor() as cursor:
                await cursor.execute(text, tuple(arguments))
                return list(await cursor.fetchall())

    async def execute(self, connection: Any, text: str, arguments: Sequence[Any]) -> int:
        with _translated():
            async with connection.cursor() as cursor:
                return int(await cursor.execute(text, tuple(arguments)))

    async def execute_many(self, connection: Any, text: str, many: Sequence[Sequence[Any]]) -> None:
        with _translated():
            async with connection.cursor() as cursor:
                await cursor.executemany(text, many)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Error as error:
        number = error.args[0] if error.args else 0
        if number == _DUPLICATE and isinstance(error, IntegrityError):
            raise AlreadyThere(str(error)) from error
        if number in _GIVEN_UP:
            raise TryAgain(str(error)) from error
        if number in _GONE:
            raise DatabaseUnavailable(f"The database cannot be reached: {error}") from error
        raise
    except (OSError, EOFError, TimeoutError) as error:
        raise DatabaseUnavailable(f"The database cannot be reached: {error or type(error).__name__}") from error


async def connect_mariadb(url: str, *, pool_size: int) -> PooledDatabase:
    """`mysql[+driver]://USER:PASSWORD@HOST:PORT/DATABASE[?unix_socket=PATH&ssl_ca=FILE]`.

    Errors: DatabaseUnavailable.
    """
    database = PooledDatabase(MariadbDriver(**_where(urlsplit(url))), size=pool_size)
    await database.check()
    return database


def _where(parts: SplitResult) -> dict[str, Any]:
    options = dict(parse_qsl(parts.query))
    where: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path[1:]) or None,
    }
    if "unix_socket" in options:
        where["unix_socket"] = options["unix_socket"]
    if "ssl_ca" in options:
        where["ssl"] = ssl.create_default_context(cafile=options["ssl_ca"])
    return where
