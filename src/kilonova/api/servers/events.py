"""`GET /servers/events`: every change of a server's state, told as it happens (server-sent events)."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from kilonova.api.event_stream import EventId, Listener, wire_of
from kilonova.api.request import Request
from kilonova.api.servers.list_filters import asks_for_all_tenants
from kilonova.api.validation import Query
from kilonova.db.repository.server_changes import changed_since
from kilonova.model.errors import Unauthenticated
from kilonova.model.time import later

# Seconds between signs of life; and what a client waits before it comes back, milliseconds.
HEARTBEAT_S = 15.0
RETRY_MS = 1000

# Who was away for longer than the stream remembers is told the present state of what changed since; of so many servers.
MOST_CHANGED = 1000
# How long before its last event to look there: changes of other servers may have been told in another order. Seconds.
OVERLAP_S = 10.0

QUERY = Query((1, {"all_tenants": {"type": "string"}}))

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

# The id of an event that was read from the record: no stream's own.
_NO_EPOCH = "0"

# Told when more changed than can be told: look at the list anew.
_RESET = b"event: reset\ndata: {}\n\n"


async def events(request: Request) -> Response:
    """Of the caller's project, of all with `all_tenants`. Errors: PolicyForbids, UnknownEventId."""
    everybody = asks_for_all_tenants(request)
    if everybody:
        request.allow(f"{request.route.rule}:get_all_tenants")
    given = request.headers.get("last-event-id")
    last = None if given is None else EventId.of(given)
    project_id = None if everybody else request.project_id
    return StreamingResponse(_told(request, project_id, last), headers=_HEADERS, media_type="text/event-stream")


async def _told(request: Request, project_id: str | None, last: EventId | None) -> AsyncIterator[bytes]:
    with request.world.stream.listen(project_id) as listener:
        yield b": listening\nretry: %d\n\n" % RETRY_MS
        if last is not None and (missed := await _missed(request, listener, last)):
            yield missed
        while not listener.why:
            try:
                # Not wait_for: up to Python 3.11 it loses a cancellation that comes together with an event.
                async with asyncio.timeout(HEARTBEAT_S):
                    found = await listener.some()
            except TimeoutError:
                if not await _still_welcome(request):
                    listener.end("the token is not valid any more")
                    break
                found = b":\n\n"
            if found:
                yield found
        yield b": %s\n\n" % listener.why.encode()


async def _missed(request: Request, listener: Listener, last: EventId) -> bytes:
    world = request.world
    remembered = world.stream.since(last, listener)
    if remembered is not None:
        return remembered
    since = later(last.at, seconds=-OVERLAP_S)
    changed = await changed_since(world.db, since, listener.project_id, most=MOST_CHANGED + 1)
    if len(changed) > MOST_CHANGED:
        return _RESET
    return b"".join(wire_of(event, EventId(event.at, _NO_EPOCH, 0)) for event in changed)


async def _still_welcome(request: Request) -> bool:
    try:
        await request.check_token(request.caller.token)
    except Unauthenticated:
        return False
    return request.world.clock.now() < request.caller.expires_at
