"""Reading and writing volume types and who may use the private ones."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.volume.records import VolumeType
from kilonova.volume.store.json_column import packed, unpacked
from kilonova.volume.store.tables import type_access, types

_ALL = Statement(select(types).order_by(types.c.created_at, types.c.id))
_ONE = Statement(select(types).where(or_(types.c.id == bindparam("key"), types.c.name == bindparam("key"))))
_ACCESS = Statement(select(type_access).where(type_access.c.type_id == bindparam("type_id")))
_MINE = Statement(select(type_access.c.type_id).where(type_access.c.project_id == bindparam("project_id")))


async def every(db: Reader) -> list[VolumeType]:
    """Oldest first."""
    return [_type(row) for row in await db.rows(_ALL)]


async def find(db: Reader, key: str) -> VolumeType | None:
    """By id or by name."""
    found = [_type(row) for row in await db.rows(_ONE, key=key)]
    return next((one for one in found if one.id == key), found[0] if found else None)


def _type(row: dict[str, Any]) -> VolumeType:
    row["extra_specs"] = unpacked(row["extra_specs"])
    row["is_public"] = bool(row["is_public"])
    return VolumeType(**row)


async def add(tx: Transaction, one: VolumeType) -> None:
    """Errors: AlreadyThere."""
    columns = msgspec.structs.asdict(one)
    columns["extra_specs"] = packed(one.extra_specs)
    columns["is_public"] = int(one.is_public)
    await tx.execute(insert_into(types), **columns)


async def change(tx: Transaction, type_id: str, **columns: Any) -> None:
    """Errors: AlreadyThere."""
    if "extra_specs" in columns:
        columns["extra_specs"] = packed(columns["extra_specs"])
    if "is_public" in columns:
        columns["is_public"] = int(columns["is_public"])
    await tx.execute(update_columns(types, tuple(sorted(columns))), by_id=type_id, **columns)


async def remove(tx: Transaction, type_id: str) -> None:
    await tx.execute(delete_by(type_access, ("type_id",)), type_id=type_id)
    await tx.execute(delete_by(types), id=type_id)


async def granted_to(db: Reader, project_id: str | None) -> set[str]:
    """Ids of the private types a project may use."""
    return {row[0] for row in await db.fetch_all(_MINE, project_id=project_id)}


async def projects_of(db: Reader, type_id: str) -> list[str]:
    return sorted(row[1] for row in await db.fetch_all(_ACCESS, type_id=type_id))


async def grant(tx: Transaction, type_id: str, project_id: str) -> None:
    """Errors: AlreadyThere."""
    await tx.execute(insert_into(type_access), type_id=type_id, project_id=project_id)


async def revoke(tx: Transaction, type_id: str, project_id: str) -> bool:
    statement = delete_by(type_access, ("type_id", "project_id"))
    return await tx.execute(statement, type_id=type_id, project_id=project_id) == 1
