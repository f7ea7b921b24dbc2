"""One source of lifecycle events, any number of listeners, none of which can hold up the source."""

import asyncio
from collections.abc import AsyncIterator, Callable

from kilonova.virt.guest import GuestEvent


class Listener(AsyncIterator[GuestEvent]):
    """Events from the moment it was made (not from the first `await`), until closed."""

    def __init__(self, forget: Callable[["Listener"], None]) -> None:
        self._queue: asyncio.Queue[GuestEvent | None] = asyncio.Queue()
        self._forget = forget
        self._closed = False

    def put(self, event: GuestEvent | None) -> None:
        self._queue.put_nowait(event)

    def close(self) -> None:
        self._forget(self)
        self.put(None)

    async def __anext__(self) -> GuestEvent:
        if self._closed:
            raise StopAsyncIteration
        event = await self._queue.get()
        if event is None:
            self._closed = True
            raise StopAsyncIteration
        return event


class EventFan:
    """Hands every event to every listener. Call from the event loop's thread only."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def listen(self) -> Listener:
        listener = Listener(self._listeners.discard)
        self._listeners.add(listener)
        return listener

    def publish(self, event: GuestEvent) -> None:
        for listener in self._listeners:
            listener.put(event)

    def close(self) -> None:
        for listener in tuple(self._listeners):
            listener.close()
