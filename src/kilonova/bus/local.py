"""The bus inside one process. Messages are msgpack copies all the same, so nothing can be shared by accident."""

import asyncio
import itertools
from typing import Any

from kilonova.bus.bus import Answer, Envelope, MessageTimeout, NobodyListens, Receiver


class _LocalSubscription:
    def __init__(self, servers: list[Receiver], receiver: Receiver) -> None:
        self._servers = servers
        self._receiver = receiver

    async def cancel(self) -> None:
        if self._receiver in self._servers:
            self._servers.remove(self._receiver)


class LocalBus:
    def __init__(self) -> None:
        self._topics: dict[str, list[Receiver]] = {}
        self._turns = itertools.count()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def call(self, topic: str, envelope: Envelope, *, timeout_s: float) -> Answer:
        receiver = self._one(topic)
        try:
            # Not wait_for: up to Python 3.11 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(timeout_s):
                # A task of its own: the server's context must not be the caller's, nor its cancellation.
                return await asyncio.shield(self._deliver(receiver, envelope))
        except TimeoutError as error:
            raise MessageTimeout(topic, envelope.method) from error

    async def cast(self, topic: str, envelope: Envelope) -> None:
        self._deliver(self._one(topic), envelope)

    async def fan_out(self, topic: str, envelope: Envelope) -> None:
        for receiver in self._topics.get(topic, []):
            self._deliver(receiver, envelope)

    async def serve(self, topic: str, receiver: Receiver) -> _LocalSubscription:
        servers = self._topics.setdefault(topic, [])
        servers.append(receiver)
        return _LocalSubscription(servers, receiver)

    def _one(self, topic: str) -> Receiver:
        servers = self._topics.get(topic)
        if not servers:
            raise NobodyListens(topic)
        return servers[next(self._turns) % len(servers)]

    def _deliver(self, receiver: Receiver, envelope: Envelope) -> "asyncio.Task[Answer]":
        copy = Envelope(envelope.method, envelope.arguments, envelope.sender, envelope.traceparent)
        task = asyncio.get_running_loop().create_task(_receive(receiver, copy))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        self._topics.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _receive(receiver: Receiver, envelope: Envelope) -> Answer:
    return await receiver(envelope)
