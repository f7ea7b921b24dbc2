"""Resizes and moves that nobody confirms are confirmed after a while (nova.conf, [DEFAULT]resize_confirm_window)."""

from collections.abc import Awaitable, Callable

from sqlalchemy import bindparam, select

from kilonova.aio.clock import Clock
from kilonova.contract.work import ConfirmResize, Work
from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import migrations, servers
from kilonova.model.errors import Conflict

_WAITING = Statement(
    select(migrations.c.id, servers.c.id, servers.c.user_id, servers.c.project_id)
    .select_from(migrations.join(servers, servers.c.id == migrations.c.server_id))
    .where(
        migrations.c.status == "finished",
        migrations.c.updated_at < bindparam("before"),
        servers.c.vm_state == "resized",
        servers.c.deleted == 0,
        servers.c.task_state.is_(None),
    )
    .order_by(migrations.c.updated_at)
    .limit(100)
)

# Stores the work as its server's owner would have. Errors: Conflict when the server is busy.
Begin = Callable[[Work, str, str], Awaitable[None]]


async def unconfirmed_resizes(db: Reader, clock: Clock, *, window_s: float, begin: Begin) -> list[str]:
    """`begin(work, user_id, project_id)`. Answers the servers whose resizes are being confirmed."""
    begun = []
    for migration_id, server_id, user_id, project_id in await db.fetch_all(_WAITING, before=clock.after(-window_s)):
        try:
            await begin(ConfirmResize(server_id=server_id, migration_id=migration_id), user_id, project_id)
        except Conflict:
            # Its owner does something with it just now: next time.
            continue
        begun.append(server_id)
    return begun
