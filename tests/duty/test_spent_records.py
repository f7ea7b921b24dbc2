"""What leaves the database with time, and what stays."""

import uuid
from typing import Any

from kilonova.db.database import Database
from kilonova.db.statement import Statement, insert_into
from kilonova.db.tables.sagas import idempotency_keys, outcomes, saga_events, sagas, spans
from kilonova.duty.spent_records import KEEP_OUTCOMES_S, KEEP_S, MOST, spent_records
from tests.duty.conftest import LateClock


async def saga(db: Database, clock: LateClock, state: str) -> str:
    saga_id, now = str(uuid.uuid4()), clock.now()
    ended = state in ("finished", "failed")
    async with db.begin() as tx:
        await tx.execute(
            insert_into(sagas),
            id=saga_id,
            name="server_create",
            version=1,
            params="{}",
            holds="",
            state=state,
            wake_at=now,
            deadline=now,
            created_at=now,
            finished_at=now if ended else None,
        )
        for seq in range(3):
            await tx.execute(
                insert_into(saga_events), saga_id=saga_id, seq=seq, kind="done", step="s", attempt=1, at=now
            )
        await tx.execute(insert_into(outcomes), order_key=f"{saga_id}.s", saga_id=saga_id, outcome="{}", at=now)
    return saga_id


async def span(db: Database, clock: LateClock) -> None:
    started = int(clock.time() * 1e6)
    row: dict[str, Any] = dict.fromkeys(("trace_id", "span_id", "parent_id", "name", "kind", "source", "target"), "x")
    async with db.begin() as tx:
        await tx.execute(insert_into(spans), **row, step="", error="", started_us=started, duration_us=1)


async def ids(db: Database, column: Any) -> set[Any]:
    return {row[0] for row in await db.fetch_all(Statement(column.table.select().with_only_columns(column)))}


async def test_logs_of_finished_operations_go_after_a_week_and_open_ones_never(db: Database, clock: LateClock) -> None:
    for state in ("finished", "failed"):
        await saga(db, clock, state)
    waiting = {await saga(db, clock, state) for state in ("open", "queued")}
    clock.more_s = KEEP_S + 60
    recent = {await saga(db, clock, "finished")}

    assert await spent_records(db, clock) == []

    assert await ids(db, sagas.c.id) == waiting | recent
    assert await ids(db, saga_events.c.saga_id) == waiting | recent


async def test_traces_go_after_a_week(db: Database, clock: LateClock) -> None:
    await span(db, clock)
    clock.more_s = KEEP_S + 60
    await span(db, clock)

    await spent_records(db, clock)

    (started,) = await ids(db, spans.c.started_us)
    assert started > (clock.time() - KEEP_S) * 1e6


async def test_an_outcome_that_came_after_its_saga_ended_goes(db: Database, clock: LateClock) -> None:
    await saga(db, clock, "finished")
    waiting = await saga(db, clock, "open")
    clock.more_s = KEEP_OUTCOMES_S + 60

    await spent_records(db, clock)

    assert await ids(db, outcomes.c.saga_id) == {waiting}


async def test_kept_answers_go_after_a_day(db: Database, clock: LateClock) -> None:
    for key in ("old", "new"):
        async with db.begin() as tx:
            await tx.execute(
                insert_into(idempotency_keys),
                project_id="p",
                key=key,
                body_hash="h",
                status=202,
                headers="{}",
                body="{}",
                created_at=clock.now(),
            )
        clock.more_s += 86460

    clock.more_s -= 86460
    await spent_records(db, clock)

    assert await ids(db, idempotency_keys.c.key) == {"new"}


async def test_many_go_in_many_transactions(db: Database, clock: LateClock) -> None:
    started = int((clock.time() - 2 * KEEP_S) * 1e6)
    row: dict[str, Any] = dict.fromkeys(("trace_id", "span_id", "parent_id", "name", "kind", "source", "target"), "x")
    many = [{**row, "step": "", "error": "", "started_us": started, "duration_us": 1} for _ in range(MOST + 7)]
    async with db.begin() as tx:
        await tx.execute_many(insert_into(spans), many)

    await spent_records(db, clock)

    assert await ids(db, spans.c.number) == set()
