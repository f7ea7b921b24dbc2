"""What happened to servers, for those who listen now: a bounded memory, and a bounded queue for each listener."""

import asyncio
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from kilonova.contract.events import ServerChanged
from kilonova.model.errors import BadRequest
from kilonova.model.ids import ServerId
from kilonova.model.server import status_of
from kilonova.model.time import Timestamp, moment_of

# Events that a listener who comes back can be told again; events that may wait for one listener; servers whose last
# shown state is remembered, so that the same state is not told twice.
KEPT = 4096
QUEUE = 256
REMEMBERED = 16384

_encode = msgspec.json.Encoder().encode
_ID = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})/([0-9a-z]+)/(\d{1,18})")


class UnknownEventId(BadRequest):
    def __init__(self, given: str) -> None:
        super().__init__(f"Last-Event-ID {given} is not the id of an event.")


class EventId(msgspec.Struct, frozen=True):
    """`number` counts within `epoch`, the life of one stream; `at` is what any other process can go by."""

    at: Timestamp
    epoch: str
    number: int

    def __str__(self) -> str:
        return f"{self.at}/{self.epoch}/{self.number}"

    @classmethod
    def of(cls, text: str) -> "EventId":
        """Errors: UnknownEventId."""
        found = _ID.fullmatch(text)
        if found is None:
            raise UnknownEventId(text)
        try:
            moment_of(found[1])
        except ValueError as error:
            raise UnknownEventId(text) from error
        return cls(Timestamp(found[1]), found[2], int(found[3]))


class Told(msgspec.Struct, frozen=True):
    """One event as it goes over the wire."""

    number: int
    project_id: str
    wire: bytes


def wire_of(event: ServerChanged, identifier: EventId) -> bytes:
    """In the form of server-sent events (WHATWG HTML, section 9.2)."""
    shown = {
        "server_id": event.server_id,
        "project_id": event.project_id,
        "status": status_of(event.vm_state, event.task_state),
        "vm_state": event.vm_state,
        "task_state": event.task_state,
        "power_state": event.power_state,
        "at": event.at,
    }
    return b"id: %s\nevent: server\ndata: %s\n\n" % (str(identifier).encode(), _encode(shown))


class Listener:
    """One client. `why` says why it hears nothing more, '' while it does."""

    def __init__(self, project_id: str | None) -> None:
        self.project_id = project_id
        self.why = ""
        self._waiting: deque[bytes] = deque()
        self._rung = asyncio.Event()

    def hears(self, told: Told) -> bool:
        return self.project_id is None or self.project_id == told.project_id

    def offer(self, told: Told) -> None:
        if len(self._waiting) >= QUEUE:
            self.end("too slow: events were lost, come back with Last-Event-ID")
            return
        self._waiting.append(told.wire)
        self._rung.set()

    def end(self, why: str) -> None:
        self.why = why
        self._waiting.clear()
        self._rung.set()

    async def some(self) -> bytes:
        """What has come, at least one event; nothing only once the listener was ended."""
        await self._rung.wait()
        self._rung.clear()
        found = b"".join(self._waiting)
        self._waiting.clear()
        return found


class EventStream:
    """Topic `events` in an api process. `epoch` is made of digits and small letters, another one at every start."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self._number = 0
        self._kept: deque[Told] = deque(maxlen=KEPT)
        self._shown: dict[ServerId, tuple[str, str | None, int]] = {}
        self._listeners: set[Listener] = set()
        self._closed = False

    async def server_changed(self, event: ServerChanged) -> None:
        """Tell it at once to whoever may see it, unless it shows what was shown before."""
        shown = (event.vm_state, event.task_state, event.power_state)
        if self._shown.pop(event.server_id, None) == shown:
            self._shown[event.server_id] = shown
            return
        self._shown[event.server_id] = shown
        if len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]
        self._number += 1
        identifier = EventId(event.at, self.epoch, self._number)
        told = Told(self._number, event.project_id, wire_of(event, identifier))
        self._kept.append(told)
        for listener in tuple(self._listeners):
            if listener.hears(told):
                listener.offer(told)
                if listener.why:
                    self._listeners.discard(listener)

    @contextmanager
    def listen(self, project_id: str | None) -> Iterator[Listener]:
        """Hear of a project's servers (None: of all) from now on."""
        listener = Listener(project_id)
        if self._closed:
            listener.end("the service stops")
        else:
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def since(self, last: EventId, listener: Listener) -> bytes | None:
        """What `listener` missed after `last`; None where it is not remembered any more, or never was here."""
        oldest = self._kept[0].number if self._kept else self._number + 1
        if last.epoch != self.epoch or not oldest - 1 <= last.number <= self._number:
            return None
        return b"".join(told.wire for told in self._kept if told.number > last.number and listener.hears(told))

    async def close(self) -> None:
        """All listeners are told to go, so that nobody has to wait for them."""
        self._closed = True
        for listener in self._listeners:
            listener.end("the service stops")
        self._listeners.clear()
