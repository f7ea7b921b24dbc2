"""A project's own limits, and the lock under which its use is counted."""

from typing import Any

from sqlalchemy import bindparam, select

from kilonova.db.database import Database, Reader, Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.db.statement import Statement, insert_into, update_columns
from kilonova.model.time import Timestamp
from kilonova.volume.store.json_column import packed, unpacked
from kilonova.volume.store.tables import projects

_LIMITS = Statement(select(projects.c.limits).where(projects.c.project_id == bindparam("project_id")))
_THERE = Statement(select(projects.c.touched_at).where(projects.c.project_id == bindparam("project_id")))
_TOUCH = update_columns(projects, ("touched_at",), ("project_id",))


async def limits(db: Reader, project_id: str) -> dict[str, int]:
    """The limits set for the project; those not set are the defaults."""
    found: Any = unpacked(await db.fetch_value(_LIMITS, project_id=project_id))
    return found or {}


async def set_limits(tx: Transaction, project_id: str, now: Timestamp, new: dict[str, int]) -> None:
    statement = update_columns(projects, ("limits", "touched_at"), ("project_id",))
    await tx.execute(statement, by_project_id=project_id, limits=packed(new), touched_at=now)


async def ensure(db: Database, project_id: str, now: Timestamp) -> None:
    """Make the project's row, in a transaction of its own: `lock` needs one."""
    if await db.fetch_value(_THERE, project_id=project_id) is not None:
        return
    try:
        async with db.begin() as tx:
            await tx.execute(insert_into(projects), project_id=project_id, limits="{}", touched_at=now)
    except AlreadyThere:
        return


async def lock(tx: Transaction, project_id: str, now: Timestamp) -> None:
    """Until the transaction ends nobody else counts and adds for this project."""
    await tx.execute(_TOUCH, by_project_id=project_id, touched_at=now)
