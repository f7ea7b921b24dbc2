"""Migration records: what a resize or a move is doing, for operators and for its own confirm and revert."""

import msgspec
from sqlalchemy import bindparam, or_, select, update

from kilonova.contract.compute import FlavorOf
from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, insert_into, update_columns
from kilonova.db.tables.servers import migrations
from kilonova.model.errors import NotFound
from kilonova.model.ids import ServerId
from kilonova.model.move_progress import MoveProgress
from kilonova.model.time import Timestamp


class MigrationNotFound(NotFound):
    def __init__(self, migration: str) -> None:
        super().__init__(f"Migration {migration} could not be found.")
        self.migration = migration


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One move of a server. `status` and `migration_type` are Nova's words."""

    id: str
    server_id: ServerId
    project_id: str
    user_id: str
    migration_type: str
    status: str
    source_compute: str | None
    source_node: str | None
    dest_compute: str | None
    dest_node: str | None
    old_flavor: FlavorOf
    new_flavor: FlavorOf
    old_vm_state: str

    @property
    def stays(self) -> bool:
        """A resize on the server's own host."""
        return self.dest_compute == self.source_compute

    @property
    def was_active(self) -> bool:
        return self.old_vm_state == "active"


_M = migrations.c
_FIELDS = Migration.__struct_fields__
_BY_ID = Statement(select(*(_M[name] for name in _FIELDS)).where(_M.id == bindparam("id")))
_FINISHED = Statement(
    select(_M.id)
    .where(_M.server_id == bindparam("server_id"), _M.status == "finished")
    .order_by(_M.number.desc())
    .limit(1)
)

_PROGRESS = Statement(
    update(migrations)
    .where(_M.server_id == bindparam("of_server"), _M.status == "running", _M.migration_type == "live-migration")
    .values({name: bindparam(f"new_{name}") for name in (*MoveProgress.__struct_fields__, "updated_at")})
)

# A move that may still need what is on either of its hosts.
_OPEN_ON = Statement(
    select(_M.id)
    .where(
        _M.server_id == bindparam("server_id"),
        or_(_M.source_compute == bindparam("host"), _M.dest_compute == bindparam("host")),
        _M.status.in_(("pre-migrating", "migrating", "post-migrating", "finished", "queued", "preparing", "running")),
        _M.migration_type != "evacuation",
    )
    .limit(1)
)


# The rest are over: whatever a move had claimed is given back or the server's own.
_OPEN = Statement(
    select(_M.id).where(
        _M.server_id == bindparam("server_id"),
        _M.status.not_in(("confirmed", "reverted", "done", "completed", "error", "failed", "cancelled")),
    )
)


async def add(tx: Transaction, migration: Migration, now: Timestamp) -> None:
    values = msgspec.structs.asdict(migration)
    values["old_flavor"] = msgspec.json.encode(migration.old_flavor).decode()
    values["new_flavor"] = msgspec.json.encode(migration.new_flavor).decode()
    await tx.execute(insert_into(migrations), created_at=now, updated_at=now, **values)


async def get(db: Reader, migration_id: str) -> Migration:
    """Errors: MigrationNotFound."""
    row = await db.row(_BY_ID, id=migration_id)
    if row is None:
        raise MigrationNotFound(migration_id)
    row["old_flavor"] = msgspec.json.decode(row["old_flavor"], type=FlavorOf)
    row["new_flavor"] = msgspec.json.decode(row["new_flavor"], type=FlavorOf)
    return Migration(**row)


async def finished_of(db: Reader, server_id: ServerId) -> str | None:
    """The migration a confirm or revert is about."""
    found = await db.fetch_value(_FINISHED, server_id=server_id)
    return None if found is None else str(found)


async def open_on(db: Reader, server_id: ServerId, host: str) -> bool:
    """Whether a move of the server from or to `host` is under way, or waits to be confirmed or reverted."""
    return await db.fetch_value(_OPEN_ON, server_id=server_id, host=host) is not None


async def open_of(db: Reader, server_id: ServerId) -> tuple[str, ...]:
    """The moves of the server that are under way, or wait to be confirmed or reverted."""
    return tuple(row[0] for row in await db.fetch_all(_OPEN, server_id=server_id))


async def set_destination(tx: Transaction, migration_id: str, *, host: str, node: str, now: Timestamp) -> None:
    await tx.execute(
        update_columns(migrations, ("dest_compute", "dest_node", "updated_at")),
        by_id=migration_id,
        dest_compute=host,
        dest_node=node,
        updated_at=now,
    )


async def set_progress(tx: Transaction, server_id: ServerId, progress: MoveProgress, now: Timestamp) -> None:
    """Of the server's live migration that runs; nothing where none does any more."""
    figures = {f"new_{name}": figure for name, figure in msgspec.structs.asdict(progress).items()}
    await tx.execute(_PROGRESS, of_server=server_id, new_updated_at=now, **figures)


async def set_status(tx: Transaction, migration_id: str, status: str, now: Timestamp) -> None:
    await tx.execute(
        update_columns(migrations, ("status", "updated_at")), by_id=migration_id, status=status, updated_at=now
    )
