"""What has served its time leaves the database: the logs of finished operations, traces, answers nobody waits for."""

from typing import Any

from sqlalchemy import Column, Table, bindparam, delete, select

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.db.statement import Statement, among, among_arguments
from kilonova.db.tables.sagas import idempotency_keys, outcomes, saga_events, sagas, spans

DAY_S = 86400.0
KEEP_S = 7 * DAY_S
# An outcome is read and forgotten when its saga ends; one that came later is nobody's.
KEEP_OUTCOMES_S = 3600.0
# Rows of one transaction: others want to write too.
MOST = 500

_SAGAS = Statement(
    select(sagas.c.id)
    .where(sagas.c.state.in_(["finished", "failed"]), sagas.c.finished_at < bindparam("before"))
    .limit(MOST)
)
_SPANS = Statement(select(spans.c.number).where(spans.c.started_us < bindparam("before_us")).limit(MOST))
_OUTCOMES = Statement(
    select(outcomes.c.order_key)
    .select_from(outcomes.outerjoin(sagas, sagas.c.id == outcomes.c.saga_id))
    .where(outcomes.c.at < bindparam("before"), sagas.c.state.is_distinct_from("open"))
    .limit(MOST)
)
_KEYS = Statement(delete(idempotency_keys).where(idempotency_keys.c.created_at < bindparam("before")))


def _gone(table: Table, column: "Column[Any]") -> Statement:
    return Statement(delete(table).where(among(column, "id", MOST)))


_DROP_EVENTS = _gone(saga_events, saga_events.c.saga_id)
_DROP_SAGAS = _gone(sagas, sagas.c.id)
_DROP_SPANS = _gone(spans, spans.c.number)
_DROP_OUTCOMES = _gone(outcomes, outcomes.c.order_key)


async def spent_records(db: Database, clock: Clock) -> list[str]:
    """Answers nothing: it is no sign of trouble."""
    before = clock.after(-KEEP_S)
    await _drop(db, _SAGAS, (_DROP_EVENTS, _DROP_SAGAS), before=before)
    await _drop(db, _SPANS, (_DROP_SPANS,), before_us=int((clock.time() - KEEP_S) * 1e6))
    await _drop(db, _OUTCOMES, (_DROP_OUTCOMES,), before=clock.after(-KEEP_OUTCOMES_S))
    async with db.begin() as tx:
        await tx.execute(_KEYS, before=clock.after(-DAY_S))
    return []


async def _drop(db: Database, find: Statement, drops: tuple[Statement, ...], **arguments: Any) -> None:
    while found := [row[0] for row in await db.fetch_all(find, **arguments)]:
        async with db.begin() as tx:
            for drop in drops:
                await tx.execute(drop, **among_arguments("id", found, MOST))
        if len(found) < MOST:
            return
