"""The live migrations of a server that run now: list, show, abort, complete by force."""

from typing import Any

from kilonova.api.identifiers import number_of
from kilonova.api.migrations import view
from kilonova.api.request import Request
from kilonova.api.servers.acting import Acting, acting
from kilonova.api.servers.find import find_server, owner_of
from kilonova.contract.work import AbortLiveMigration
from kilonova.db.database import Reader
from kilonova.db.repository import migration_log
from kilonova.db.repository.migration_log import Move
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.ids import HostName, ServerId

_HOST_RULE = "os_compute_api:servers:migrations:index:host"


class NoSuchMigration(NotFound):
    def __init__(self, migration: str, server_id: str) -> None:
        super().__init__(f"Migration {migration} not found for instance {server_id}")


class WrongMigrationState(BadRequest):
    def __init__(self, move: Move, method: str) -> None:
        super().__init__(
            f"Migration {move.number} state of instance {move.server_id} is {move.status}. "
            f"Cannot {method} while the migration is in this state."
        )


async def index(request: Request) -> dict[str, Any]:
    server = await find_server(request)
    moves = await migration_log.live_moves_of(request.world.db, server.id)
    with_hosts = request.permits(_HOST_RULE, owner_of(server))
    return {"migrations": [view.running(request, move, with_hosts=with_hosts) for move in moves]}


async def show(request: Request) -> dict[str, Any]:
    server = await find_server(request)
    move = await _move(request, request.world.db, server.id)
    if not move.is_live:
        raise NotFound(f"Migration {move.number} for server {server.id} is not live-migration.")
    if not move.in_progress:
        raise NotFound(f"Migration {move.number} for server {server.id} is not in progress.")
    return {"migration": view.running(request, move, with_hosts=True)}


async def abort(request: Request) -> None:
    """The migration is undone. Errors: WrongState, Locked, NoSuchMigration, WrongMigrationState."""
    # What is queued or being prepared can be given up since 2.65.
    allowed = ("running", "queued", "preparing") if request.version >= 65 else ("running",)
    async with acting(request, "abort live migration") as it:
        move = await _checked(it, "abort live migration", allowed)
        await it.begin(AbortLiveMigration(server_id=it.server.id, migration_id=move.id), preempt=True)


async def force_complete(request: Request) -> None:
    """Errors: WrongState, Locked, NoSuchMigration, WrongMigrationState."""
    async with acting(request, "force_complete") as it:
        move = await _checked(it, "force_complete", ("running",))
        await it.record("live_migration_force_complete")
    if move.source_compute is not None:
        await request.world.compute(HostName(move.source_compute)).complete_live(ServerId(move.server_id))


async def _checked(it: Acting, action: str, allowed: tuple[str, ...]) -> Move:
    move = await _move(it.request, it.tx, it.server.id)
    if not move.is_live or move.status not in allowed:
        raise WrongMigrationState(move, action)
    return move


async def _move(request: Request, reader: Reader, server_id: str) -> Move:
    """Errors: NoSuchMigration."""
    identifier = request.params["id"]
    move = await migration_log.move_of(reader, server_id, number_of(identifier)) if identifier.isdecimal() else None
    if move is None:
        raise NoSuchMigration(identifier, server_id)
    return move
