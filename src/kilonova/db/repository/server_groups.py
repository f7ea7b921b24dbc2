"""Server groups."""

from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import server_groups

_C = server_groups.c
_OWNER = Statement(select(_C.project_id).where(_C.id == bindparam("id")))


async def exists(db: Reader, group_id: str, *, project_id: str) -> bool:
    """Whether the project has such a group."""
    return bool(await db.fetch_value(_OWNER, id=group_id) == project_id)
