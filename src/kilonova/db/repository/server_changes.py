"""What is shown of a server's state, for events: of servers that changed, and of those changed since a moment."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from kilonova.contract.events import ServerChanged
from kilonova.db.database import Reader
from kilonova.db.statement import Statement, among, among_arguments, room_for
from kilonova.db.tables.servers import servers
from kilonova.model.ids import ServerId
from kilonova.model.server import VmState
from kilonova.model.time import Timestamp

_C = servers.c
_SHOWN = (_C.id, _C.project_id, _C.vm_state, _C.task_state, _C.power_state, _C.updated_at, _C.deleted)


@lru_cache(maxsize=16)
def _these(count: int) -> Statement:
    return Statement(select(*_SHOWN).where(among(_C.id, "id", count)))


async def states_of(db: Reader, server_ids: Sequence[ServerId], *, at: Timestamp) -> list[ServerChanged]:
    """Of each of them that there is (not empty, at most some hundred), deleted ones too."""
    room = room_for(len(server_ids))
    rows = await db.fetch_all(_these(room), **among_arguments("id", server_ids, room))
    return [_changed(row, at) for row in rows]


@lru_cache(maxsize=2)
def _since(*, of_project: bool) -> Statement:
    query = select(*_SHOWN).where(_C.updated_at >= bindparam("since"))
    if of_project:
        query = query.where(_C.project_id == bindparam("project_id"))
    return Statement(query.order_by(_C.updated_at, _C.id).limit(bindparam("most")))


async def changed_since(db: Reader, since: Timestamp, project_id: str | None, *, most: int) -> list[ServerChanged]:
    """The present state of servers touched since then, oldest change first; `at` is when. None: of all projects."""
    mine = {} if project_id is None else {"project_id": project_id}
    rows = await db.fetch_all(_since(of_project=project_id is not None), since=since, most=most, **mine)
    return [_changed(row, row[5]) for row in rows]


def _changed(row: Sequence[Any], at: Timestamp) -> ServerChanged:
    server_id, project_id, vm_state, task_state, power_state, _, deleted = row
    return ServerChanged(
        server_id=server_id,
        project_id=project_id,
        vm_state=VmState.DELETED.value if deleted else vm_state,
        task_state=None if deleted else task_state,
        power_state=power_state,
        at=at,
    )
