"""Migration records, to be read: lists by filters and pages. What moves a server writes them (`migrations`)."""

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, or_, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import migrations
from kilonova.model.time import Timestamp

LIVE = "live-migration"
IN_PROGRESS = ("queued", "preparing", "running", "post-migrating")


class Move(msgspec.Struct, frozen=True):
    """`number` is the id clients know, flavors are JSON text of FlavorOf or None; memory and disk in bytes."""

    number: int
    id: str
    server_id: str
    project_id: str
    user_id: str
    migration_type: str
    status: str
    source_compute: str | None
    source_node: str | None
    dest_compute: str | None
    dest_node: str | None
    dest_host: str | None
    old_flavor: str | None
    new_flavor: str | None
    memory_total: int | None
    memory_processed: int | None
    memory_remaining: int | None
    disk_total: int | None
    disk_processed: int | None
    disk_remaining: int | None
    created_at: Timestamp
    updated_at: Timestamp

    @property
    def is_live(self) -> bool:
        return self.migration_type == LIVE

    @property
    def in_progress(self) -> bool:
        return self.status in IN_PROGRESS


_M = migrations.c
_COLUMNS = [_M[name] for name in Move.__struct_fields__]

# A filter's name → its condition on the argument of that name.
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "host": or_(_M.source_compute == bindparam("host"), _M.dest_compute == bindparam("host")),
    "instance_uuid": _M.server_id == bindparam("instance_uuid"),
    "source_compute": _M.source_compute == bindparam("source_compute"),
    "status": _M.status == bindparam("status"),
    "migration_type": _M.migration_type == bindparam("migration_type"),
    "project_id": _M.project_id == bindparam("project_id"),
    "user_id": _M.user_id == bindparam("user_id"),
    "since": _M.updated_at >= bindparam("since"),
    "before": _M.updated_at <= bindparam("before"),
    "marker": _M.number < bindparam("marker"),
}
FILTERS = frozenset({"host", "instance_uuid", "source_compute", "status", "migration_type", "project_id", "user_id"})

_BY_ID = Statement(select(_M.number).where(_M.id == bindparam("id")))
_ONE = Statement(select(*_COLUMNS).where(_M.number == bindparam("number"), _M.server_id == bindparam("server_id")))
_LIVE_ONES = Statement(
    select(*_COLUMNS)
    .where(
        _M.server_id == bindparam("server_id"), _M.migration_type == LIVE, _M.status.in_(IN_PROGRESS)
    )
    .order_by(_M.number)
)  # fmt: skip


@lru_cache(maxsize=256)
def _listing(names: tuple[str, ...], newest_first: bool) -> Statement:
    query = select(*_COLUMNS).where(*(_CONDITIONS[name] for name in names))
    return Statement(query.order_by(_M.number.desc() if newest_first else _M.number).limit(bindparam("page")))


async def listed(db: Reader, filters: dict[str, Any], *, newest_first: bool, limit: int) -> list[Move]:
    """`filters`: FILTERS, `since` and `before` (of the last change), `marker` (the number of the last one seen)."""
    statement = _listing(tuple(sorted(filters)), newest_first)
    return [Move(*row) for row in await db.fetch_all(statement, **filters, page=limit)]


async def number_of(db: Reader, migration_id: str) -> int | None:
    found = await db.fetch_value(_BY_ID, id=migration_id)
    return None if found is None else int(found)


async def live_moves_of(db: Reader, server_id: str) -> list[Move]:
    """The server's live migrations in progress, oldest first."""
    return [Move(*row) for row in await db.fetch_all(_LIVE_ONES, server_id=server_id)]


async def move_of(db: Reader, server_id: str, number: int) -> Move | None:
    row = await db.fetch_one(_ONE, number=number, server_id=server_id)
    return None if row is None else Move(*row)
