"""Time, given: everything that waits or stamps takes a Clock, so that tests own time."""

import asyncio
import time
from typing import Protocol

from kilonova.model.time import Timestamp, later, stamp_of_unix


class Clock(Protocol):
    def time(self) -> float:
        """Seconds since 1970 UTC."""

    def now(self) -> Timestamp: ...

    def after(self, seconds: float) -> Timestamp:
        """The stamp `seconds` from now; negative for the past."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own time."""

    def time(self) -> float:
        return time.time()

    def now(self) -> Timestamp:
        return stamp_of_unix(time.time())

    def after(self, seconds: float) -> Timestamp:
        return later(self.now(), seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
