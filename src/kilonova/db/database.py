"""The database as the services see it, whatever engine is below.

`begin` is a transaction; reads outside of one see what is committed. Rows are tuples in the statement's column order
(so `Server(*row)` builds a Struct), or dicts where `rows` and `row` are asked for. Between `begin` and its end await
nothing but the transaction: on SQLite everybody else's writes wait meanwhile.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from kilonova.db.statement import Statement

T = TypeVar("T")
Row = tuple[Any, ...]


class Reader(Protocol):
    """What both a database and a transaction can do."""

    dialect: str

    async def fetch_all(self, statement: Statement, /, **arguments: Any) -> list[Row]: ...

    async def fetch_one(self, statement: Statement, /, **arguments: Any) -> Row | None:
        """The first row, or None."""

    async def fetch_value(self, statement: Statement, /, **arguments: Any) -> Any:
        """The first column of the first row, or None."""

    async def rows(self, statement: Statement, /, **arguments: Any) -> list[dict[str, Any]]: ...

    async def row(self, statement: Statement, /, **arguments: Any) -> dict[str, Any] | None: ...


class Transaction(Reader, Protocol):
    """Open until its `async with` ends: committed durably then, rolled back on any exception."""

    async def execute(self, statement: Statement, /, **arguments: Any) -> int:
        """Rows matched by the update or delete, or inserted. Errors: AlreadyThere on a broken unique constraint.

        A statement that failed dooms the transaction (see `db.fate`), unless it was inside of `attempt`.
        """

    async def execute_many(self, statement: Statement, many: Iterable[Mapping[str, Any]]) -> None: ...

    def attempt(self) -> AbstractAsyncContextManager[None]:
        """AlreadyThere from inside undoes what was done inside, and only that; the transaction goes on after it."""

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run `call` once the commit is durable; never when it is not. For bells."""


class Database(Reader, Protocol):
    # Statements run so far, and those of them that only ask: tests assert how many a call needs.
    executed: int
    asked: int

    def begin(self) -> AbstractAsyncContextManager[Transaction]: ...

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, tries: int = 5) -> T:
        """`work` in a transaction, tried again when the database asks for it (deadlock, serialization)."""

    async def close(self) -> None: ...
