"""Databases behind a socket: a pool of connections, and transactions on them, for any driver.

A connection whose work was cancelled half-way is thrown away: the server rolls back and nobody reads a stray answer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from kilonova.db.bells import Bells
from kilonova.db.database import Row
from kilonova.db.errors import AlreadyThere, DatabaseUnavailable
from kilonova.db.fate import Fate
from kilonova.db.retry import run_again
from kilonova.db.statement import Statement

log = logging.getLogger(__name__)

T = TypeVar("T")

# Enough for a busy service: a connection is held for the few milliseconds of a transaction only.
POOL_SIZE = 16


class Driver(Protocol):
    """One database driver. Every error it raises is already one of `db.errors`, or a mistake of ours."""

    dialect: str

    async def connect(self) -> Any: ...

    def is_broken(self, connection: Any) -> bool: ...

    def discard(self, connection: Any) -> None:
        """Close at once, without a word to the server."""

    async def disconnect(self, connection: Any) -> None: ...

    async def command(self, connection: Any, text: str) -> None:
        """BEGIN, COMMIT, ROLLBACK, SAVEPOINT …"""

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> list[Row]: ...

    async def execute(self, connection: Any, text: str, arguments: Sequence[Any]) -> int: ...

    async def execute_many(self, connection: Any, text: str, many: Sequence[Sequence[Any]]) -> None: ...


class _Reads:
    """What the database and its transactions share, given `_fetch`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.dialect = driver.dialect
        self.executed = 0
        self.asked = 0

    async def _fetch(self, text: str, arguments: Sequence[Any]) -> list[Row]:
        raise NotImplementedError

    async def fetch_all(self, statement: Statement, /, **arguments: Any) -> list[Row]:
        prepared = statement.prepared(self.dialect)
        ordered = prepared.arguments(arguments)
        self.executed += 1
        self.asked += not prepared.writes
        return await self._fetch(prepared.text, ordered)

    async def fetch_one(self, statement: Statement, /, **arguments: Any) -> Row | None:
        rows = await self.fetch_all(statement, **arguments)
        return rows[0] if rows else None

    async def fetch_value(self, statement: Statement, /, **arguments: Any) -> Any:
        rows = await self.fetch_all(statement, **arguments)
        return rows[0][0] if rows else None

    async def rows(self, statement: Statement, /, **arguments: Any) -> list[dict[str, Any]]:
        columns = statement.prepared(self.dialect).columns
        return [dict(zip(columns, row, strict=True)) for row in await self.fetch_all(statement, **arguments)]

    async def row(self, statement: Statement, /, **arguments: Any) -> dict[str, Any] | None:
        found = await self.fetch_one(statement, **arguments)
        return None if found is None else dict(zip(statement.prepared(self.dialect).columns, found, strict=True))


class PooledTransaction(_Reads):
    def __init__(self, driver: Driver, connection: Any) -> None:
        super().__init__(driver)
        self._connection = connection
        self._attempts = 0
        self.fate = Fate()
        self.bells = Bells()

    async def _fetch(self, text: str, arguments: Sequence[Any]) -> list[Row]:
        with self.fate:
            return await self._driver.fetch(self._connection, text, arguments)

    async def execute(self, statement: Statement, /, **arguments: Any) -> int:
        prepared = statement.prepared(self.dialect)
        ordered = prepared.arguments(arguments)
        self.executed += 1
        with self.fate:
            return await self._driver.execute(self._connection, prepared.text, ordered)

    async def execute_many(self, statement: Statement, many: Iterable[Mapping[str, Any]]) -> None:
        prepared = statement.prepared(self.dialect)
        ordered = [prepared.arguments(one) for one in many]
        self.executed += 1
        if ordered:
            with self.fate:
                await self._driver.execute_many(self._connection, prepared.text, ordered)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        self._attempts += 1
        name = f"attempt_{self._attempts}"
        with self.fate:
            await self._driver.command(self._connection, f"SAVEPOINT {name}")
        try:
            yield
        except AlreadyThere:
            await self._driver.command(self._connection, f"ROLLBACK TO SAVEPOINT {name}")
            self.fate.mended()
            raise
        with self.fate:
            await self._driver.command(self._connection, f"RELEASE SAVEPOINT {name}")

    def after_commit(self, call: Callable[[], None]) -> None:
        self.bells.add(call)


class PooledDatabase(_Reads):
    def __init__(self, driver: Driver, *, size: int = POOL_SIZE) -> None:
        super().__init__(driver)
        self._idle: list[Any] = []
        self._room = asyncio.Semaphore(size)
        self._closed = False

    @asynccontextmanager
    async def _connection(self, opening: str | None = None) -> AsyncIterator[Any]:
        """A connection of our own, `opening` said on it. Left by an error: still usable, unless broken or cancelled."""
        async with self._room:
            connection = await self._open(opening)
            try:
                yield connection
            except Exception:
                self._give_back(connection)
                raise
            except BaseException:
                self._driver.discard(connection)
                raise
            self._give_back(connection)

    async def _open(self, opening: str | None) -> Any:
        if self._closed:
            raise DatabaseUnavailable("The database is closed.")
        # The most recently used first, so that those of a burst can be told apart as idle.
        while self._idle:
            connection = self._idle.pop()
            if self._driver.is_broken(connection):
                continue
            try:
                if opening is not None:
                    await self._said(connection, opening)
                return connection
            except DatabaseUnavailable:
                # It died while it was idle (the server was restarted): a new one tells whether the server is back.
                self._driver.discard(connection)
        connection = await self._driver.connect()
        if opening is not None:
            await self._said(connection, opening)
        return connection

    async def _said(self, connection: Any, opening: str) -> None:
        try:
            await self._driver.command(connection, opening)
        except BaseException:
            self._driver.discard(connection)
            raise

    def _give_back(self, connection: Any) -> None:
        if self._closed or self._driver.is_broken(connection):
            self._driver.discard(connection)
        else:
            self._idle.append(connection)

    async def _fetch(self, text: str, arguments: Sequence[Any]) -> list[Row]:
        try:
            return await self._fetch_once(text, arguments)
        except DatabaseUnavailable:
            # A read may be repeated; it met a connection that had died unnoticed.
            return await self._fetch_once(text, arguments)

    async def _fetch_once(self, text: str, arguments: Sequence[Any]) -> list[Row]:
        async with self._connection() as connection:
            return await self._driver.fetch(connection, text, arguments)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PooledTransaction]:
        async with self._connection("BEGIN") as connection:
            transaction = PooledTransaction(self._driver, connection)
            try:
                yield transaction
                transaction.fate.check()
            except Exception:
                await self._roll_back(connection)
                raise
            finally:
                self.executed += transaction.executed
                self.asked += transaction.asked
            await _to_its_end(self._commit(connection, transaction.bells))

    async def _commit(self, connection: Any, bells: Bells) -> None:
        await self._driver.command(connection, "COMMIT")
        bells.ring()

    async def _roll_back(self, connection: Any) -> None:
        if self._driver.is_broken(connection):
            return
        try:
            await self._driver.command(connection, "ROLLBACK")
        except Exception:
            # What went wrong first is what the caller hears of; the server rolls back when the connection goes.
            self._driver.discard(connection)

    async def run(self, work: "Callable[[Any], Awaitable[T]]", *, tries: int = 5) -> T:
        return await run_again(self.begin, work, tries=tries)

    async def check(self) -> None:
        """Open the first connection, to hear early of a wrong address or password. Errors: DatabaseUnavailable."""
        async with self._connection():
            pass

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await self._driver.disconnect(self._idle.pop())


async def _to_its_end(commit: Coroutine[Any, Any, None]) -> None:
    """A commit cancelled half-way may have happened all the same: it is seen through, then the cancellation goes on."""
    task = asyncio.ensure_future(commit)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a commit failed while its caller was being cancelled: %r", error)
        raise
