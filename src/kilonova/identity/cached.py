"""Something small read from the database and kept for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from kilonova.aio.clock import Clock

T = TypeVar("T")


class Cached(Generic[T]):
    """`load`'s result for `keep_s` seconds or until `drop`, which our own and others' changes call."""

    def __init__(self, load: Callable[[], Awaitable[T]], clock: Clock, *, keep_s: float) -> None:
        self._load = load
        self._clock = clock
        self._keep_s = keep_s
        self._value: T | None = None
        self._loaded_at = 0.0
        self._generation = 0
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        value = self._fresh()
        if value is not None:
            return value
        async with self._turn:
            value = self._fresh()
            return value if value is not None else await self._reload()

    def drop(self) -> None:
        self._generation += 1
        self._value = None

    def _fresh(self) -> T | None:
        age = self._clock.time() - self._loaded_at
        return self._value if 0 <= age < self._keep_s else None

    async def _reload(self) -> T:
        generation = self._generation
        value = await self._load()
        # What was dropped while it was being read may be old already: use it once, do not keep it.
        if generation == self._generation:
            self._value = value
            self._loaded_at = self._clock.time()
        return value
