"""Host aggregates. They are few: lists hold all of them."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from kilonova.db.database import Reader, Row, Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.db.tables.hosts import aggregates
from kilonova.db.tables.servers import servers
from kilonova.model.aggregate import Aggregate, AggregateNameExists, AggregateNotFound
from kilonova.model.time import Timestamp

_C = aggregates.c
_COLUMNS = (_C.number, _C.id, _C.name, _C.hosts, _C.metadata, _C.created_at, _C.updated_at)
_ALL = Statement(select(*_COLUMNS).order_by(_C.number))
_ONE = Statement(select(*_COLUMNS).where(_C.number == bindparam("number")))
_OCCUPIED = Statement(select(servers.c.host, func.count()).where(servers.c.deleted == 0).group_by(servers.c.host))

_encode = msgspec.json.Encoder().encode


def _aggregate(row: Row) -> Aggregate:
    return Aggregate(
        number=row[0],
        id=row[1],
        name=row[2],
        hosts=tuple(msgspec.json.decode(row[3], type=list[str])),
        metadata=msgspec.json.decode(row[4], type=dict[str, str]),
        created_at=row[5],
        updated_at=row[6],
    )


async def listed(db: Reader) -> list[Aggregate]:
    """All, oldest first."""
    return [_aggregate(row) for row in await db.fetch_all(_ALL)]


async def get(db: Reader, number: int) -> Aggregate:
    """Errors: AggregateNotFound."""
    row = await db.fetch_one(_ONE, number=number)
    if row is None:
        raise AggregateNotFound(str(number))
    return _aggregate(row)


async def occupied(db: Reader, hosts: Collection[str]) -> set[str]:
    """Those of `hosts` that have servers."""
    return {row[0] for row in await db.fetch_all(_OCCUPIED) if row[0] in hosts}


async def insert(tx: Transaction, *, name: str, metadata: Mapping[str, str], **columns: Any) -> None:
    """Errors: AggregateNameExists."""
    try:
        await tx.execute(insert_into(aggregates), name=name, metadata=_encode(metadata).decode(), **columns)
    except AlreadyThere as error:
        raise AggregateNameExists(name) from error


async def save(tx: Transaction, changed: Aggregate, now: Timestamp) -> Aggregate:
    """The record as it is now. Errors: AggregateNameExists."""
    try:
        await tx.execute(
            update_columns(aggregates, ("hosts", "metadata", "name", "updated_at"), ("number",)),
            by_number=changed.number,
            hosts=_encode(changed.hosts).decode(),
            metadata=_encode(changed.metadata).decode(),
            name=changed.name,
            updated_at=now,
        )
    except AlreadyThere as error:
        raise AggregateNameExists(changed.name) from error
    return msgspec.structs.replace(changed, updated_at=now)


async def delete(tx: Transaction, number: int) -> None:
    await tx.execute(delete_by(aggregates, ("number",)), number=number)


async def leave_all(tx: Transaction, host: str, now: Timestamp) -> None:
    """Take the host out of every aggregate that has it."""
    for one in await listed(tx):
        if host in one.hosts:
            await save(tx, msgspec.structs.replace(one, hosts=tuple(h for h in one.hosts if h != host)), now)
