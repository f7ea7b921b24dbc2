"""How many requests are worked on at a time, and when one that waits is told to come again.

A queue that is seldom empty only makes everybody late, so it is kept short by time, not by length, after CoDel's idea:
a burst may wait up to `longest_wait_s`, but once the queue has not been empty for that long, newcomers wait half of it
at most. Whoever waited so long is refused, which costs next to nothing.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kilonova.model.errors import Unavailable

log = logging.getLogger(__name__)


class Overloaded(Unavailable):
    """`retry_after_s`: when it may be worth to come again, whole seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("The service has more requests than it can answer. Please try again later.")
        self.retry_after_s = retry_after_s


# Who has its place for so long waits for somebody else (a host, a neighbour), and does not work.
LENT_FOR_S = 5.0


class Admission:
    """Places for `room` requests at a time, in order of arrival, each lent for `lent_for_s`. `what` is for the log."""

    def __init__(self, what: str, *, room: int, longest_wait_s: float, lent_for_s: float = LENT_FOR_S) -> None:
        self._what = what
        self._free = room
        self._longest_wait_s = longest_wait_s
        self._lent_for_s = lent_for_s
        self._waiting: deque[asyncio.Future[None]] = deque()
        # Since when there has always been somebody waiting, in the loop's time.
        self._waited_since = 0.0
        self._complained = False

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Around the work of one request. Errors: Overloaded."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._turn()
        # A host that does not answer must not keep everybody else from being answered.
        lent = asyncio.get_running_loop().call_later(self._lent_for_s, self._pass_on)
        try:
            yield
        finally:
            if lent.when() > asyncio.get_running_loop().time():
                lent.cancel()
                self._pass_on()

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            self._waited_since = loop.time()
        turn = loop.create_future()
        self._waiting.append(turn)
        patience = loop.call_later(self._patience_s(loop.time()), self._refuse, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on()
            else:
                turn.cancel()
                self._forget_the_gone()
            raise
        finally:
            patience.cancel()

    def _patience_s(self, now: float) -> float:
        standing = now - self._waited_since >= self._longest_wait_s
        return self._longest_wait_s / 2 if standing else self._longest_wait_s

    def _refuse(self, turn: "asyncio.Future[None]") -> None:
        if turn.done():
            return
        if not self._complained:
            self._complained = True
            log.warning("too many %s at once: those that wait too long are refused", self._what)
        turn.set_exception(Overloaded(math.ceil(self._longest_wait_s)))
        self._forget_the_gone()

    def _pass_on(self) -> None:
        """The place of one that is done goes to whoever waited longest."""
        self._forget_the_gone()
        if self._waiting:
            self._waiting.popleft().set_result(None)
            self._forget_the_gone()
        else:
            self._free += 1

    def _forget_the_gone(self) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        if not self._waiting:
            self._complained = False
