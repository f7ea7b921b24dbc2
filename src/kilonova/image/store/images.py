"""Reading and writing images with their tags, properties and members."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, select

from kilonova.db.database import Reader, Row, Transaction
from kilonova.db.statement import Statement, among, among_arguments, delete_by, insert_into, room_for, update_columns
from kilonova.image.store.tables import images, members, properties, tags
from kilonova.model.ids import ImageId
from kilonova.model.image import Image, ImageStatus, Membership, Visibility
from kilonova.model.time import Timestamp

_IMAGE = Statement(select(images).where(images.c.id == bindparam("id")))
_MEMBER = Statement(
    select(members).where(members.c.image_id == bindparam("image_id"), members.c.member_id == bindparam("member_id"))
)
_MEMBERS = Statement(select(members).where(members.c.image_id == bindparam("image_id")).order_by(members.c.created_at))
_USED_BYTES = Statement(select(func.coalesce(func.sum(images.c.size), 0)).where(images.c.owner == bindparam("owner")))
_IN_STATUS = Statement(select(images.c.id).where(images.c.status == bindparam("status")))


@lru_cache(maxsize=16)
def _tags_of(room: int) -> Statement:
    return Statement(select(tags.c.image_id, tags.c.tag).where(among(tags.c.image_id, "id", room)).order_by(tags.c.tag))


@lru_cache(maxsize=16)
def _properties_of(room: int) -> Statement:
    wanted = select(properties.c.image_id, properties.c.name, properties.c.value)
    return Statement(wanted.where(among(properties.c.image_id, "id", room)).order_by(properties.c.name))


async def find(db: Reader, image_id: str) -> Image | None:
    row = await db.fetch_one(_IMAGE, id=image_id)
    return None if row is None else (await complete(db, [row]))[0]


async def complete(db: Reader, rows: Sequence[Row]) -> list[Image]:
    """Images of their rows, tags and properties added: two more queries, however many rows."""
    if not rows:
        return []
    ids = [row[0] for row in rows]
    room = room_for(len(ids))
    arguments = among_arguments("id", ids, room)
    tags_by_image: dict[str, list[str]] = {}
    for image_id, tag in await db.fetch_all(_tags_of(room), **arguments):
        tags_by_image.setdefault(image_id, []).append(tag)
    properties_by_image: dict[str, dict[str, str]] = {}
    for image_id, name, value in await db.fetch_all(_properties_of(room), **arguments):
        properties_by_image.setdefault(image_id, {})[name] = value
    return [_image(row, tags_by_image.get(row[0], []), properties_by_image.get(row[0], {})) for row in rows]


def _image(row: Row, its_tags: list[str], its_properties: dict[str, str]) -> Image:
    (id_, name, status, visibility, owner, disk_format, container_format, size, virtual_size, checksum, algo, value,
     min_disk, min_ram, protected, hidden, created_at, updated_at) = row  # fmt: skip
    return Image(
        id=id_, name=name, status=ImageStatus(status), visibility=Visibility(visibility), owner=owner,
        disk_format=disk_format, container_format=container_format, size=size, virtual_size=virtual_size,
        checksum=checksum, os_hash_algo=algo, os_hash_value=value, min_disk=min_disk, min_ram=min_ram,
        protected=bool(protected), os_hidden=bool(hidden), created_at=created_at, updated_at=updated_at,
        properties=its_properties, tags=tuple(its_tags),
    )  # fmt: skip


async def add(tx: Transaction, image: Image) -> None:
    """Errors: AlreadyThere."""
    columns = {column.name: getattr(image, column.name) for column in images.columns}
    await tx.execute(insert_into(images), **{**columns, **_plain(columns)})
    await _add_tags(tx, image.id, image.tags)
    await _add_properties(tx, image.id, image.properties)


async def change(tx: Transaction, before: Image, after: Image) -> None:
    """Write what differs between the two."""
    changed = {
        column.name: getattr(after, column.name)
        for column in images.columns
        if getattr(before, column.name) != getattr(after, column.name)
    }
    await set_columns(tx, before.id, changed)
    for tag in set(before.tags) - set(after.tags):
        await tx.execute(delete_by(tags, ("image_id", "tag")), image_id=before.id, tag=tag)
    await _add_tags(tx, before.id, sorted(set(after.tags) - set(before.tags)))
    gone = {name for name, value in before.properties.items() if after.properties.get(name) != value}
    for name in gone:
        await tx.execute(delete_by(properties, ("image_id", "name")), image_id=before.id, name=name)
    new = {name: value for name, value in after.properties.items() if before.properties.get(name) != value}
    await _add_properties(tx, before.id, new)


async def set_columns(tx: Transaction, image_id: ImageId, changed: Mapping[str, Any]) -> None:
    if changed:
        await tx.execute(update_columns(images, tuple(sorted(changed))), by_id=image_id, **_plain(changed))


async def turn(
    tx: Transaction, image_id: ImageId, was: ImageStatus, becomes: ImageStatus, now: Timestamp, **also: Any
) -> bool:
    """Set the status if it still is `was`; False when somebody was quicker."""
    changed = {**also, "status": becomes.value, "updated_at": now}
    statement = update_columns(images, tuple(sorted(changed)), ("id", "status"))
    return await tx.execute(statement, by_id=image_id, by_status=was.value, **_plain(changed)) == 1


async def remove(tx: Transaction, image_id: ImageId) -> None:
    for table in (tags, properties, members):
        await tx.execute(delete_by(table, ("image_id",)), image_id=image_id)
    await tx.execute(delete_by(images), id=image_id)


async def used_bytes(db: Reader, owner: str | None) -> int:
    """The sizes of a project's images, added."""
    return int(await db.fetch_value(_USED_BYTES, owner=owner))


async def in_status(db: Reader, status: ImageStatus) -> list[ImageId]:
    return [ImageId(row[0]) for row in await db.fetch_all(_IN_STATUS, status=status.value)]


async def membership(db: Reader, image_id: str, member_id: str | None) -> Membership | None:
    row = await db.fetch_one(_MEMBER, image_id=image_id, member_id=member_id)
    return None if row is None else _membership(row)


async def memberships(db: Reader, image_id: ImageId) -> list[Membership]:
    return [_membership(row) for row in await db.fetch_all(_MEMBERS, image_id=image_id)]


async def add_member(tx: Transaction, member: Membership) -> None:
    """Errors: AlreadyThere."""
    columns = {name: getattr(member, name) for name in ("image_id", "member_id", "status", "created_at", "updated_at")}
    await tx.execute(insert_into(members), **columns)


async def answer_member(tx: Transaction, member: Membership, status: str, now: Timestamp) -> None:
    statement = update_columns(members, ("status", "updated_at"), ("image_id", "member_id"))
    await tx.execute(
        statement, by_image_id=member.image_id, by_member_id=member.member_id, status=status, updated_at=now
    )


async def remove_member(tx: Transaction, image_id: ImageId, member_id: str) -> bool:
    statement = delete_by(members, ("image_id", "member_id"))
    return await tx.execute(statement, image_id=image_id, member_id=member_id) == 1


def _membership(row: Row) -> Membership:
    image_id, member_id, status, created_at, updated_at = row
    return Membership(
        image_id=image_id, member_id=member_id, status=status, created_at=created_at, updated_at=updated_at
    )


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    """As the drivers take it: enums are text, flags 0 and 1."""
    plain = dict(columns)
    for name in ("status", "visibility"):
        if name in plain:
            plain[name] = str(plain[name])
    for name in ("protected", "os_hidden"):
        if name in plain:
            plain[name] = int(plain[name])
    return plain


async def _add_tags(tx: Transaction, image_id: ImageId, new: Sequence[str]) -> None:
    if new:
        await tx.execute_many(insert_into(tags), [{"image_id": image_id, "tag": tag} for tag in new])


async def _add_properties(tx: Transaction, image_id: ImageId, new: Mapping[str, str]) -> None:
    if new:
        rows = [{"image_id": image_id, "name": name, "value": value} for name, value in new.items()]
        await tx.execute_many(insert_into(properties), rows)
