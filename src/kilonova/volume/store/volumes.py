"""Reading and writing volumes and their metadata."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, null, or_, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, among, among_arguments, delete_by, insert_into, room_for, update_columns
from kilonova.model.time import Timestamp
from kilonova.model.volume import VolumeStatus
from kilonova.volume.records import Volume
from kilonova.volume.store.json_column import packed, unpacked
from kilonova.volume.store.listing import Page, rows
from kilonova.volume.store.listing import count as count_rows
from kilonova.volume.store.tables import migrations, volume_metadata, volumes

_JSON = ("image_metadata", "work")
_FLAGS = ("bootable", "read_only", "multiattach")
_VOLUME = Statement(select(volumes).where(volumes.c.id == bindparam("id")))
_USAGE = Statement(
    select(func.count(), func.coalesce(func.sum(volumes.c.size), 0)).where(
        volumes.c.project_id == bindparam("project_id")
    )
)
_MADE_FROM = Statement(
    select(func.count()).where(
        or_(volumes.c.snapshot_id == bindparam("source"), volumes.c.source_id == bindparam("source")),
        volumes.c.status == VolumeStatus.CREATING.value,
    )
)
_OF_TYPE = Statement(select(func.count()).where(volumes.c.type_id == bindparam("type_id")))


@lru_cache(maxsize=16)
def _metadata_of(room: int) -> Statement:
    """Their metadata by name, and under no name how far their migration is."""
    m, v = migrations.c, volume_metadata.c
    migrating = select(m.volume_id, null().label("name"), m.status.label("value")).where(among(m.volume_id, "id", room))
    named = select(v.volume_id, v.name, v.value).where(among(v.volume_id, "id", room))
    return Statement(named.union_all(migrating).order_by("name"))


@lru_cache(maxsize=16)
def _in_status(room: int) -> Statement:
    return Statement(select(volumes).where(among(volumes.c.status, "status", room)).order_by(volumes.c.created_at))


@lru_cache(maxsize=64)
def _turn(columns: tuple[str, ...], room: int) -> Statement:
    """Update by id, only from one of some statuses."""
    return Statement(
        volumes.update()
        .where(volumes.c.id == bindparam("by_id"), among(volumes.c.status, "was", room))
        .values({name: bindparam(name) for name in columns})
    )


async def find(db: Reader, volume_id: str) -> Volume | None:
    row = await db.row(_VOLUME, id=volume_id)
    return None if row is None else (await _complete(db, [row]))[0]


async def page(db: Reader, wanted: Page) -> list[Volume]:
    return await _complete(db, await rows(db, volumes, wanted))


async def count(db: Reader, wanted: Page) -> int:
    """How many there are on all pages."""
    return await count_rows(db, volumes, wanted)


async def in_status(db: Reader, statuses: Iterable[VolumeStatus]) -> list[Volume]:
    """Oldest first."""
    values = [status.value for status in statuses]
    room = room_for(len(values))
    return await _complete(db, await db.rows(_in_status(room), **among_arguments("status", values, room)))


async def _complete(db: Reader, found: Sequence[dict[str, Any]]) -> list[Volume]:
    """With their metadata and migrations: one more query, however many."""
    if not found:
        return []
    room = room_for(len(found))
    metadata: dict[str, dict[str | None, str]] = {}
    arguments = among_arguments("id", [row["id"] for row in found], room)
    for volume_id, name, value in await db.fetch_all(_metadata_of(room), **arguments):
        metadata.setdefault(volume_id, {})[name] = value
    return [_volume(row, metadata.get(row["id"], {})) for row in found]


def _volume(row: dict[str, Any], kept: dict[str | None, str]) -> Volume:
    for name in _JSON:
        row[name] = unpacked(row[name])
    for name in _FLAGS:
        row[name] = bool(row[name])
    row["status"] = VolumeStatus(row["status"])
    if row["previous_status"] is not None:
        row["previous_status"] = VolumeStatus(row["previous_status"])
    metadata = {name: value for name, value in kept.items() if name is not None}
    return Volume(**row, metadata=metadata, migration_status=kept.get(None))


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    """As the drivers take it."""
    plain = dict(columns)
    for name in _JSON:
        if name in plain:
            plain[name] = packed(plain[name])
    for name in _FLAGS:
        if name in plain:
            plain[name] = int(plain[name])
    for name in ("status", "previous_status"):
        if plain.get(name) is not None:
            plain[name] = str(plain[name])
    return plain


async def add(tx: Transaction, volume: Volume) -> None:
    columns = msgspec.structs.asdict(volume)
    metadata = columns.pop("metadata")
    migration = columns.pop("migration_status")
    await tx.execute(insert_into(volumes), **_plain(columns))
    await _add_metadata(tx, volume.id, metadata)
    if migration is not None:
        await set_migration(tx, volume.id, migration)


async def change(tx: Transaction, volume_id: str, now: Timestamp, **columns: Any) -> bool:
    """False when there is no such volume any more."""
    columns["updated_at"] = now
    return await tx.execute(update_columns(volumes, tuple(sorted(columns))), by_id=volume_id, **_plain(columns)) == 1


async def lock(tx: Transaction, volume_id: str, now: Timestamp) -> Volume | None:
    """The volume as it is, and as nobody else may change it until the transaction ends."""
    await change(tx, volume_id, now)
    return await find(tx, volume_id)


async def turn(tx: Transaction, volume_id: str, now: Timestamp, was: Iterable[VolumeStatus], **columns: Any) -> bool:
    """Change while the status is one of `was`; False when it is not, or not any more."""
    columns["updated_at"] = now
    values = [status.value for status in was]
    room = room_for(len(values))
    statement = _turn(tuple(sorted(columns)), room)
    given = {**_plain(columns), **among_arguments("was", values, room)}
    return await tx.execute(statement, by_id=volume_id, **given) == 1


async def set_metadata(tx: Transaction, volume_id: str, metadata: Mapping[str, str]) -> None:
    """All of it; what was there before goes."""
    await tx.execute(delete_by(volume_metadata, ("volume_id",)), volume_id=volume_id)
    await _add_metadata(tx, volume_id, metadata)


async def _add_metadata(tx: Transaction, volume_id: str, metadata: Mapping[str, str]) -> None:
    if metadata:
        many = [{"volume_id": volume_id, "name": name, "value": value} for name, value in metadata.items()]
        await tx.execute_many(insert_into(volume_metadata), many)


async def set_migration(tx: Transaction, volume_id: str, status: str | None) -> None:
    """None for a volume that is not migrating and never was."""
    await tx.execute(delete_by(migrations, ("volume_id",)), volume_id=volume_id)
    if status is not None:
        await tx.execute(insert_into(migrations), volume_id=volume_id, status=status)


async def remove(tx: Transaction, volume_id: str) -> None:
    await set_migration(tx, volume_id, None)
    await tx.execute(delete_by(volume_metadata, ("volume_id",)), volume_id=volume_id)
    await tx.execute(delete_by(volumes), id=volume_id)


async def usage(db: Reader, project_id: str) -> tuple[int, int]:
    """How many volumes a project has, and their GiB."""
    row = await db.fetch_one(_USAGE, project_id=project_id)
    assert row is not None
    return int(row[0]), int(row[1])


async def of_type(db: Reader, type_id: str) -> int:
    return int(await db.fetch_value(_OF_TYPE, type_id=type_id))


async def being_made_from(db: Reader, source_id: str) -> bool:
    """Whether a volume or snapshot is being copied into a new volume."""
    return int(await db.fetch_value(_MADE_FROM, source=source_id)) > 0
