"""Accepted means stored: the saga, its hold and its instance action, in the api's own transaction."""

from collections.abc import Callable

from kilonova.aio.clock import Clock
from kilonova.contract.work import Work
from kilonova.db.database import Transaction
from kilonova.db.repository.actions import ActionStart, start_action
from kilonova.db.repository.server_state import task_state_of
from kilonova.db.statement import insert_into, update_columns
from kilonova.db.tables.sagas import sagas
from kilonova.model.caller import Caller
from kilonova.model.errors import Conflict
from kilonova.model.ids import SagaId, ServerId
from kilonova.observe import trace
from kilonova.saga import store
from kilonova.saga.saga import SAGA_DEADLINE_S

# How far the clocks of the api's and the conductor's machine may be apart without a new saga having to wait.
CLOCKS_APART_S = 5.0


class ServerBusy(Conflict):
    """Another action holds the server. The API shows 409 conflictingRequest."""

    def __init__(self, server_id: ServerId, action: str, task_state: str | None) -> None:
        super().__init__(f"Cannot '{action}' instance {server_id} while it is in task_state {task_state}")
        self.server_id = server_id
        self.task_state = task_state


async def begin(
    tx: Transaction,
    work: Work,
    *,
    saga_id: SagaId,
    caller: Caller,
    request_id: str,
    clock: Clock,
    ring: Callable[[SagaId], None],
    preempt: bool = False,
) -> SagaId:
    """Store `work` and hold its server; `ring` is called with the saga's id once all is durable.

    With `preempt` a saga that holds the server is told to make way, and this one starts when it has.
    Errors: ServerBusy.
    """
    now = clock.now()
    due = clock.after(-CLOCKS_APART_S)
    taken = await store.take_hold(tx, work.server_id, saga_id)
    holder = await store.holder_of(tx, work.server_id) if preempt and not taken else None
    if holder is not None:
        await tx.execute(update_columns(sagas, ("cancelled", "wake_at")), cancelled=1, wake_at=due, by_id=holder)
        tx.after_commit(lambda: ring(holder))
    elif not taken:
        raise ServerBusy(work.server_id, work.action, await task_state_of(tx, work.server_id))
    await tx.execute(
        insert_into(sagas),
        id=saga_id,
        name=work.saga,
        version=1,
        params=store.encode(work).decode(),
        holds=work.server_id,
        state="open" if taken else "queued",
        cancelled=0,
        epoch=0,
        wake_at=due,
        deadline=clock.after(SAGA_DEADLINE_S),
        request_id=request_id,
        user_id=caller.user_id,
        project_id=caller.project_id or "",
        traceparent=trace.header(),
        created_at=now,
    )
    if work.action:
        await start_action(
            tx,
            ActionStart(
                server_id=work.server_id,
                request_id=request_id,
                action=work.action,
                user_id=caller.user_id,
                project_id=caller.project_id or "",
                at=now,
                trace_id=trace.trace_id(),
            ),
        )
    tx.after_commit(lambda: ring(saga_id))
    return saga_id
