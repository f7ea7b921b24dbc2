"""Does duties when they are due, in whichever process holds the lease."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from kilonova.aio.clock import Clock
from kilonova.db.lease import Lease, Leases
from kilonova.model.errors import Unavailable

log = logging.getLogger(__name__)

LEASE = "duties"
# Longer than a turn's pause, so that its holder keeps it; a process that died is followed after so long.
LEASE_S = 60.0
TURN_S = 10.0


class Duty(msgspec.Struct, frozen=True):
    """`work` answers what it has mended, for the log."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[Sequence[object]]]


class Keeper:
    """Call `turn` every `TURN_S`."""

    def __init__(self, leases: Leases, clock: Clock, duties: Sequence[Duty]) -> None:
        self._leases = leases
        self._clock = clock
        self._duties = tuple(duties)
        self._due: dict[str, float] = {}
        self._lease: Lease | None = None

    async def turn(self) -> None:
        """Do what is due, if we are the one; a duty that fails is tried again when it is due again."""
        for duty in self._duties:
            if self._due.get(duty.name, 0.0) > self._clock.time():
                continue
            if not await self._ours():
                return
            await self._do(duty)
            self._due[duty.name] = self._clock.time() + duty.every_s

    async def _ours(self) -> bool:
        kept = None if self._lease is None else await self._leases.renew(self._lease, seconds=LEASE_S)
        self._lease = kept or await self._leases.acquire(LEASE, seconds=LEASE_S)
        return self._lease is not None

    async def _do(self, duty: Duty) -> None:
        try:
            mended = await duty.work()
        except Unavailable as error:
            log.warning("%s: put off: %s", duty.name, error.message)
            return
        except Exception:
            log.exception("duty failed: %s", duty.name)
            return
        for one in mended:
            log.warning("%s: %s", duty.name, one)

    async def close(self) -> None:
        """Let another process follow at once."""
        if self._lease is not None:
            await self._leases.release(self._lease)
