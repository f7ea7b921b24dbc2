"""Servers for answers: one by id, lists by filters, order and page. What sagas change is in `server_state`."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, literal_column, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.repository.server_filters import Condition, arguments_of, keyset, sort_column, where
from kilonova.db.statement import Statement, insert_into, update_columns
from kilonova.db.tables.servers import block_devices, servers
from kilonova.model.ids import ServerId
from kilonova.model.server import Server, ServerNotFound
from kilonova.model.time import Timestamp

_C = servers.c
_LONG = ("user_data", "request_spec")


@lru_cache(maxsize=4)
def _columns(wanted: tuple[str, ...]) -> list[ColumnElement[Any]]:
    """In the order of Server's members; the long ones as NULL unless `wanted`."""
    return [
        literal_column("NULL").label(name) if name in _LONG and name not in wanted else _C[name]
        for name in Server.__struct_fields__
    ]


_ONE = Statement(select(*_columns(_LONG)).where(_C.id == bindparam("id")))


async def get(db: Reader, server_id: str, *, project_id: str | None, even_deleted: bool = False) -> Server:
    """`project_id` None sees everybody's. Errors: ServerNotFound."""
    row = await db.fetch_one(_ONE, id=server_id)
    if row is None:
        raise ServerNotFound(server_id)
    server = Server(*row)
    if (server.deleted and not even_deleted) or (project_id is not None and server.project_id != project_id):
        raise ServerNotFound(server_id)
    return server


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What to list: conditions (all must hold), order as (sort key, descending), page size, and which long members."""

    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]
    limit: int
    wanted: tuple[str, ...] = ()


@lru_cache(maxsize=512)
def _statement(
    shapes: tuple[tuple[str, str, int], ...],
    order: tuple[tuple[str, bool], ...],
    after_marker: bool,
    wanted: tuple[str, ...] | None,
) -> Statement:
    columns = [_C.id, _C.name] if wanted is None else _columns(wanted)
    query = select(*columns).where(*where(shapes))
    if after_marker:
        query = query.where(keyset(order))
    ordered = [sort_column(key).desc() if descending else sort_column(key) for key, descending in order]
    return Statement(query.order_by(*ordered).limit(bindparam("page")))


async def listed(db: Reader, listing: Listing, marker: Mapping[str, Any] | None) -> list[Server]:
    """Whole records. `marker` are the sort values of the last server of the page before."""
    rows = await _rows(db, listing, marker, listing.wanted)
    return [Server(*row) for row in rows]


async def listed_briefly(db: Reader, listing: Listing, marker: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(id, name) of each."""
    return [(row[0], row[1]) for row in await _rows(db, listing, marker, None)]


async def _rows(
    db: Reader, listing: Listing, marker: Mapping[str, Any] | None, wanted: tuple[str, ...] | None
) -> Sequence[tuple[Any, ...]]:
    shapes = tuple(condition.shape for condition in listing.conditions)
    statement = _statement(shapes, listing.order, marker is not None, wanted)
    return await db.fetch_all(statement, **arguments_of(listing.conditions), **(marker or {}), page=listing.limit)


@lru_cache(maxsize=64)
def _marker_statement(order: tuple[tuple[str, bool], ...]) -> Statement:
    return Statement(
        select(*(sort_column(key).label(f"after_{number}") for number, (key, _) in enumerate(order)), _C.project_id)
        .where(_C.id == bindparam("id"))
    )  # fmt: skip


async def marker_values(
    db: Reader, server_id: str, order: tuple[tuple[str, bool], ...], *, project_id: str | None
) -> dict[str, Any] | None:
    """The sort values of a server (a deleted one will do), None where there is none that the project may see."""
    row = await db.row(_marker_statement(order), id=server_id)
    if row is None:
        return None
    owner = row.pop("project_id")
    return row if project_id is None or owner == project_id else None


async def insert(tx: Transaction, **columns: Any) -> None:
    await tx.execute(insert_into(servers), **columns)


async def insert_device(tx: Transaction, **columns: Any) -> None:
    await tx.execute(insert_into(block_devices), **columns)


async def change(tx: Transaction, server_id: ServerId, now: Timestamp, **columns: Any) -> None:
    """Set columns; `updated_at` goes along."""
    columns["updated_at"] = now
    await tx.execute(update_columns(servers, tuple(sorted(columns))), by_id=server_id, **columns)


async def change_device(tx: Transaction, device_id: str, **columns: Any) -> None:
    """Set columns of a block device mapping."""
    await tx.execute(update_columns(block_devices, tuple(sorted(columns))), by_id=device_id, **columns)


_KEPT = Statement(select(_C.system_metadata).where(_C.id == bindparam("id")))


async def kept(db: Reader, server_id: ServerId) -> dict[str, str]:
    """What the services keep with a server between two actions (system_metadata)."""
    found = await db.fetch_value(_KEPT, id=server_id)
    return {} if found is None else msgspec.json.decode(found, type=dict[str, str])


async def keep(tx: Transaction, server_id: ServerId, changes: Mapping[str, str | None]) -> None:
    """Change what is kept; None forgets."""
    items: dict[str, str | None] = {**await kept(tx, server_id), **changes}
    left = {name: value for name, value in items.items() if value is not None}
    text = msgspec.json.encode(left).decode()
    await tx.execute(update_columns(servers, ("system_metadata",)), by_id=server_id, system_metadata=text)
