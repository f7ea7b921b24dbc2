"""One page of volumes, snapshots or attachments: filtered by equality, sorted, after a marker or an offset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Table, and_, bindparam, exists, func, or_, select
from sqlalchemy.sql import operators

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.volume.store.tables import volume_metadata

SORT_KEYS = frozenset({"id", "name", "status", "size", "created_at", "updated_at", "availability_zone", "volume_id"})
_NUMBERS = frozenset({"size"})


@dataclass(frozen=True)
class Shape:
    """What decides the SQL text."""

    table: Table
    equal: tuple[str, ...]
    metadata: int
    sort: tuple[tuple[str, bool], ...]
    marker: bool


@dataclass
class Page:
    """`equal` by column; `metadata` pairs a volume must have; `sort` pairs a key with "ascending?"."""

    limit: int
    offset: int = 0
    equal: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    sort: tuple[tuple[str, bool], ...] = (("created_at", False), ("id", False))
    marker: Mapping[str, Any] | None = None


async def rows(db: Reader, table: Table, page: Page) -> list[dict[str, Any]]:
    shape = Shape(table, tuple(sorted(page.equal)), len(page.metadata), page.sort, page.marker is not None)
    arguments = {**_given(page), "page_limit": page.limit, "page_offset": page.offset}
    if page.marker is not None:
        for key, _ in page.sort:
            value = page.marker[key]
            arguments[f"after_{key}"] = (0 if key in _NUMBERS else "") if value is None else value
    return await db.rows(_statement(shape), **arguments)


def _given(page: Page) -> dict[str, Any]:
    arguments: dict[str, Any] = dict(page.equal)
    for index, (name, value) in enumerate(page.metadata.items()):
        arguments |= {f"name_{index}": name, f"value_{index}": value}
    return arguments


def _conditions(shape: Shape) -> "list[ColumnElement[bool]]":
    columns = shape.table.c
    conditions: list[ColumnElement[bool]] = [columns[name] == bindparam(name) for name in shape.equal]
    return conditions + [_has_metadata(shape.table, index) for index in range(shape.metadata)]


@lru_cache(maxsize=256)
def _statement(shape: Shape) -> Statement:
    conditions = _conditions(shape)
    if shape.marker:
        conditions.append(_after(shape))
    order = [_sorted(shape.table, key).asc() if up else _sorted(shape.table, key).desc() for key, up in shape.sort]
    wanted = select(shape.table).where(*conditions).order_by(*order)
    return Statement(wanted.limit(bindparam("page_limit")).offset(bindparam("page_offset")))


def _has_metadata(table: Table, index: int) -> "ColumnElement[bool]":
    mine = volume_metadata.c.volume_id == table.c.id
    named = volume_metadata.c.name == bindparam(f"name_{index}")
    return exists().where(mine, named, volume_metadata.c.value == bindparam(f"value_{index}"))


def _sorted(table: Table, key: str) -> "ColumnElement[Any]":
    # NULL sorts differently from database to database, and cannot be compared with a marker.
    column = table.c[key]
    return func.coalesce(column, "") if column.nullable and key not in _NUMBERS else column


def _after(shape: Shape) -> "ColumnElement[bool]":
    """Strictly after the marker in the order of `sort`."""
    steps: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, ascending in shape.sort:
        column = _sorted(shape.table, key)
        value: BindParameter[Any] = bindparam(f"after_{key}")
        steps.append(and_(*equal, (operators.gt if ascending else operators.lt)(column, value)))
        equal.append(column == value)
    return or_(*steps)


async def count(db: Reader, table: Table, page: Page) -> int:
    """How many there are on all pages."""
    shape = Shape(table, tuple(sorted(page.equal)), len(page.metadata), (), marker=False)
    return int(await db.fetch_value(_count(shape), **_given(page)))


@lru_cache(maxsize=64)
def _count(shape: Shape) -> Statement:
    return Statement(select(func.count()).select_from(shape.table).where(*_conditions(shape)))
