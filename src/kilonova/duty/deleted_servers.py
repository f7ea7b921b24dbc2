"""Servers that were deleted but could be had back go when their time is over (nova.conf, reclaim_instance_interval)."""

from collections.abc import Awaitable, Callable

from sqlalchemy import bindparam, select

from kilonova.aio.clock import Clock
from kilonova.contract.work import DeleteServer, Work
from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import servers
from kilonova.model.errors import Conflict
from kilonova.model.ids import ServerId

_OVER = Statement(
    select(servers.c.id, servers.c.user_id, servers.c.project_id)
    .where(
        servers.c.vm_state == "soft-delete",
        servers.c.deleted == 0,
        servers.c.deleted_at < bindparam("before"),
        servers.c.task_state.is_(None),
    )
    .order_by(servers.c.deleted_at)
    .limit(100)
)

# Stores the work as its server's owner would have. Errors: Conflict when the server is busy.
Begin = Callable[[Work, str, str], Awaitable[None]]


async def deleted_servers(db: Reader, clock: Clock, *, interval_s: float, begin: Begin) -> list[str]:
    """`begin(work, user_id, project_id)`. Answers the servers that are being deleted for good."""
    begun = []
    for server_id, user_id, project_id in await db.fetch_all(_OVER, before=clock.after(-interval_s)):
        try:
            await begin(DeleteServer(server_id=ServerId(server_id)), user_id, project_id)
        except Conflict:
            # Its owner was quicker: it is being restored, or deleted.
            continue
        begun.append(server_id)
    return begun
