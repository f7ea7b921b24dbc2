"""How the cloud is doing, in numbers, for whoever watches it."""

from collections import Counter

from sqlalchemy import func, select

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.db.statement import Statement
from kilonova.db.tables.hosts import services
from kilonova.db.tables.sagas import sagas
from kilonova.db.tables.servers import servers
from kilonova.model.time import moment_of
from kilonova.observe.metrics import Figure

_SAGAS = Statement(
    select(sagas.c.name, sagas.c.state, func.count(), func.min(sagas.c.created_at))
    .where(sagas.c.state.in_(["open", "queued"]))
    .group_by(sagas.c.name, sagas.c.state)
)
_SERVERS = Statement(
    select(servers.c.vm_state, func.count()).where(servers.c.deleted == 0).group_by(servers.c.vm_state)
)
_SERVICES = Statement(select(services.c.binary, services.c.forced_down, services.c.disabled, services.c.last_seen_at))

_READ = Statement(select(1))


async def answers(db: Database) -> None:
    """Errors: what the database has to say."""
    await db.fetch_value(_READ)


async def figures(db: Database, clock: Clock, *, down_after_s: float) -> list[Figure]:
    """Work under way, servers by state, services alive and not."""
    return [*await _work(db, clock), *await _servers(db), *await _services(db, clock, down_after_s)]


async def _work(db: Database, clock: Clock) -> list[Figure]:
    rows = await db.fetch_all(_SAGAS)
    oldest = max((clock.time() - moment_of(row[3]).timestamp() for row in rows), default=0.0)
    return [
        *(
            Figure(
                name="kilonova_sagas",
                about="Operations under way (open) or waiting for another on their server (queued).",
                labels={"name": name, "state": state},
                value=count,
            )
            for name, state, count, _ in rows
        ),
        Figure(name="kilonova_oldest_saga_seconds", about="Age of the oldest of them.", value=max(oldest, 0.0)),
    ]


async def _servers(db: Database) -> list[Figure]:
    return [
        Figure(name="kilonova_servers", about="Servers by vm_state.", labels={"vm_state": state}, value=count)
        for state, count in await db.fetch_all(_SERVERS)
    ]


async def _services(db: Database, clock: Clock, down_after_s: float) -> list[Figure]:
    since = clock.after(-down_after_s)
    found: Counter[tuple[str, str]] = Counter()
    for binary, forced_down, disabled, seen in await db.fetch_all(_SERVICES):
        up = not forced_down and seen is not None and seen >= since
        found[binary, "disabled" if disabled and up else "up" if up else "down"] += 1
    return [
        Figure(
            name="kilonova_services",
            about="Services by binary and state: up, down, or up and disabled.",
            labels={"binary": binary, "state": state},
            value=count,
        )
        for (binary, state), count in sorted(found.items())
    ]
