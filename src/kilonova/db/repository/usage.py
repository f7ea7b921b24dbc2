"""Servers that ran in a span of time, for accounts of what they used. Deleted ones are there too."""

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, or_, select

from kilonova.contract.compute import FlavorOf
from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import servers
from kilonova.model.ids import ServerId
from kilonova.model.time import Timestamp


class Ran(msgspec.Struct, frozen=True):
    """`ended_at` None: it still runs (or rests). `flavor` is JSON text of FlavorOf."""

    id: ServerId
    project_id: str
    name: str
    flavor: str
    vm_state: str
    launched_at: Timestamp
    ended_at: Timestamp | None

    def size(self) -> FlavorOf:
        return msgspec.json.decode(self.flavor, type=FlavorOf)


_S = servers.c
_COLUMNS = (_S.id, _S.project_id, _S.name, _S.flavor, _S.vm_state, _S.launched_at, _S.terminated_at)
_OWNER = Statement(select(_S.project_id).where(_S.id == bindparam("id")))


@lru_cache(maxsize=8)
def _statement(of_project: bool, paged: bool, after_marker: bool) -> Statement:
    query = select(*_COLUMNS).where(
        _S.launched_at <= bindparam("stop"),
        or_(_S.terminated_at.is_(None), _S.terminated_at > bindparam("start")),
    )
    if of_project:
        query = query.where(_S.project_id == bindparam("project"))
    if after_marker:
        later = and_(_S.project_id == bindparam("after_project"), _S.id > bindparam("after_id"))
        query = query.where(or_(_S.project_id > bindparam("after_project"), later))
    query = query.order_by(_S.project_id, _S.id)
    return Statement(query.limit(bindparam("page")) if paged else query)


async def ran(
    db: Reader,
    *,
    start: Timestamp,
    stop: Timestamp,
    project_id: str | None = None,
    limit: int | None = None,
    after: tuple[str, str] | None = None,
) -> list[Ran]:
    """By project, then by id; `project_id` None means everybody's; `after` is (project, id) of the last one seen."""
    arguments: dict[str, Any] = {"start": start, "stop": stop}
    if project_id is not None:
        arguments["project"] = project_id
    if limit is not None:
        arguments["page"] = limit
    if after is not None:
        arguments |= {"after_project": after[0], "after_id": after[1]}
    statement = _statement(project_id is not None, limit is not None, after is not None)
    return [Ran(*row) for row in await db.fetch_all(statement, **arguments)]


async def owner_of(db: Reader, server_id: str) -> str | None:
    """The project of a server, deleted or not."""
    found = await db.fetch_value(_OWNER, id=server_id)
    return None if found is None else str(found)
