"""What the servers of a host take, by project."""

import msgspec
from sqlalchemy import bindparam, func, select

from kilonova.contract.compute import FlavorOf
from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import servers

_S = servers.c
_USED = Statement(
    select(_S.project_id, _S.flavor, func.count())
    .where(_S.host == bindparam("host"), _S.deleted == 0)
    .group_by(_S.project_id, _S.flavor)
)


class Used(msgspec.Struct, frozen=True):
    """Memory in MiB, disk in GiB."""

    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0


async def by_project(db: Reader, host: str) -> dict[str, Used]:
    found: dict[str, Used] = {}
    for project_id, flavor, count in await db.fetch_all(_USED, host=host):
        size = msgspec.json.decode(flavor, type=FlavorOf)
        before = found.get(project_id, Used())
        found[project_id] = Used(
            before.vcpus + size.vcpus * count,
            before.memory_mib + size.memory_mib * count,
            before.disk_gib + (size.root_gib + size.ephemeral_gib) * count,
        )
    return found
