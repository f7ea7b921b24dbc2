"""Background tasks that are not lost: kept by reference, their failures logged, all of them ended together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from kilonova.aio.clock import Clock

log = logging.getLogger(__name__)

_AGAIN_S = 1.0


class Tasks:
    """A set of tasks that live as long as their owner."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], *, name: str = "") -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=f"{self._name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def every(self, seconds: float, work: Callable[[], Awaitable[object]], clock: Clock, *, name: str = "") -> None:
        """Run `work` now and then, `seconds` after its last end; a failure is logged and the rhythm kept."""
        self.start(self._rhythm(seconds, work, clock, name), name=name)

    async def _rhythm(self, seconds: float, work: Callable[[], Awaitable[object]], clock: Clock, name: str) -> None:
        while True:
            try:
                await work()
            except Exception:
                log.exception("periodic work failed: %s %s", self._name, name)
            await clock.sleep(seconds)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed: %s", task.get_name(), exc_info=error)

    async def close(self) -> None:
        """Cancel all and wait until each has ended."""
        running = set(self._tasks)
        while running:
            for task in running:
                task.cancel()
            # Again after a while: some code loses a cancellation (asyncio.wait_for does, up to Python 3.11).
            _, running = await asyncio.wait(running, timeout=_AGAIN_S)
