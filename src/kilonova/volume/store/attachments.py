"""Reading and writing attachments."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, among, among_arguments, delete_by, insert_into, room_for, update_columns
from kilonova.model.volume import AttachStatus
from kilonova.volume.records import Attachment
from kilonova.volume.store.json_column import packed, unpacked
from kilonova.volume.store.listing import Page, rows
from kilonova.volume.store.tables import attachments

_JSON = ("connector", "connection_info")
_ATTACHMENT = Statement(select(attachments).where(attachments.c.id == bindparam("id")))


@lru_cache(maxsize=16)
def _of_volumes(room: int) -> Statement:
    chosen = select(attachments).where(among(attachments.c.volume_id, "id", room))
    return Statement(chosen.order_by(attachments.c.created_at))


async def find(db: Reader, attachment_id: str) -> Attachment | None:
    row = await db.row(_ATTACHMENT, id=attachment_id)
    return None if row is None else _attachment(row)


async def page(db: Reader, wanted: Page) -> list[Attachment]:
    return [_attachment(row) for row in await rows(db, attachments, wanted)]


async def of_volumes(db: Reader, volume_ids: Sequence[str]) -> dict[str, list[Attachment]]:
    """By volume, oldest first: one query, however many volumes."""
    found: dict[str, list[Attachment]] = {volume_id: [] for volume_id in volume_ids}
    if volume_ids:
        room = room_for(len(volume_ids))
        for row in await db.rows(_of_volumes(room), **among_arguments("id", volume_ids, room)):
            found[row["volume_id"]].append(_attachment(row))
    return found


async def of_volume(db: Reader, volume_id: str) -> list[Attachment]:
    return (await of_volumes(db, [volume_id]))[volume_id]


def _attachment(row: dict[str, Any]) -> Attachment:
    for name in _JSON:
        row[name] = unpacked(row[name])
    row["status"] = AttachStatus(row["status"])
    return Attachment(**row)


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: packed(value) if name in _JSON else value for name, value in columns.items()}
    if "status" in plain:
        plain["status"] = str(plain["status"])
    return plain


async def add(tx: Transaction, attachment: Attachment) -> None:
    await tx.execute(insert_into(attachments), **_plain(msgspec.structs.asdict(attachment)))


async def change(tx: Transaction, attachment_id: str, **columns: Any) -> bool:
    """False when there is no such attachment any more."""
    statement = update_columns(attachments, tuple(sorted(columns)))
    return await tx.execute(statement, by_id=attachment_id, **_plain(columns)) == 1


async def remove(tx: Transaction, attachment_id: str) -> None:
    await tx.execute(delete_by(attachments), id=attachment_id)


async def remove_all(tx: Transaction, volume_id: str) -> None:
    await tx.execute(delete_by(attachments, ("volume_id",)), volume_id=volume_id)
