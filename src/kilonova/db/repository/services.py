"""Services: listed, disabled, forced down, taken out of the record. Heartbeats are the conductor's."""

from typing import Any

from sqlalchemy import bindparam, func, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, delete_by, update_columns
from kilonova.db.tables.hosts import compute_nodes, services
from kilonova.db.tables.servers import migrations, servers
from kilonova.model.service import HostBinaryNotFound, Service, ServiceNotFound
from kilonova.model.time import Timestamp

_C = services.c
COLUMNS = (
    _C.number,
    _C.id,
    _C.binary,
    _C.host,
    _C.disabled,
    _C.disabled_reason,
    _C.forced_down,
    _C.last_seen_at,
    _C.updated_at,
)
_ALL = Statement(select(*COLUMNS).order_by(_C.number))
_BY_ID = Statement(select(*COLUMNS).where(_C.id == bindparam("id")))
_BY_NUMBER = Statement(select(*COLUMNS).where(_C.number == bindparam("number")))
_BY_NAME = Statement(select(*COLUMNS).where(_C.binary == bindparam("binary"), _C.host == bindparam("host")))
_HOSTED = Statement(select(func.count()).where(servers.c.host == bindparam("host"), servers.c.deleted == 0))
_OVER = ("finished", "confirmed", "reverted", "error", "failed", "completed", "cancelled", "done")
_MOVING = Statement(
    select(func.count()).where(
        (migrations.c.source_compute == bindparam("host")) | (migrations.c.dest_compute == bindparam("host")),
        migrations.c.status.not_in(_OVER),
    )
)


async def listed(db: Reader) -> list[Service]:
    """All, oldest first."""
    return [Service(*row) for row in await db.fetch_all(_ALL)]


async def get(db: Reader, service_id: str) -> Service:
    """Errors: ServiceNotFound."""
    row = await db.fetch_one(_BY_ID, id=service_id)
    if row is None:
        raise ServiceNotFound(service_id)
    return Service(*row)


async def numbered(db: Reader, number: int) -> Service:
    """Errors: ServiceNotFound."""
    row = await db.fetch_one(_BY_NUMBER, number=number)
    if row is None:
        raise ServiceNotFound(str(number))
    return Service(*row)


async def named(db: Reader, binary: str, host: str) -> Service:
    """Errors: HostBinaryNotFound."""
    row = await db.fetch_one(_BY_NAME, binary=binary, host=host)
    if row is None:
        raise HostBinaryNotFound(binary, host)
    return Service(*row)


async def change(tx: Transaction, service_id: str, now: Timestamp, **columns: Any) -> None:
    columns["updated_at"] = now
    await tx.execute(update_columns(services, tuple(sorted(columns))), by_id=service_id, **columns)


async def servers_on(db: Reader, host: str) -> int:
    return int(await db.fetch_value(_HOSTED, host=host))


async def moves_of(db: Reader, host: str) -> int:
    """Migrations from or to the host that are not over."""
    return int(await db.fetch_value(_MOVING, host=host))


async def delete(tx: Transaction, service: Service) -> None:
    await tx.execute(delete_by(services), id=service.id)


async def delete_host(tx: Transaction, host: str) -> None:
    """What a compute host reported of itself; it comes back when the host reports again."""
    await tx.execute(delete_by(compute_nodes, ("host",)), host=host)
