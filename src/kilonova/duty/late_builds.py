"""No server is being built for longer than its operator allows (nova.conf, [DEFAULT]instance_build_timeout)."""

from collections.abc import Callable

import msgspec
from sqlalchemy import bindparam, select

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.db.repository import server_state
from kilonova.db.statement import Statement, update_columns
from kilonova.db.tables.sagas import holds, sagas
from kilonova.db.tables.servers import servers
from kilonova.model.ids import SagaId, ServerId
from kilonova.model.time import short

_LATE = Statement(
    select(servers.c.id, holds.c.saga_id)
    .select_from(servers.outerjoin(holds, holds.c.resource_id == servers.c.id))
    .where(servers.c.vm_state == "building", servers.c.deleted == 0, servers.c.created_at < bindparam("before"))
    .order_by(servers.c.created_at)
    .limit(100)
)


async def late_builds(db: Database, clock: Clock, *, timeout_s: float, ring: Callable[[SagaId], None]) -> list[str]:
    """First the build is told to give back what it took; once it has, the server shows why it is in error.

    Answers the servers that were given up.
    """
    given_up = []
    for server_id, saga_id in await db.fetch_all(_LATE, before=clock.after(-timeout_s)):
        if saga_id is None:
            await _end(db, clock, server_id, timeout_s)
        else:
            await _cancel(db, clock, saga_id)
            ring(saga_id)
        given_up.append(server_id)
    return given_up


async def _cancel(db: Database, clock: Clock, saga_id: SagaId) -> None:
    async with db.begin() as tx:
        await tx.execute(
            update_columns(sagas, ("cancelled", "wake_at")), cancelled=1, wake_at=clock.now(), by_id=saga_id
        )


async def _end(db: Database, clock: Clock, server_id: ServerId, timeout_s: float) -> None:
    now = clock.now()
    message = f"Instance failed to build within {timeout_s:.0f} seconds."
    fault = {"code": 500, "created": short(now), "message": message, "details": message}
    async with db.begin() as tx:
        server = await server_state.state_of(tx, server_id)
        if server.vm_state == "building":
            await server_state.change(
                tx,
                server_id,
                now,
                vm_state="error",
                task_state=None,
                host=None,
                node=None,
                fault=msgspec.json.encode(fault).decode(),
            )
