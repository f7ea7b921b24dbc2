"""Rows as the API's documents: JSON columns opened, flags as booleans, unknown attributes (`extra`) merged in."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Table, bindparam, func, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.db.schema import FLAG
from kilonova.db.statement import Statement, among, among_arguments, delete_by, insert_into, room_for, update_columns
from kilonova.identity.errors import Missing, NameTaken

Document = dict[str, Any]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

# How a value is compared: Keystone's `name__contains` and its kin never mind the case here.
_LIKE = {
    "contains": "%{}%",
    "icontains": "%{}%",
    "startswith": "{}%",
    "istartswith": "{}%",
    "endswith": "%{}",
    "iendswith": "%{}",
}

Filters = Mapping[tuple[str, str], Any]


class Rows:
    """One table. `noun` is used in errors, `json` names the columns that hold JSON (besides `extra`)."""

    def __init__(self, noun: str, table: Table, *, json: Iterable[str] = ()) -> None:
        self.noun = noun
        self.table = table
        self.columns = frozenset(table.c.keys())
        self._flags = frozenset(column.name for column in table.columns if column.type is FLAG)
        self._json = frozenset(json)
        self._has_extra = "extra" in self.columns

    async def get(self, reader: Reader, identifier: str) -> Document:
        """Errors: Missing."""
        found = await reader.row(_selection(self.table, (("id", ""),), False, False), id=identifier)
        if found is None:
            raise Missing(self.noun, identifier)
        return self._document(found)

    async def find(self, reader: Reader, **equal: Any) -> Document | None:
        """The first row with these columns."""
        found = await self.list(reader, {(name, ""): value for name, value in equal.items()})
        return found[0] if found else None

    async def list(
        self, reader: Reader, filters: Filters | None = None, *, limit: int | None = None, marker: str | None = None
    ) -> "list[Document]":
        """Rows in order of id that pass `filters`, {(column, comparison or ''): value}, after `marker`."""
        filters = filters or {}
        statement = _selection(self.table, tuple(filters), limit is not None, marker is not None)
        arguments = {_parameter(key): self._argument(key, value) for key, value in filters.items()}
        if limit is not None:
            arguments["row_limit"] = limit
        if marker is not None:
            arguments["row_marker"] = marker
        return [self._document(row) for row in await reader.rows(statement, **arguments)]

    async def named(self, reader: Reader, ids: Iterable[str]) -> dict[str, Document]:
        """The rows of these ids, by id; unknown ones are left out."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        room = room_for(len(wanted))
        rows = await reader.rows(_by_ids(self.table, room), **among_arguments("id", wanted, room))
        return {row["id"]: self._document(row) for row in rows}

    async def add(self, tx: Transaction, document: Document) -> None:
        """Errors: NameTaken."""
        try:
            await tx.execute(insert_into(self.table), **self._row(document))
        except AlreadyThere as error:
            raise NameTaken(self.noun, str(document.get("name", document.get("id")))) from error

    async def change(self, tx: Transaction, document: Document, changes: Document) -> Document:
        """`document` with `changes`, stored. Errors: NameTaken."""
        merged = {**document, **changes}
        row = self._row(merged)
        row.pop("id")
        try:
            await tx.execute(update_columns(self.table, tuple(row)), **row, by_id=document["id"])
        except AlreadyThere as error:
            raise NameTaken(self.noun, str(merged.get("name"))) from error
        return merged

    async def remove(self, tx: Transaction, **equal: Any) -> int:
        return await tx.execute(delete_by(self.table, tuple(equal)), **equal)

    def _document(self, row: Document) -> Document:
        for name in self._flags:
            row[name] = bool(row[name])
        for name in self._json:
            row[name] = _decode(row[name])
        if self._has_extra:
            row = {**_decode(row.pop("extra")), **row}
        return row

    def _row(self, document: Document) -> Document:
        row = {name: value for name, value in document.items() if name in self.columns}
        for name in self._flags & row.keys():
            row[name] = int(row[name])
        for name in self._json & row.keys():
            row[name] = _encode(row[name]).decode()
        if self._has_extra:
            extra = {name: value for name, value in document.items() if name not in self.columns}
            row["extra"] = _encode(extra).decode()
        return row

    def _argument(self, key: tuple[str, str], value: Any) -> Any:
        name, comparison = key
        if name in self._flags:
            return int(value)
        if comparison:
            escaped = str(value).lower()
            for special in "!%_":
                escaped = escaped.replace(special, "!" + special)
            return _LIKE[comparison].format(escaped)
        return value


def comparisons() -> frozenset[str]:
    """What may follow a column and two underscores in a query."""
    return frozenset(_LIKE)


def _parameter(key: tuple[str, str]) -> str:
    return f"{key[0]}_{key[1]}" if key[1] else key[0]


def _condition(table: Table, key: tuple[str, str]) -> "ColumnElement[bool]":
    column = table.c[key[0]]
    parameter: BindParameter[Any] = bindparam(_parameter(key))
    if key[1]:
        return func.lower(column).like(parameter, escape="!")
    return column == parameter


@lru_cache(maxsize=512)
def _selection(table: Table, keys: tuple[tuple[str, str], ...], limited: bool, marked: bool) -> Statement:
    chosen = select(table).where(*(_condition(table, key) for key in keys)).order_by(table.c.id)
    if marked:
        chosen = chosen.where(table.c.id > bindparam("row_marker"))
    if limited:
        chosen = chosen.limit(bindparam("row_limit"))
    return Statement(chosen)


@lru_cache(maxsize=256)
def _by_ids(table: Table, room: int) -> Statement:
    return Statement(select(table).where(among(table.c.id, "id", room)))
