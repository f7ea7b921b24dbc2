"""What libvirt tells by itself, in our words, handed to whoever waits for it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

import libvirt

from kilonova.model.ids import GuestId
from kilonova.virt.guest import GuestEventKind


class SignalKind(StrEnum):
    LIFECYCLE = "lifecycle"
    DEVICE_REMOVED = "device_removed"
    DEVICE_KEPT = "device_kept"
    BLOCK_JOB = "block_job"


class Signal(NamedTuple):
    """`subject` is a device's alias or a disk's name; `number` and `detail` are libvirt's own enumerations."""

    guest: GuestId
    kind: SignalKind
    subject: str = ""
    number: int = 0
    detail: int = 0


class Watch:
    """Signals of one guest since the watch began."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Signal] = asyncio.Queue()

    def put(self, signal: Signal) -> None:
        self._queue.put_nowait(signal)

    async def until(self, wanted: Callable[[Signal], bool], *, within_s: float) -> Signal | None:
        """The first signal that is wanted; None when none came in time."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    signal = await self._queue.get()
                    if wanted(signal):
                        return signal
        except TimeoutError:
            return None


class Signals:
    """Watches by guest. On the event loop's thread only."""

    def __init__(self) -> None:
        self._watches: dict[GuestId, list[Watch]] = {}

    @contextmanager
    def watch(self, guest: GuestId) -> Iterator[Watch]:
        """Begin before asking for what is to be awaited, or the answer may come too early."""
        watch = Watch()
        self._watches.setdefault(guest, []).append(watch)
        try:
            yield watch
        finally:
            watches = self._watches[guest]
            watches.remove(watch)
            if not watches:
                del self._watches[guest]

    def publish(self, signal: Signal) -> None:
        for watch in self._watches.get(signal.guest, ()):
            watch.put(signal)


def lifecycle_kind(number: int, detail: int) -> GuestEventKind | None:
    """A lifecycle event in the words of the hypervisor's protocol; None for what compute has no use for."""
    if number == libvirt.VIR_DOMAIN_EVENT_STOPPED:
        if detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
            # It runs, elsewhere; who had it moved knows.
            return None
        if detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED:
            return GuestEventKind.SUSPENDED
        crashed = detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED
        return GuestEventKind.CRASHED if crashed else GuestEventKind.STOPPED
    if number == libvirt.VIR_DOMAIN_EVENT_SUSPENDED:
        return GuestEventKind.PAUSED
    kinds = {
        libvirt.VIR_DOMAIN_EVENT_STARTED: GuestEventKind.STARTED,
        libvirt.VIR_DOMAIN_EVENT_RESUMED: GuestEventKind.RESUMED,
        libvirt.VIR_DOMAIN_EVENT_CRASHED: GuestEventKind.CRASHED,
    }
    return kinds.get(number)


def has_stopped(signal: Signal) -> bool:
    return signal.kind is SignalKind.LIFECYCLE and bool(signal.number == libvirt.VIR_DOMAIN_EVENT_STOPPED)
