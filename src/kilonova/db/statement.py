"""Statements: SQLAlchemy Core constructs, compiled once per dialect and run as text on the raw driver.

Make them at import, as module-level constants. A statement whose shape depends on the call (the columns to update, how
many ids, which filters) comes from a cached factory such as `update_columns` or one of your own under `functools.lru_cache`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, insert, update
from sqlalchemy.dialects.mysql.asyncmy import MySQLDialect_asyncmy
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Executable
from sqlalchemy.sql.compiler import SQLCompiler


def _mysql() -> Dialect:
    dialect = MySQLDialect_asyncmy()
    dialect.is_mariadb = True
    # Without a connection SQLAlchemy cannot know; MariaDB has both since 10.5.
    dialect.insert_returning = True
    dialect.delete_returning = True
    return dialect


DIALECTS: dict[str, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="qmark"),
    "postgresql": PGDialect_asyncpg(),
    "mysql": _mysql(),
}


class Prepared:
    """SQL text and how to order its arguments."""

    __slots__ = ("_defaults", "_names", "columns", "text")

    def __init__(self, construct: Executable, dialect: Dialect) -> None:
        compiled = construct.compile(dialect=dialect)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        self.text = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._defaults: dict[str, Any] = {name: value for name, value in compiled.params.items() if value is not None}
        self.columns: tuple[str, ...] = tuple(str(entry.keyname) for entry in compiled._result_columns)
        table = getattr(construct, "table", None)
        if isinstance(table, Table) and getattr(construct, "is_insert", False):
            for column in table.columns:
                if column.default is not None and column.default.is_scalar:
                    self._defaults.setdefault(column.name, column.default.arg)

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        defaults = self._defaults
        return [given[name] if name in given else defaults.get(name) for name in self._names]


class Statement:
    """One construct; `prepared(dialect)` is cached."""

    __slots__ = ("_construct", "_prepared")

    def __init__(self, construct: Executable) -> None:
        self._construct = construct
        self._prepared: dict[str, Prepared] = {}

    def prepared(self, dialect: str) -> Prepared:
        found = self._prepared.get(dialect)
        if found is None:
            found = self._prepared[dialect] = Prepared(self._construct, DIALECTS[dialect])
        return found


@lru_cache(maxsize=1024)
def insert_into(table: Table) -> Statement:
    """Insert one row: missing columns get their scalar default, else NULL."""
    return Statement(insert(table).values({column.name: bindparam(column.name) for column in _own(table)}))


@lru_cache(maxsize=1024)
def update_columns(table: Table, columns: tuple[str, ...], by: tuple[str, ...] = ("id",)) -> Statement:
    """Set `columns` where each of `by` equals its argument; a `by` column's argument is named `by_<column>`."""
    return Statement(
        update(table)
        .where(*(table.c[name] == bindparam(f"by_{name}") for name in by))
        .values({name: bindparam(name) for name in columns})
    )


@lru_cache(maxsize=1024)
def delete_by(table: Table, by: tuple[str, ...] = ("id",)) -> Statement:
    """Delete where each of `by` equals its argument of the same name."""
    return Statement(delete(table).where(*(table.c[name] == bindparam(name) for name in by)))


def among(column: "ColumnElement[Any]", name: str, count: int) -> "ColumnElement[bool]":
    """`column IN (:name_0 … :name_{count-1})`; give the arguments with `among_arguments`."""
    return column.in_([bindparam(f"{name}_{index}") for index in range(count)])


def room_for(count: int) -> int:
    """The next power of two: how many places a cached `among` statement should have for `count` values."""
    return 1 << max(count - 1, 0).bit_length()


def among_arguments(name: str, values: Sequence[Any], room: int) -> dict[str, Any]:
    """Arguments for `among`, the last value repeated to fill the room. `values` must not be empty."""
    padded = [*values, *([values[-1]] * (room - len(values)))]
    return {f"{name}_{index}": value for index, value in enumerate(padded)}


def _own(table: Table) -> list[Any]:
    """The columns a caller gives: all but a number the database makes."""
    return [column for column in table.columns if column is not table.autoincrement_column]
