"""Reading and writing snapshots."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, among, among_arguments, delete_by, insert_into, room_for, update_columns
from kilonova.model.time import Timestamp
from kilonova.model.volume import SnapshotStatus
from kilonova.volume.records import Snapshot
from kilonova.volume.store.json_column import packed, unpacked
from kilonova.volume.store.listing import Page, rows
from kilonova.volume.store.tables import snapshots

_JSON = ("metadata", "image_metadata")
_SNAPSHOT = Statement(select(snapshots).where(snapshots.c.id == bindparam("id")))
_OF_VOLUME = Statement(select(snapshots).where(snapshots.c.volume_id == bindparam("volume_id")))
_USAGE = Statement(
    select(func.count(), func.coalesce(func.sum(snapshots.c.size), 0)).where(
        snapshots.c.project_id == bindparam("project_id")
    )
)


@lru_cache(maxsize=16)
def _in_status(room: int) -> Statement:
    return Statement(select(snapshots).where(among(snapshots.c.status, "status", room)))


async def find(db: Reader, snapshot_id: str) -> Snapshot | None:
    row = await db.row(_SNAPSHOT, id=snapshot_id)
    return None if row is None else _snapshot(row)


async def page(db: Reader, wanted: Page) -> list[Snapshot]:
    return [_snapshot(row) for row in await rows(db, snapshots, wanted)]


async def of_volume(db: Reader, volume_id: str) -> list[Snapshot]:
    return [_snapshot(row) for row in await db.rows(_OF_VOLUME, volume_id=volume_id)]


async def in_status(db: Reader, statuses: Iterable[SnapshotStatus]) -> list[Snapshot]:
    values = [status.value for status in statuses]
    room = room_for(len(values))
    found = await db.rows(_in_status(room), **among_arguments("status", values, room))
    return [_snapshot(row) for row in found]


def _snapshot(row: dict[str, Any]) -> Snapshot:
    for name in _JSON:
        row[name] = unpacked(row[name])
    row["status"] = SnapshotStatus(row["status"])
    return Snapshot(**row)


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: packed(value) if name in _JSON else value for name, value in columns.items()}
    if "status" in plain:
        plain["status"] = str(plain["status"])
    return plain


async def add(tx: Transaction, snapshot: Snapshot) -> None:
    await tx.execute(insert_into(snapshots), **_plain(msgspec.structs.asdict(snapshot)))


async def change(tx: Transaction, snapshot_id: str, now: Timestamp, **columns: Any) -> bool:
    columns["updated_at"] = now
    statement = update_columns(snapshots, tuple(sorted(columns)))
    return await tx.execute(statement, by_id=snapshot_id, **_plain(columns)) == 1


async def lock(tx: Transaction, snapshot_id: str, now: Timestamp) -> Snapshot | None:
    """The snapshot as it is, and as nobody else may change it until the transaction ends."""
    await change(tx, snapshot_id, now)
    return await find(tx, snapshot_id)


async def remove(tx: Transaction, snapshot_id: str) -> None:
    await tx.execute(delete_by(snapshots), id=snapshot_id)


async def usage(db: Reader, project_id: str) -> tuple[int, int]:
    """How many snapshots a project has, and their GiB."""
    row = await db.fetch_one(_USAGE, project_id=project_id)
    assert row is not None
    return int(row[0]), int(row[1])
