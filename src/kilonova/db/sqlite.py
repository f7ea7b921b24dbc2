"""SQLite: reads on the loop (10 us each), one writer with group commit.

Writers take turns on one connection; each has a savepoint, and those that ended while a commit was on its way to the
disk share the next one. Bodies run on the loop, the commit (an fsync, `synchronous=FULL`) in a thread of its own.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from kilonova.db.bells import Bells
from kilonova.db.database import Row
from kilonova.db.errors import AlreadyThere, DatabaseUnavailable
from kilonova.db.fate import Fate
from kilonova.db.regular import matches
from kilonova.db.retry import run_again
from kilonova.db.statement import Prepared, Statement

T = TypeVar("T")

# How many transactions may share a commit: bounds how long the first of them waits.
GROUP = 128
# How long another process may hold the write lock, and how often we look.
LOCK_WAIT_S = 10.0
LOCK_PAUSE_S = 0.005

_UNIQUE = (
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1024)
        connection.execute("PRAGMA busy_timeout=10000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.create_function("regexp", 2, matches, deterministic=True)
    except sqlite3.DatabaseError as error:
        raise DatabaseUnavailable(f"Cannot open the database {path}: {error}") from error
    return connection


def _explain(error: sqlite3.Error) -> None:
    """Raise the family's error for what SQLite says; return when it is a mistake of ours."""
    if isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorcode in _UNIQUE:
        raise AlreadyThere(str(error)) from error
    # A plain SQLITE_ERROR is a missing table or bad syntax; all others are the disk's or a lock's.
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
        raise DatabaseUnavailable(f"The database does not answer: {error}") from error


class _Reads:
    """Statement running shared by the database and its transactions."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.executed = 0
        self.asked = 0

    def _run(self, prepared: Prepared, arguments: Mapping[str, Any]) -> sqlite3.Cursor:
        ordered = prepared.arguments(arguments)
        self.executed += 1
        self.asked += not prepared.writes
        try:
            return self._connection.execute(prepared.text, ordered)
        except sqlite3.Error as error:
            _explain(error)
            raise

    async def fetch_all(self, statement: Statement, /, **arguments: Any) -> list[Row]:
        return self._run(statement.prepared("sqlite"), arguments).fetchall()

    async def fetch_one(self, statement: Statement, /, **arguments: Any) -> Row | None:
        cursor = self._run(statement.prepared("sqlite"), arguments)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    async def fetch_value(self, statement: Statement, /, **arguments: Any) -> Any:
        row = await self.fetch_one(statement, **arguments)
        return None if row is None else row[0]

    async def rows(self, statement: Statement, /, **arguments: Any) -> list[dict[str, Any]]:
        prepared = statement.prepared("sqlite")
        return [dict(zip(prepared.columns, row, strict=True)) for row in self._run(prepared, arguments)]

    async def row(self, statement: Statement, /, **arguments: Any) -> dict[str, Any] | None:
        found = await self.fetch_one(statement, **arguments)
        return None if found is None else dict(zip(statement.prepared("sqlite").columns, found, strict=True))


class SqliteTransaction(_Reads):
    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.wrote = False
        self.fate = Fate()
        self.bells = Bells()

    def _run(self, prepared: Prepared, arguments: Mapping[str, Any]) -> sqlite3.Cursor:
        # INSERT … RETURNING is fetched, and writes all the same.
        self.wrote = self.wrote or prepared.writes
        with self.fate:
            return super()._run(prepared, arguments)

    async def execute(self, statement: Statement, /, **arguments: Any) -> int:
        self.wrote = True
        return self._run(statement.prepared("sqlite"), arguments).rowcount

    async def execute_many(self, statement: Statement, many: Iterable[Mapping[str, Any]]) -> None:
        self.wrote = True
        prepared = statement.prepared("sqlite")
        ordered = [prepared.arguments(one) for one in many]
        self.executed += 1
        with self.fate:
            try:
                self._connection.executemany(prepared.text, ordered)
            except sqlite3.Error as error:
                _explain(error)
                raise

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        self.fate.check()
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except AlreadyThere:
            self._connection.execute("ROLLBACK TO attempt")
            self._connection.execute("RELEASE attempt")
            self.fate.mended()
            raise
        self.fate.check()
        self._connection.execute("RELEASE attempt")

    def after_commit(self, call: Callable[[], None]) -> None:
        self.bells.add(call)


class _Group:
    """Transactions that are committed together."""

    def __init__(self) -> None:
        self.size = 0
        self.wrote = False
        self.bells = Bells()
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def succeed(self) -> None:
        self.bells.ring()
        self.committed.set_result(None)

    def fail(self, why: object) -> None:
        self.committed.set_exception(DatabaseUnavailable(f"The commit failed: {why}"))
        # Everyone who waits hears of it; nobody waiting is no reason to complain.
        self.committed.exception()


class SqliteDatabase(_Reads):
    """One file. Meant for one process; a second one waits for the write lock up to ten seconds."""

    def __init__(self, path: Path) -> None:
        super().__init__(_connect(path))
        self._writer = _connect(path)
        self._writer.execute("PRAGMA busy_timeout=0")
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False
        self._holder: asyncio.Task[Any] | None = None
        self._group: _Group | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteTransaction]:
        group = await self._turn()
        transaction = SqliteTransaction(self._writer)
        try:
            self._writer.execute("SAVEPOINT one")
            try:
                yield transaction
                transaction.fate.check()
            except BaseException:
                self._undo()
                raise
            self._writer.execute("RELEASE one")
            group.wrote = group.wrote or transaction.wrote
            group.bells.take(transaction.bells)
        finally:
            self.executed += transaction.executed
            self.asked += transaction.asked
            self._pass_on(group)
        if transaction.wrote or transaction.bells:
            await asyncio.shield(group.committed)

    async def run(self, work: "Callable[[Any], Awaitable[T]]", *, tries: int = 5) -> T:
        return await run_again(self.begin, work, tries=tries)

    def _undo(self) -> None:
        # Nothing is left to undo when SQLite itself rolled everything back, as it does when the disk is full.
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK TO one")
            self._writer.execute("RELEASE one")

    async def _turn(self) -> _Group:
        """Wait until the writing connection is ours and a transaction is open on it."""
        if self._taken:
            if self._holder is asyncio.current_task():
                raise RuntimeError("A transaction inside of a transaction would wait for itself.")
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(mine)
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._pass_on(self._group)
                raise
        self._taken = True
        if self._group is None:
            try:
                await self._lock()
            except BaseException:
                self._hand_over()
                raise
            self._group = _Group()
        self._group.size += 1
        self._holder = asyncio.current_task()
        return self._group

    async def _lock(self) -> None:
        """Open a transaction that may write. Another process may have the lock: look again, the loop goes on."""
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise DatabaseUnavailable(f"The database is locked: {error}") from error
            await asyncio.sleep(LOCK_PAUSE_S)

    def _pass_on(self, group: _Group | None) -> None:
        """The next writer joins the group, or the group goes to the disk."""
        self._holder = None
        if group is None:
            self._hand_over()
            return
        if not self._writer.in_transaction:
            self._group = None
            group.fail("the database rolled back")
            self._hand_over()
            return
        if group.size < GROUP and self._hand_over():
            return
        self._group = None
        self._taken = True
        if group.wrote:
            commit = asyncio.get_running_loop().run_in_executor(self._disk, self._writer.execute, "COMMIT")
            commit.add_done_callback(lambda done: self._committed(done.exception(), group))
        else:
            self._writer.execute("COMMIT")
            self._committed(None, group)

    def _hand_over(self) -> bool:
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                self._taken = True
                following.set_result(None)
                return True
        self._taken = False
        return False

    def _committed(self, error: BaseException | None, group: _Group) -> None:
        if error is not None and self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        self._hand_over()
        if error is None:
            group.succeed()
        else:
            group.fail(error)

    async def close(self) -> None:
        """Wait for those who write, then close."""
        while self._taken:
            await self._idle()
        self._disk.shutdown()
        self._writer.close()
        self._connection.close()

    async def _idle(self) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine
        self._pass_on(self._group)
