"""Server groups, with the living servers in them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, among, among_arguments, delete_by, insert_into, room_for
from kilonova.db.tables.servers import server_groups, servers
from kilonova.model.server_group import ServerGroup, ServerGroupNotFound

_C = server_groups.c
_COLUMNS = (_C.id, _C.project_id, _C.user_id, _C.name, _C.policy, _C.rules)
_OWNER = Statement(select(_C.project_id).where(_C.id == bindparam("id")))
_ONE = Statement(select(*_COLUMNS).where(_C.id == bindparam("id")))
_LIST = select(*_COLUMNS).order_by(_C.number).limit(bindparam("page")).offset(bindparam("skipped"))
_OF_ALL = Statement(_LIST)
_OF_PROJECT = Statement(_LIST.where(_C.project_id == bindparam("project_id")))
_COUNT = Statement(select(_C.user_id, func.count()).where(_C.project_id == bindparam("project")).group_by(_C.user_id))


@lru_cache(maxsize=16)
def _members(room: int) -> Statement:
    return Statement(
        select(servers.c.group_id, servers.c.id)
        .where(among(servers.c.group_id, "group", room), servers.c.deleted == 0)
        .order_by(servers.c.number)
    )


async def exists(db: Reader, group_id: str, *, project_id: str) -> bool:
    """Whether the project has such a group."""
    return bool(await db.fetch_value(_OWNER, id=group_id) == project_id)


async def get(db: Reader, group_id: str) -> ServerGroup:
    """Errors: ServerGroupNotFound."""
    row = await db.fetch_one(_ONE, id=group_id)
    if row is None:
        raise ServerGroupNotFound(group_id)
    (group,) = await _with_members(db, [ServerGroup(*row)])
    return group


async def listed(db: Reader, *, project_id: str | None, limit: int, offset: int) -> list[ServerGroup]:
    """Oldest first; `project_id` None lists everybody's."""
    if project_id is None:
        rows = await db.fetch_all(_OF_ALL, page=limit, skipped=offset)
    else:
        rows = await db.fetch_all(_OF_PROJECT, project_id=project_id, page=limit, skipped=offset)
    return await _with_members(db, [ServerGroup(*row) for row in rows])


async def _with_members(db: Reader, groups: Sequence[ServerGroup]) -> list[ServerGroup]:
    if not groups:
        return []
    found: dict[str, list[str]] = {}
    room = room_for(len(groups))
    arguments = among_arguments("group", [group.id for group in groups], room)
    for group_id, server_id in await db.fetch_all(_members(room), **arguments):
        found.setdefault(group_id, []).append(server_id)
    return [msgspec.structs.replace(group, members=tuple(found.get(group.id, ()))) for group in groups]


async def counts(db: Reader, project_id: str) -> dict[str, int]:
    """user → how many groups they have in the project."""
    return {row[0]: row[1] for row in await db.fetch_all(_COUNT, project=project_id)}


async def insert(tx: Transaction, **columns: Any) -> None:
    await tx.execute(insert_into(server_groups), **columns)


async def delete(tx: Transaction, group_id: str) -> None:
    """Errors: ServerGroupNotFound."""
    if not await tx.execute(delete_by(server_groups), id=group_id):
        raise ServerGroupNotFound(group_id)
