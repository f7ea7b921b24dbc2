"""How many requests are worked on at a time, and when one that waits is told to come again.

A queue that is seldom empty only makes everybody late, so it is kept short by time, not by length, after CoDel's idea:
a burst may wait up to `longest_wait_s`, but once the queue has not been empty for that long, newcomers wait half of it
at most. Whoever waited so long is refused, which costs next to nothing.
"""

import asyncio
import logging
import math
from collections import deque
from types import TracebackType

from kilonova.model.errors import Unavailable

log = logging.getLogger(__name__)


class Overloaded(Unavailable):
    """`retry_after_s`: when it may be worth to come again, whole seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("The service has more requests than it can answer. Please try again later.")
        self.retry_after_s = retry_after_s


# Who has its place for so long waits for somebody else (a host, a neighbour), and does not work.
LENT_FOR_S = 5.0


class Place:
    """`async with` around the work of one request. Errors: Overloaded."""

    __slots__ = ("_admission",)

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission

    async def __aenter__(self) -> None:
        await self._admission.enter(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.leave(self)


class Admission:
    """Places for `room` requests at a time, in order of arrival, each lent for `lent_for_s`. `what` is for the log."""

    def __init__(self, what: str, *, room: int, longest_wait_s: float, lent_for_s: float = LENT_FOR_S) -> None:
        self._what = what
        self._free = room
        self._longest_wait_s = longest_wait_s
        self._lent_for_s = lent_for_s
        # Since when, in the loop's time; oldest first.
        self._lent: dict[Place, float] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        # Since when there has always been somebody waiting.
        self._waited_since = 0.0
        self._complained = False

    def place(self) -> Place:
        return Place(self)

    async def enter(self, place: Place) -> None:
        """Wait for a turn. Errors: Overloaded."""
        now = asyncio.get_running_loop().time()
        if self._free == 0:
            # A host that does not answer must not keep everybody else from being answered.
            self._take_back(now)
        if self._free > 0:
            self._free -= 1
        else:
            now = await self._turn(now)
        self._lent[place] = now

    def leave(self, place: Place) -> None:
        if self._lent.pop(place, None) is not None:
            self._pass_on()

    def _take_back(self, now: float) -> None:
        while self._lent:
            place, since = next(iter(self._lent.items()))
            if now - since < self._lent_for_s:
                return
            self.leave(place)

    async def _turn(self, now: float) -> float:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            self._waited_since = now
        turn = loop.create_future()
        self._waiting.append(turn)
        patience = loop.call_later(self._patience_s(now), self._refuse, turn)
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
        return loop.time()

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
