"""Instance actions and their events, to be read."""

import msgspec
from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import action_events, actions
from kilonova.model.time import Timestamp


class Action(msgspec.Struct, frozen=True):
    server_id: str
    request_id: str
    action: str
    user_id: str
    project_id: str
    started_at: Timestamp
    updated_at: Timestamp
    message: str | None


class Event(msgspec.Struct, frozen=True):
    """`result` is Success, Error, or None while it runs."""

    event: str
    started_at: Timestamp
    finished_at: Timestamp | None
    result: str | None
    host: str | None
    details: str | None
    traceback: str | None


_A = actions.c
_E = action_events.c
_ACTION_COLUMNS = [_A[name] for name in Action.__struct_fields__]
_OF_SERVER = Statement(
    select(*_ACTION_COLUMNS).where(_A.server_id == bindparam("server_id")).order_by(_A.number.desc())
)
_ONE = Statement(
    select(*_ACTION_COLUMNS)
    .where(_A.server_id == bindparam("server_id"), _A.request_id == bindparam("request_id"))
    .order_by(_A.number.desc())
    .limit(1)
)
_EVENTS = Statement(
    select(*(_E[name] for name in Event.__struct_fields__))
    .where(_E.server_id == bindparam("server_id"), _E.request_id == bindparam("request_id"))
    .order_by(_E.number.desc())
)


async def actions_of(db: Reader, server_id: str) -> list[Action]:
    """Newest first."""
    return [Action(*row) for row in await db.fetch_all(_OF_SERVER, server_id=server_id)]


async def action_of(db: Reader, server_id: str, request_id: str) -> Action | None:
    row = await db.fetch_one(_ONE, server_id=server_id, request_id=request_id)
    return None if row is None else Action(*row)


async def events_of(db: Reader, server_id: str, request_id: str) -> list[Event]:
    """Newest first, as Nova lists them."""
    return [Event(*row) for row in await db.fetch_all(_EVENTS, server_id=server_id, request_id=request_id)]
