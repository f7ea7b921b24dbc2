"""Statements: SQLAlchemy Core constructs, compiled once per dialect and run as text on the raw driver.

Make them at import, as module-level constants. A statement whose shape depends on the call (which columns, how many
ids, which filters) comes from a cached factory such as `update_columns` or one of your own under `functools.lru_cache`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Insert, Table, bindparam, delete, insert, update
from sqlalchemy.dialects.mysql.asyncmy import MySQLDialect_asyncmy
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql import ClauseElement, visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault


def _mysql() -> Dialect:
    dialect = MySQLDialect_asyncmy()
    dialect.is_mariadb = True
    # Without a connection SQLAlchemy cannot know; MariaDB has both since 10.5.
    dialect.insert_returning = True
    dialect.delete_returning = True
    return dialect


DIALECTS: dict[str, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="qmark"),
    "postgresql": PGDialect_asyncpg(),  # type: ignore[no-untyped-call]
    "mysql": _mysql(),
}


class Prepared:
    """SQL text and how to order its arguments. `writes`: inserts, updates or deletes something, or defines a table."""

    __slots__ = ("_defaults", "_known", "_names", "_spare", "columns", "text", "writes")

    def __init__(self, construct: ClauseElement, dialect: Dialect) -> None:
        self.writes = getattr(construct, "is_dml", False)
        self._spare: Mapping[str, Any] = _insert_defaults(construct)
        visitors.traverse(construct, {}, {"bindparam": _let_wait})
        if isinstance(construct, ExecutableDDLElement):
            self.text = str(construct.compile(dialect=dialect))
            self.writes = True
            self._take((), {}, ())
            return
        # Lists given as literals are spelled out now: nobody expands them later.
        compiled = construct.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        assert isinstance(compiled, SQLCompiler)
        self.text = compiled.string
        self._take(
            tuple(compiled.positiontup or ()),
            {name: value for name, value in compiled.params.items() if value is not None},
            tuple(str(entry.keyname) for entry in compiled._result_columns),
        )

    def _take(self, names: tuple[str, ...], literals: dict[str, Any], columns: tuple[str, ...]) -> None:
        self._names = names
        self._known = frozenset(names)
        self._defaults: dict[str, Any] = {**self._spare, **literals}
        self.columns = columns

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The arguments in order. Errors: TypeError for one that is missing or that the statement does not know."""
        defaults = self._defaults
        try:
            ordered = [given[name] if name in given else defaults[name] for name in self._names]
        except KeyError as missing:
            raise TypeError(f"The statement needs {missing}: {self.text}") from None
        if not given.keys() <= self._known:
            raise TypeError(f"The statement does not know {sorted(given.keys() - self._known)}: {self.text}")
        return ordered


def _let_wait(parameter: "BindParameter[Any]") -> None:
    """A value may come at execution."""
    parameter.required = False


def _insert_defaults(construct: ClauseElement) -> dict[str, Any]:
    """What the columns of an insert get when they are not given: their scalar default, else NULL."""
    if not isinstance(construct, Insert) or not isinstance(construct.table, Table):
        return {}
    return {
        column.name: column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None
        for column in construct.table.columns
    }


class Statement:
    """One construct; `prepared(dialect)` is cached."""

    __slots__ = ("_construct", "_prepared")

    def __init__(self, construct: ClauseElement) -> None:
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
    return Statement(insert(table).inline().values({column.name: bindparam(column.name) for column in _own(table)}))


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
