"""What was done to a server: its instance actions, newest first, and their events."""

from typing import Any

from kilonova.api.links import next_link
from kilonova.api.paging import MarkerNotFound, limit_of
from kilonova.api.request import Request
from kilonova.api.servers.find import find_server, owner_of
from kilonova.db.repository import action_log
from kilonova.db.repository.action_log import Action, Event
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.server import Server, host_id
from kilonova.model.time import moment_of, stamp


class NoSuchAction(NotFound):
    def __init__(self, request_id: str, server_id: str) -> None:
        super().__init__(f"Action for request_id {request_id} on instance {server_id} not found")


async def index(request: Request) -> dict[str, Any]:
    server = await _server(request)
    found = _between(request, await action_log.actions_of(request.world.db, server.id))
    if request.version < 58:
        return {"instanceActions": [_view(request, action) for action in found]}
    limit = limit_of(request)
    page = _after_marker(request, found)[:limit]
    document: dict[str, Any] = {"instanceActions": [_view(request, action) for action in page]}
    if page and len(page) == limit:
        path = f"servers/{server.id}/os-instance-actions"
        document["links"] = next_link(request, path, page[-1].request_id)
    return document


async def show(request: Request) -> dict[str, Any]:
    server, request_id = await _server(request), request.params["id"]
    action = await action_log.action_of(request.world.db, server.id, request_id)
    if action is None:
        raise NoSuchAction(request_id, server.id)
    shown = _view(request, action)
    with_traceback = request.permits("os_compute_api:os-instance-actions:events", owner_of(server))
    if request.version >= 51 or with_traceback:
        events = await action_log.events_of(request.world.db, server.id, request_id)
        shown["events"] = [_event_view(request, server, event, with_traceback) for event in events]
    return {"instanceAction": shown}


async def _server(request: Request) -> Server:
    """Deleted ones too, from 2.21 on."""
    return await find_server(request, even_deleted=request.version >= 21)


def _between(request: Request, actions: list[Action]) -> list[Action]:
    since, before = request.one("changes-since"), request.one("changes-before")
    if since is not None and before is not None and moment_of(since) > moment_of(before):
        raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
    earliest = "" if since is None else stamp(moment_of(since))
    latest = "~" if before is None else stamp(moment_of(before))
    return [action for action in actions if earliest <= action.updated_at <= latest]


def _after_marker(request: Request, actions: list[Action]) -> list[Action]:
    marker = request.one("marker")
    if marker is None:
        return actions
    for number, action in enumerate(actions):
        if action.request_id == marker:
            return actions[number + 1 :]
    raise MarkerNotFound(marker)


def _view(request: Request, action: Action) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "action": action.action,
        "instance_uuid": action.server_id,
        "message": action.message,
        "project_id": action.project_id,
        "request_id": action.request_id,
        "start_time": action.started_at,
        "user_id": action.user_id,
    }
    if request.version >= 58:
        shown["updated_at"] = action.updated_at
    return shown


def _event_view(request: Request, server: Server, event: Event, with_traceback: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "event": event.event,
        "start_time": event.started_at,
        "finish_time": event.finished_at,
        "result": event.result,
    }
    if with_traceback:
        shown["traceback"] = event.traceback
    if request.version >= 62:
        # The host's name is for those who see tracebacks, its hash for the server's project.
        if with_traceback:
            shown["host"] = event.host
        shown["hostId"] = host_id(server.project_id, event.host)
    if request.version >= 84 and request.permits("os_compute_api:os-instance-actions:events:details", owner_of(server)):
        shown["details"] = event.details
    return shown
