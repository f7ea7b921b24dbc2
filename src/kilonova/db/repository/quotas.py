"""Limits that were set, and what is in use, counted live."""

from functools import lru_cache

import msgspec
from sqlalchemy import bindparam, func, select

from kilonova.contract.compute import FlavorOf
from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.hosts import quotas
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
