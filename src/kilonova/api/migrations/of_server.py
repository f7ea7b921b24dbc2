"""The live migrations of a server that run now: list, show, abort, complete by force."""

from typing import Any

from kilonova.api.identifiers import number_of
from kilonova.api.migrations import view
from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import find_server, owner_of
from kilonova.db.database import Reader
from kilonova.db.repository import migration_log
from kilonova.db.repository.migration_log import Move
from kilonova.model.errors import BadRequest, Conflict, NotFound

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


class NotInHostsPower(Conflict):
    def __init__(self, method: str, server_id: str) -> None:
        super().__init__(f"The host of instance {server_id} has no way to {method} a live migration.")


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
    """Errors: WrongState, Locked, NoSuchMigration, WrongMigrationState."""
    # What is queued or being prepared can be given up since 2.65.
    allowed = ("running", "queued", "preparing") if request.version >= 65 else ("running",)
    await _check(request, "abort live migration", allowed)
    raise NotInHostsPower("abort", request.params["server_id"])


async def force_complete(request: Request) -> None:
    """Errors: WrongState, Locked, NoSuchMigration, WrongMigrationState."""
    await _check(request, "force_complete", ("running",))
    raise NotInHostsPower("force the end of", request.params["server_id"])


async def _check(request: Request, action: str, allowed: tuple[str, ...]) -> None:
    async with acting(request, action) as act:
        move = await _move(request, act.tx, act.server.id)
        if not move.is_live or move.status not in allowed:
            raise WrongMigrationState(move, action)


async def _move(request: Request, reader: Reader, server_id: str) -> Move:
    """Errors: NoSuchMigration."""
    identifier = request.params["id"]
    move = await migration_log.move_of(reader, server_id, number_of(identifier)) if identifier.isdecimal() else None
    if move is None:
        raise NoSuchMigration(identifier, server_id)
    return move
