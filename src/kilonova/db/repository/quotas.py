"""Limits that were set, and what is in use, counted live."""

from functools import lru_cache

import msgspec
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import mysql, postgresql

from kilonova.contract.compute import FlavorOf
from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.db.tables.hosts import quota_turns, quotas
from kilonova.db.tables.servers import servers

_Q = quotas.c
_S = servers.c

_SET = Statement(
    select(_Q.project_id, _Q.user_id, _Q.resource, _Q.hard_limit).where(
        _Q.project_id.in_([bindparam("project"), bindparam("nobody")])
    )
)
_USED = Statement(
    select(_S.user_id, _S.flavor, func.count())
    .where(_S.project_id == bindparam("project"), _S.deleted == 0)
    .group_by(_S.user_id, _S.flavor)
)
_IN_GROUP = Statement(
    select(func.count()).where(_S.group_id == bindparam("group"), _S.user_id == bindparam("user"), _S.deleted == 0)
)

_T = quota_turns.c
_TURN = {
    "postgresql": Statement(
        postgresql.insert(quota_turns)
        .values(project_id=bindparam("project"), taken=1)
        .on_conflict_do_update(index_elements=[_T.project_id], set_={"taken": _T.taken + 1})
    ),
    "mysql": Statement(
        mysql.insert(quota_turns)
        .values(project_id=bindparam("project"), taken=1)
        .on_duplicate_key_update(taken=_T.taken + 1)
    ),
}


class Usage(msgspec.Struct, frozen=True):
    """What servers take; `ram` in MiB."""

    instances: int = 0
    cores: int = 0
    ram: int = 0

    def plus(self, other: "Usage") -> "Usage":
        return Usage(self.instances + other.instances, self.cores + other.cores, self.ram + other.ram)


async def limits_set(db: Reader, project_id: str) -> dict[tuple[str, str], int]:
    """(whose, resource) → limit; `whose` is 'class' for everybody's default, '' the project, else a user's id."""
    rows = await db.fetch_all(_SET, project=project_id, nobody="")
    return {("class" if not project else user, resource): limit for project, user, resource, limit in rows}


async def take_turn(tx: Transaction, project_id: str) -> None:
    """Nobody else counts what the project uses, in order to use more, before `tx` ends.

    SQLite has one writer at a time anyhow; the others show a transaction only what was committed.
    """
    if tx.dialect in _TURN:
        await tx.execute(_TURN[tx.dialect], project=project_id)


async def usage(db: Reader, project_id: str) -> dict[str, Usage]:
    """What each user's servers take in the project; the sum is the project's."""
    used: dict[str, Usage] = {}
    for user, flavor, count in await db.fetch_all(_USED, project=project_id):
        vcpus, memory_mib = _size(flavor)
        used[user] = used.get(user, Usage()).plus(Usage(count, vcpus * count, memory_mib * count))
    return used


def total(used: dict[str, Usage]) -> Usage:
    whole = Usage()
    for one in used.values():
        whole = whole.plus(one)
    return whole


@lru_cache(maxsize=1024)
def _size(flavor: str) -> tuple[int, int]:
    copy = msgspec.json.decode(flavor, type=FlavorOf)
    return copy.vcpus, copy.memory_mib


async def members_in_group(db: Reader, group_id: str, user_id: str) -> int:
    return int(await db.fetch_value(_IN_GROUP, group=group_id, user=user_id))


_OF_CLASS = Statement(select(_Q.resource, _Q.hard_limit).where(_Q.project_id == bindparam("owner"), _Q.user_id == ""))


def _class_owner(name: str) -> str:
    """How the table names a class: the one that holds for everybody is nobody's project."""
    return "" if name == "default" else f"class:{name}"


async def class_limits(db: Reader, name: str) -> dict[str, int]:
    """What is set for a class of quotas, by resource."""
    return {row[0]: row[1] for row in await db.fetch_all(_OF_CLASS, owner=_class_owner(name))}


async def set_class_limit(tx: Transaction, name: str, resource: str, limit: int) -> None:
    await set_limit(tx, _class_owner(name), "", resource, limit)


async def set_limit(tx: Transaction, project_id: str, user_id: str, resource: str, limit: int) -> None:
    """Of a user in a project, or (user '') of the project."""
    if await tx.execute(
        update_columns(quotas, ("hard_limit",), ("project_id", "user_id", "resource")),
        by_project_id=project_id,
        by_user_id=user_id,
        by_resource=resource,
        hard_limit=limit,
    ):
        return
    await tx.execute(insert_into(quotas), project_id=project_id, user_id=user_id, resource=resource, hard_limit=limit)


async def forget_project(tx: Transaction, project_id: str) -> None:
    """Back to the defaults, for all of its users too."""
    await tx.execute(delete_by(quotas, ("project_id",)), project_id=project_id)


async def forget_user(tx: Transaction, project_id: str, user_id: str) -> None:
    await tx.execute(delete_by(quotas, ("project_id", "user_id")), project_id=project_id, user_id=user_id)
