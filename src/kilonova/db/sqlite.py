"""SQLite: reads on the loop (10 us each), one writer with group commit.

Writers take turns on one connection; each has a savepoint, and those that ended while a commit was on its way to the
disk share the next one. Bodies run on the loop, the commit (an fsync, `synchronous=FULL`) in a thread of its own.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from kilonova.db.database import Row
from kilonova.db.errors import AlreadyThere, DatabaseUnavailable
from kilonova.db.statement import Statement

T = TypeVar("T")

# How many transactions may share a commit: bounds how long the first of them waits.
GROUP = 128


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1024)
    except sqlite3.OperationalError as error:
        raise DatabaseUnavailable(f"Cannot open the database {path}: {error}") from error
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=10000")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


class _Reads:
    """Statement running shared by the database and its transactions."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.executed = 0

    def _run(self, statement: Statement, arguments: Mapping[str, Any]) -> sqlite3.Cursor:
        prepared = statement.prepared("sqlite")
        self.executed += 1
        try:
            return self._connection.execute(prepared.text, prepared.arguments(arguments))
        except sqlite3.IntegrityError as error:
            raise AlreadyThere(str(error)) from error

    async def fetch_all(self, statement: Statement, /, **arguments: Any) -> list[Row]:
        return self._run(statement, arguments).fetchall()

    async def fetch_one(self, statement: Statement, /, **arguments: Any) -> Row | None:
        cursor = self._run(statement, arguments)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    async def fetch_value(self, statement: Statement, /, **arguments: Any) -> Any:
        row = await self.fetch_one(statement, **arguments)
        return None if row is None else row[0]

    async def rows(self, statement: Statement, /, **arguments: Any) -> list[dict[str, Any]]:
        columns = statement.prepared("sqlite").columns
        return [dict(zip(columns, row, strict=True)) for row in self._run(statement, arguments)]

    async def row(self, statement: Statement, /, **arguments: Any) -> dict[str, Any] | None:
        found = await self.fetch_one(statement, **arguments)
        return None if found is None else dict(zip(statement.prepared("sqlite").columns, found, strict=True))


class SqliteTransaction(_Reads):
    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.wrote = False
        self.bells: list[Callable[[], None]] = []

    async def execute(self, statement: Statement, /, **arguments: Any) -> int:
        self.wrote = True
        return self._run(statement, arguments).rowcount

    async def execute_many(self, statement: Statement, many: Iterable[Mapping[str, Any]]) -> None:
        self.wrote = True
        prepared = statement.prepared("sqlite")
        self.executed += 1
        try:
            self._connection.executemany(prepared.text, [prepared.arguments(one) for one in many])
        except sqlite3.IntegrityError as error:
            raise AlreadyThere(str(error)) from error

    async def fetch_all(self, statement: Statement, /, **arguments: Any) -> list[Row]:
        # INSERT … RETURNING comes this way as well; a needless commit is cheap, a missing one is not.
        self.wrote = True
        return await super().fetch_all(statement, **arguments)

    async def fetch_one(self, statement: Statement, /, **arguments: Any) -> Row | None:
        self.wrote = True
        return await super().fetch_one(statement, **arguments)

    def after_commit(self, call: Callable[[], None]) -> None:
        self.bells.append(call)


class SqliteDatabase(_Reads):
    """One file. Meant for one process; a second one waits for the write lock up to ten seconds."""

    def __init__(self, path: Path) -> None:
        super().__init__(_connect(path))
        self._writer = _connect(path)
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False
        self._grouped = 0
        self._group: asyncio.Future[None] | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteTransaction]:
        await self._turn()
        transaction = SqliteTransaction(self._writer)
        group = self._group
        assert group is not None
        self._writer.execute("SAVEPOINT one")
        try:
            yield transaction
        except BaseException:
            self._writer.execute("ROLLBACK TO one")
            self._writer.execute("RELEASE one")
            transaction.wrote = False
            raise
        else:
            self._writer.execute("RELEASE one")
        finally:
            self.executed += transaction.executed
            self._pass_on()
        if transaction.wrote:
            await asyncio.shield(group)
        for ring in transaction.bells:
            ring()

    async def run(self, work: "Callable[[Any], Awaitable[T]]", *, tries: int = 5) -> T:
        async with self.begin() as transaction:
            return await work(transaction)

    async def _turn(self) -> None:
        """Wait until the writing connection is ours and a transaction is open on it."""
        if self._taken:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(mine)
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._pass_on()
                raise
        self._taken = True
        if self._group is None:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                self._hand_over()
                raise DatabaseUnavailable(f"The database is locked: {error}") from error
            self._group = asyncio.get_running_loop().create_future()
            self._grouped = 0
        self._grouped += 1

    def _pass_on(self) -> None:
        """The next writer joins the group, or the group goes to the disk."""
        if self._grouped < GROUP and self._hand_over():
            return
        group, self._group = self._group, None
        assert group is not None
        self._taken = True
        commit = asyncio.get_running_loop().run_in_executor(self._disk, self._writer.execute, "COMMIT")
        commit.add_done_callback(lambda done: self._committed(done, group))

    def _hand_over(self) -> bool:
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                following.set_result(None)
                return True
        self._taken = False
        return False

    def _committed(self, done: "asyncio.Future[sqlite3.Cursor]", group: "asyncio.Future[None]") -> None:
        error = done.exception()
        if error is None:
            group.set_result(None)
        else:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            group.set_exception(DatabaseUnavailable(f"The commit failed: {error}"))
            group.exception()
        self._hand_over()

    async def close(self) -> None:
        while self._taken:
            await asyncio.sleep(0.001)
        self._disk.shutdown()
        self._writer.close()
        self._connection.close()
