"""The saga tables in SQL. Every function works inside the caller's transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, exists, func, insert, null, or_, select, update

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.db.tables.sagas import holds, outcomes, saga_events, sagas
from kilonova.db.tables.servers import servers
from kilonova.model.ids import SagaId
from kilonova.model.time import Timestamp
from kilonova.saga.plan import Event

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode

_COLUMNS = (
    sagas.c.id,
    sagas.c.name,
    sagas.c.params,
    sagas.c.holds,
    sagas.c.state,
    sagas.c.cancelled,
    sagas.c.owner,
    sagas.c.epoch,
    sagas.c.lease_until,
    sagas.c.deadline,
    sagas.c.request_id,
    sagas.c.traceparent,
    sagas.c.created_at,
)


class SagaRow(msgspec.Struct, frozen=True):
    """A saga as stored; same order as `_COLUMNS`."""

    id: SagaId
    name: str
    params: str
    holds: str
    state: str
    cancelled: int
    owner: str | None
    epoch: int
    lease_until: Timestamp | None
    deadline: Timestamp
    request_id: str
    traceparent: str | None
    created_at: Timestamp


class Logged(msgspec.Struct, frozen=True):
    """An event with what came of it: a result, or an error as {kind, message, attributes}."""

    event: Event
    data: Any
    at: Timestamp


_BY_ID = Statement(select(*_COLUMNS).where(sagas.c.id == bindparam("id")))
_EVENTS = Statement(
    select(saga_events.c.kind, saga_events.c.step, saga_events.c.attempt, saga_events.c.data, saga_events.c.at)
    .where(saga_events.c.saga_id == bindparam("saga_id"))
    .order_by(saga_events.c.seq)
)
_TAKE = Statement(
    update(sagas)
    .where(
        sagas.c.id == bindparam("by_id"),
        sagas.c.state == "open",
        sagas.c.wake_at <= bindparam("now"),
        or_(sagas.c.owner.is_(None), sagas.c.owner == bindparam("me"), sagas.c.lease_until < bindparam("now")),
    )
    .values(owner=bindparam("me"), epoch=sagas.c.epoch + 1, lease_until=bindparam("until"))
)
_DUE = Statement(
    select(sagas.c.id)
    .where(
        sagas.c.state == "open",
        sagas.c.wake_at <= bindparam("now"),
        or_(sagas.c.owner.is_(None), sagas.c.lease_until < bindparam("now")),
    )
    .order_by(sagas.c.wake_at)
    .limit(bindparam("limit"))
)
_LET_GO = Statement(
    update(sagas)
    .where(sagas.c.id == bindparam("by_id"), sagas.c.epoch == bindparam("by_epoch"))
    .values(owner=null(), lease_until=null(), wake_at=bindparam("wake_at"))
)
_CLOSE = Statement(
    update(sagas)
    .where(sagas.c.id == bindparam("by_id"), sagas.c.epoch == bindparam("by_epoch"))
    .values(state=bindparam("state"), owner=null(), lease_until=null(), finished_at=bindparam("now"))
)
_STILL_MINE = Statement(
    select(sagas.c.cancelled).where(
        sagas.c.id == bindparam("id"), sagas.c.epoch == bindparam("epoch"), sagas.c.state == "open"
    )
)
_RESOURCE = bindparam("resource_id", type_=holds.c.resource_id.type)
_TAKE_HOLD = Statement(
    insert(holds).from_select(
        ["resource_id", "saga_id"],
        select(_RESOURCE, bindparam("saga_id", type_=holds.c.saga_id.type)).where(
            ~exists(select(holds.c.saga_id).where(holds.c.resource_id == _RESOURCE))
        ),
    )
)
_HOLDER = Statement(select(holds.c.saga_id).where(holds.c.resource_id == bindparam("resource_id")))
_NEXT_QUEUED = Statement(
    select(sagas.c.id)
    .where(sagas.c.holds == bindparam("resource_id"), sagas.c.state == "queued")
    .order_by(sagas.c.created_at)
    .limit(1)
)
_OUTCOME = Statement(select(outcomes.c.outcome).where(outcomes.c.order_key == bindparam("order_key")))
_RING = Statement(update(sagas).where(sagas.c.id == bindparam("by_id")).values(wake_at=bindparam("now")))
_WAKE_SOONER = Statement(
    update(sagas)
    .where(
        sagas.c.id == bindparam("by_id"),
        sagas.c.epoch == bindparam("by_epoch"),
        sagas.c.owner.is_(None),
        sagas.c.wake_at > bindparam("wake_at"),
    )
    .values(wake_at=bindparam("wake_at"))
)
_OPEN_ROWS = Statement(select(*_COLUMNS).where(sagas.c.state.in_(["open", "queued"])).order_by(sagas.c.created_at))
_BREAK_LEASES = Statement(
    update(sagas).where(sagas.c.state == "open").values(owner=null(), lease_until=null(), wake_at=bindparam("now"))
)
_RING_HOST = Statement(
    update(sagas)
    .where(
        sagas.c.state == "open",
        sagas.c.owner.is_(None),
        sagas.c.wake_at > bindparam("now"),
        sagas.c.holds.in_(select(servers.c.id).where(servers.c.host == bindparam("host"))),
    )
    .values(wake_at=bindparam("now"))
)
_COUNT_OPEN = Statement(select(func.count()).select_from(sagas).where(sagas.c.state.in_(["open", "queued"])))


async def row_of(db: Reader, saga_id: SagaId) -> SagaRow | None:
    row = await db.fetch_one(_BY_ID, id=saga_id)
    return None if row is None else SagaRow(*row)


async def log_of(db: Reader, saga_id: SagaId) -> list[Logged]:
    """The whole log, oldest first."""
    logged = []
    for kind, step, attempt, data, at in await db.fetch_all(_EVENTS, saga_id=saga_id):
        value = None if data is None else decode(data)
        retry = kind == "failed" and value is not None and bool(value.get("retry"))
        logged.append(Logged(Event(kind=kind, step=step, attempt=attempt, retry=retry), value, at))
    return logged


async def take(tx: Transaction, saga_id: SagaId, *, me: str, now: Timestamp, until: Timestamp) -> bool:
    """Lease an open saga that is due; its epoch goes up. False when it waits, or somebody else has it."""
    return await tx.execute(_TAKE, by_id=saga_id, me=me, now=now, until=until) == 1


async def cancelled_if_mine(tx: Transaction, saga_id: SagaId, epoch: int) -> bool | None:
    """Whether the saga is to make way; None when the lease is somebody else's by now."""
    row = await tx.fetch_one(_STILL_MINE, id=saga_id, epoch=epoch)
    return None if row is None else bool(row[0])


async def append(tx: Transaction, saga_id: SagaId, first: int, lines: Sequence[Logged]) -> None:
    """Add lines to the log; `first` is the number of the first of them."""
    if lines:
        await tx.execute_many(insert_into(saga_events), [_columns(saga_id, *line) for line in enumerate(lines, first)])


def _columns(saga_id: SagaId, seq: int, line: Logged) -> dict[str, Any]:
    return {
        "saga_id": saga_id,
        "seq": seq,
        "kind": line.event.kind,
        "step": line.event.step,
        "attempt": line.event.attempt,
        "data": None if line.data is None else encode(line.data).decode(),
        "at": line.at,
    }


async def let_go(tx: Transaction, saga_id: SagaId, epoch: int, *, wake_at: Timestamp) -> bool:
    return await tx.execute(_LET_GO, by_id=saga_id, by_epoch=epoch, wake_at=wake_at) == 1


async def wake_sooner(tx: Transaction, saga_id: SagaId, epoch: int, *, wake_at: Timestamp) -> None:
    """What was let go until later is due then; unless somebody took it meanwhile."""
    await tx.execute(_WAKE_SOONER, by_id=saga_id, by_epoch=epoch, wake_at=wake_at)


async def close(tx: Transaction, row: SagaRow, *, state: str, now: Timestamp) -> SagaId | None:
    """End a saga and hand its hold to whoever waits for it; answers that one."""
    if await tx.execute(_CLOSE, by_id=row.id, by_epoch=row.epoch, state=state, now=now) != 1 or not row.holds:
        return None
    following = await tx.fetch_value(_NEXT_QUEUED, resource_id=row.holds)
    if following is None:
        await tx.execute(delete_by(holds, ("resource_id", "saga_id")), resource_id=row.holds, saga_id=row.id)
        return None
    await tx.execute(update_columns(holds, ("saga_id",), ("resource_id",)), saga_id=following, by_resource_id=row.holds)
    await tx.execute(update_columns(sagas, ("state", "wake_at")), state="open", wake_at=now, by_id=following)
    return SagaId(following)


async def take_hold(tx: Transaction, resource_id: str, saga_id: SagaId) -> bool:
    """False when another saga holds it."""
    return await tx.execute(_TAKE_HOLD, resource_id=resource_id, saga_id=saga_id) == 1


async def holder_of(db: Reader, resource_id: str) -> SagaId | None:
    """The saga that holds it now."""
    found = await db.fetch_value(_HOLDER, resource_id=resource_id)
    return None if found is None else SagaId(found)


async def outcome_of(db: Reader, order_key: str) -> Any:
    """What a host reported for the order, as plain values; None while it has not."""
    found = await db.fetch_value(_OUTCOME, order_key=order_key)
    return None if found is None else decode(found)


async def record_outcome(tx: Transaction, saga_id: SagaId, order_key: str, outcome: Any, now: Timestamp) -> bool:
    """Store it once and make the saga due; False when it was there already."""
    if await tx.fetch_value(_OUTCOME, order_key=order_key) is not None:
        return False
    await tx.execute(
        insert_into(outcomes), order_key=order_key, saga_id=saga_id, outcome=encode(outcome).decode(), at=now
    )
    await tx.execute(_RING, by_id=saga_id, now=now)
    return True


async def forget_outcome(tx: Transaction, order_key: str) -> None:
    await tx.execute(delete_by(outcomes, ("order_key",)), order_key=order_key)


async def forget_outcomes(tx: Transaction, saga_id: SagaId) -> None:
    await tx.execute(delete_by(outcomes, ("saga_id",)), saga_id=saga_id)


async def due(db: Reader, now: Timestamp, *, limit: int = 200) -> list[SagaId]:
    """Open sagas nobody works on whose time has come."""
    return [SagaId(row[0]) for row in await db.fetch_all(_DUE, now=now, limit=limit)]


async def break_leases(tx: Transaction, now: Timestamp) -> None:
    """For a conductor that knows it is alone: leases and waits are those of a dead process."""
    await tx.execute(_BREAK_LEASES, now=now)


async def ring_host(tx: Transaction, host: str, now: Timestamp) -> None:
    """A host is there anew: what waits for an answer of it is due."""
    await tx.execute(_RING_HOST, host=host, now=now)


async def open_sagas(db: Reader) -> list[SagaRow]:
    return [SagaRow(*row) for row in await db.fetch_all(_OPEN_ROWS)]


async def count_open(db: Reader) -> int:
    return int(await db.fetch_value(_COUNT_OPEN))
