"""Where a process's spans go: gathered for a moment, then told to the conductor, which keeps them with their trace."""

import logging
from collections.abc import Callable

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.contract.conductor import Conductor
from kilonova.launch.otlp import Exporter, endpoint
from kilonova.model.errors import Unavailable
from kilonova.observe import trace
from kilonova.observe.trace import Span

log = logging.getLogger(__name__)

GATHER_S = 0.2
# More than this in one moment are dropped: traces must never be what kills a cloud.
MOST = 20_000


class SpanKeeper:
    def __init__(self, conductor: Conductor, clock: Clock) -> None:
        self._conductor = conductor
        self._clock = clock
        self._tasks = Tasks("spans")
        url = endpoint()
        self._exporter = Exporter(url) if url else None
        self._gathered: list[Span] = []
        self._sending = False
        # Somebody who watches live.
        self.also: Callable[[Span], None] | None = None

    def start(self) -> None:
        trace.set_sink(self.add)

    def add(self, span: Span) -> None:
        if self.also is not None:
            self.also(span)
        if len(self._gathered) < MOST:
            self._gathered.append(span)
        if not self._sending:
            self._sending = True
            self._tasks.start(self._send(), name="send")

    async def _send(self) -> None:
        await self._clock.sleep(GATHER_S)
        spans, self._gathered = self._gathered, []
        self._sending = False
        # Telling is no part of anybody's trace.
        with trace.serving("", None):
            try:
                await self._conductor.spans(tuple(spans))
            except Unavailable as error:
                log.warning("%d spans are lost: %s", len(spans), error.message)
            if self._exporter is not None:
                await self._exporter.export(spans)

    async def close(self) -> None:
        trace.set_sink(None)
        await self._tasks.close()
        if self._exporter is not None:
            await self._exporter.close()
