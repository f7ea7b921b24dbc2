"""Instance actions and their events: the log users see, written with the work it tells of."""

import msgspec
from sqlalchemy import bindparam, update

from kilonova.db.database import Transaction
from kilonova.db.statement import Statement, insert_into
from kilonova.db.tables.servers import action_events, actions
from kilonova.model.ids import ServerId
from kilonova.model.time import Timestamp


class ActionStart(msgspec.Struct, frozen=True, kw_only=True):
    """An action a call made; `request_id` is its key for clients."""

    server_id: ServerId
    request_id: str
    action: str
    user_id: str
    project_id: str
    at: Timestamp
    trace_id: str | None = None


_FINISH_ACTION = Statement(
    update(actions)
    .where(actions.c.server_id == bindparam("by_server"), actions.c.request_id == bindparam("by_request"))
    .values(finished_at=bindparam("at"), updated_at=bindparam("at"), message=bindparam("message"))
)
_FINISH_EVENT = Statement(
    update(action_events)
    .where(
        action_events.c.server_id == bindparam("by_server"),
        action_events.c.request_id == bindparam("by_request"),
        action_events.c.event == bindparam("by_event"),
        action_events.c.finished_at.is_(None),
    )
    .values(finished_at=bindparam("at"), result=bindparam("result"), details=bindparam("details"))
)


async def start_action(tx: Transaction, start: ActionStart) -> None:
    await tx.execute(
        insert_into(actions),
        server_id=start.server_id,
        request_id=start.request_id,
        action=start.action,
        user_id=start.user_id,
        project_id=start.project_id,
        started_at=start.at,
        updated_at=start.at,
        trace_id=start.trace_id,
    )


async def record_action(tx: Transaction, start: ActionStart) -> None:
    """An action that was over at once (lock, reset state)."""
    await start_action(tx, start)
    await finish_action(tx, start.server_id, start.request_id, at=start.at, message=None)


async def finish_action(
    tx: Transaction, server_id: ServerId, request_id: str, *, at: Timestamp, message: str | None
) -> None:
    """`message` is "Error" for actions that failed, as Nova shows it."""
    await tx.execute(_FINISH_ACTION, by_server=server_id, by_request=request_id, at=at, message=message)


async def start_event(
    tx: Transaction, server_id: ServerId, request_id: str, event: str, *, at: Timestamp, host: str | None
) -> None:
    await tx.execute(
        insert_into(action_events), server_id=server_id, request_id=request_id, event=event, started_at=at, host=host
    )


async def finish_event(
    tx: Transaction,
    server_id: ServerId,
    request_id: str,
    event: str,
    *,
    at: Timestamp,
    result: str,
    details: str | None,
) -> None:
    """`result` is Success or Error."""
    await tx.execute(
        _FINISH_EVENT,
        by_server=server_id,
        by_request=request_id,
        by_event=event,
        at=at,
        result=result,
        details=details,
    )
