"""Block device mappings, by the volume they are of."""

from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import block_devices, servers
from kilonova.model.ids import ServerId

_HOLDERS = Statement(
    select(servers.c.id)
    .where(
        block_devices.c.volume_id == bindparam("volume_id"),
        block_devices.c.server_id == servers.c.id,
        servers.c.deleted == 0,
    )
    .order_by(servers.c.number)
)


async def holders(db: Reader, volume_id: str) -> list[ServerId]:
    """The living servers that have the volume."""
    return [ServerId(row[0]) for row in await db.fetch_all(_HOLDERS, volume_id=volume_id)]
