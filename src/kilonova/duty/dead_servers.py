"""Which of some ids are servers (or moves of servers) that can own nothing any more.

A server is dead when it is deleted, or when its creation failed; a move when it is over. What some operation still
holds is not dead: that operation gives back what it took. Ids nobody knows are somebody else's.
"""

from collections.abc import Callable, Collection
from functools import lru_cache

from sqlalchemy import and_, or_, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement, among, among_arguments, room_for
from kilonova.db.tables.sagas import holds
from kilonova.db.tables.servers import migrations, servers

_CHUNK = 256
# Words of Nova for moves that hold nothing any more.
_OVER = ("confirmed", "reverted", "error", "failed", "completed", "cancelled")


async def dead_servers(db: Reader, ids: Collection[str]) -> set[str]:
    return await _of(db, _servers_among, ids)


async def dead_moves(db: Reader, ids: Collection[str]) -> set[str]:
    return await _of(db, _moves_among, ids)


async def idle_servers(db: Reader, ids: Collection[str]) -> set[str]:
    """Those that are, or were, servers, and that no operation holds."""
    return await _of(db, _idle_among, ids)


async def _of(db: Reader, statement: Callable[[int], Statement], ids: Collection[str]) -> set[str]:
    known = sorted(ids)
    found: set[str] = set()
    for first in range(0, len(known), _CHUNK):
        chunk = known[first : first + _CHUNK]
        room = room_for(len(chunk))
        rows = await db.fetch_all(statement(room), **among_arguments("id", chunk, room))
        found.update(row[0] for row in rows)
    return found


@lru_cache(maxsize=16)
def _servers_among(room: int) -> Statement:
    c = servers.c
    ended = or_(c.deleted == 1, and_(c.vm_state == "error", c.host.is_(None)))
    return Statement(
        select(c.id)
        .select_from(servers.outerjoin(holds, holds.c.resource_id == c.id))
        .where(among(c.id, "id", room), ended, holds.c.saga_id.is_(None))
    )


@lru_cache(maxsize=16)
def _idle_among(room: int) -> Statement:
    c = servers.c
    return Statement(
        select(c.id)
        .select_from(servers.outerjoin(holds, holds.c.resource_id == c.id))
        .where(among(c.id, "id", room), holds.c.saga_id.is_(None))
    )


@lru_cache(maxsize=16)
def _moves_among(room: int) -> Statement:
    c = migrations.c
    return Statement(
        select(c.id)
        .select_from(migrations.outerjoin(holds, holds.c.resource_id == c.server_id))
        .where(among(c.id, "id", room), c.status.in_(_OVER), holds.c.saga_id.is_(None))
    )
