"""The way to a server: look it up as the caller may see it, and check the route's rule against its owner."""

from collections.abc import Iterable

from kilonova.api.policy_checks import Target
from kilonova.api.request import Request
from kilonova.db.database import Reader
from kilonova.db.repository import servers
from kilonova.db.repository.hosts import host_statuses
from kilonova.model.server import Server


def owner_of(server: Server) -> Target:
    return Target(server.project_id, server.user_id)


async def find_server(
    request: Request, server_id: str | None = None, *, reader: Reader | None = None, even_deleted: bool = False
) -> Server:
    """The server of the URL (or `server_id`). Errors: ServerNotFound for others' too, PolicyForbids."""
    wanted = server_id or request.params["server_id"]
    project = None if request.caller.is_admin else request.caller.project_id or ""
    found = await servers.get(reader or request.world.db, wanted, project_id=project, even_deleted=even_deleted)
    request.allow(target=owner_of(found))
    return found


async def find_any_server(request: Request, *, reader: Reader | None = None) -> Server:
    """As `find_server`, but somebody else's is refused by policy (403) instead of hidden: tags and shares."""
    found = await servers.get(reader or request.world.db, request.params["server_id"], project_id=None)
    request.allow(target=owner_of(found))
    return found


async def statuses_of(request: Request, hosts: Iterable[str | None]) -> dict[str, str]:
    """host → UP, DOWN, MAINTENANCE, UNKNOWN."""
    world = request.world
    seen_since = world.clock.after(-world.settings.service_down_time_s)
    return await host_statuses(world.db, {host for host in hosts if host}, seen_since=seen_since)
