"""The way to libvirt: calls in a bounded pool with deadlines, events on the loop, made again when it breaks.

No two calls share a connection. Where threads do, libvirt's client (before 10.2) forgets at times to wake the one that
reads for all: calls then take until the next keepalive, five seconds, while a guest moves.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import libvirt

from kilonova.aio.supervise import Tasks
from kilonova.model.errors import HypervisorUnavailable
from kilonova.model.ids import GuestId
from kilonova.virt.libvirt.signals import Signal, SignalKind

log = logging.getLogger(__name__)
T = TypeVar("T")

_KEEPALIVE_S, _KEEPALIVE_COUNT = 5, 3
_RETRY_S = 1.0
# How long a connection that is dropped at once is tried again.
_DYING_S, _LOOK_AGAIN_S = 5.0, 0.02
# What libvirt says when the daemon went away under a call.
_LOST = {
    libvirt.VIR_ERR_INVALID_CONN,
    libvirt.VIR_ERR_RPC,
    libvirt.VIR_ERR_NO_CONNECT,
    libvirt.VIR_ERR_LIBSSH,
}
# And when it does so while a connection is made; "client socket is closed" is an internal error to it.
_DROPPED = _LOST | {libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR}

_loop_started = threading.Lock()
_running = False


def _run_events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


def _start_event_loop() -> None:
    """libvirt's own loop, one per process, which must exist before the first connection."""
    global _running
    with _loop_started:
        if not _running:
            libvirt.virEventRegisterDefaultImpl()
            libvirt.registerErrorHandler(lambda _context, _error: None, None)  # errors are raised; no copy on stderr
            threading.Thread(target=_run_events, name="libvirt-events", daemon=True).start()
            _running = True


def opened(uri: str, *, keepalive_count: int = _KEEPALIVE_COUNT) -> Any:
    """Over which libvirt tells of a peer's silence. Blocks. Errors: libvirt's."""
    connection = libvirt.open(uri)
    connection.setKeepAlive(_KEEPALIVE_S, keepalive_count)
    return connection


def close_quietly(connection: Any) -> None:
    """Broken or not. Blocks."""
    try:
        connection.close()
    except libvirt.libvirtError:
        return


class _Lost(Exception):
    """The daemon went away; what libvirt said of it."""


class _Line(NamedTuple):
    """A connection for one call at a time."""

    connection: Any
    generation: int


class Connection:
    """`locate` (blocking) starts what must run and returns the URI; `on_signal` and `on_reopened` run on the loop."""

    def __init__(
        self,
        locate: Callable[[], str],
        *,
        on_signal: Callable[[Signal], None],
        on_reopened: Callable[[], None],
        workers: int,
        deadline_s: float,
    ) -> None:
        self._locate = locate
        self._on_signal = on_signal
        self._on_reopened = on_reopened
        self._deadline_s = deadline_s
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="libvirt")
        self._tasks = Tasks("libvirt connection")
        self._opening = asyncio.Lock()
        self._watching: Any = None
        self._uri = ""
        self._guard = threading.Lock()
        self._idle: list[_Line] = []
        self._generation = 0
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Between `open` and `close`, broken or not."""
        return self._watching is not None

    async def open(self) -> None:
        """Errors: HypervisorUnavailable."""
        self._loop = asyncio.get_running_loop()
        _start_event_loop()
        await self._reopen(self._generation)

    async def close(self) -> None:
        self._closed = True
        await self._tasks.close()
        if self.is_open:
            await self._in_pool(self._hang_up)
        self._pool.shutdown(wait=False)

    async def call(self, function: Callable[[Any], T], *, deadline_s: float | None = None) -> T:
        """`function(connection)` off the loop; once more over a new connection when the daemon went away meanwhile.

        Errors: HypervisorUnavailable, and whatever `function` raises.
        """
        if not self.is_open:
            raise HypervisorUnavailable("The connection to libvirt is closed.")
        generation = self._generation
        try:
            return await self._in_pool(self._over_line, function, deadline_s=deadline_s)
        except _Lost as lost:
            log.warning("libvirt went away: %s", lost)
        await self._reopen(generation)
        try:
            return await self._in_pool(self._over_line, function, deadline_s=deadline_s)
        except _Lost as lost:
            raise HypervisorUnavailable(f"libvirt cannot be reached: {lost}") from lost

    async def _in_pool(self, function: Callable[..., T], *arguments: object, deadline_s: float | None = None) -> T:
        limit_s = deadline_s or self._deadline_s
        work = self._loop.run_in_executor(self._pool, function, *arguments)
        try:
            # Shielded: a thread cannot be stopped, and its late result must not be taken for a cancellation.
            return await asyncio.wait_for(asyncio.shield(work), limit_s)
        except TimeoutError as error:
            raise HypervisorUnavailable(f"libvirt did not answer within {limit_s:g} s.") from error
        finally:
            # Its late error, after a timeout or a cancellation, is nobody's any more.
            work.add_done_callback(lambda late: late.cancelled() or late.exception())

    async def _reopen(self, generation: int) -> None:
        """A new connection, unless somebody made one since `generation`."""
        async with self._opening:
            if self._generation != generation or self._closed:
                return
            first = self._watching is None
            self._watching = await self._in_pool(self._connect)
            self._generation += 1
        if not first:
            self._on_reopened()

    # In a thread of the pool

    def _connect(self) -> Any:
        until = time.monotonic() + _DYING_S
        while True:
            try:
                return self._opened()
            except libvirt.libvirtError as error:
                # A daemon that is about to end takes connections still, and drops them.
                if error.get_error_code() not in _DROPPED or time.monotonic() > until:
                    raise HypervisorUnavailable(f"libvirt cannot be reached: {error}") from error
            time.sleep(_LOOK_AGAIN_S)

    def _opened(self) -> Any:
        self._uri = self._locate()
        connection = opened(self._uri)
        self._register(connection)
        _settle(connection)
        return connection

    def _over_line(self, function: Callable[[Any], T]) -> T:
        """Errors: _Lost, and whatever `function` raises."""
        line = self._free_line() or self._new_line()
        try:
            return function(line.connection)
        except libvirt.libvirtError as error:
            if not _is_lost(error, line.connection):
                raise
            raise _Lost(str(error)) from error
        finally:
            self._put_back(line)

    def _free_line(self) -> _Line | None:
        while True:
            with self._guard:
                line = self._idle.pop() if self._idle else None
            if line is None or line.generation == self._generation:
                return line
            close_quietly(line.connection)

    def _new_line(self) -> _Line:
        """Errors: _Lost."""
        generation = self._generation
        try:
            line = _Line(opened(self._uri), generation)
        except libvirt.libvirtError as error:
            raise _Lost(str(error)) from error
        with self._guard:
            settled = _is_alive(self._watching)
        if not settled:
            # It ended, or it has just started anew.
            close_quietly(line.connection)
            raise _Lost("the daemon is not the one it was")
        return line

    def _put_back(self, line: _Line) -> None:
        with self._guard:
            wanted = not self._closed and _is_alive(line.connection)
            if wanted:
                self._idle.append(line)
        if not wanted:
            close_quietly(line.connection)

    def _hang_up(self) -> None:
        """Lines that are in use are closed by those who use them: libvirt forgives no other."""
        with self._guard:
            idle, self._idle = self._idle, []
            watching, self._watching = self._watching, None
            close_quietly(watching)
        for line in idle:
            close_quietly(line.connection)

    def _register(self, connection: Any) -> None:
        connection.registerCloseCallback(self._on_close, self._generation + 1)
        callbacks = {
            libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE: self._on_lifecycle,
            libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: self._on_device_removed,
            libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: self._on_device_kept,
            libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2: self._on_block_job,
        }
        for event, callback in callbacks.items():
            connection.domainEventRegisterAny(None, event, callback, None)

    # In libvirt's thread

    def _on_close(self, _connection: Any, reason: int, generation: int) -> None:
        if reason != libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT:
            self._to_loop(self._lost, generation)

    def _on_lifecycle(self, _connection: Any, domain: Any, number: int, detail: int, _opaque: object) -> None:
        self._tell(domain, SignalKind.LIFECYCLE, number=number, detail=detail)

    def _on_device_removed(self, _connection: Any, domain: Any, alias: str, _opaque: object) -> None:
        self._tell(domain, SignalKind.DEVICE_REMOVED, alias)

    def _on_device_kept(self, _connection: Any, domain: Any, alias: str, _opaque: object) -> None:
        self._tell(domain, SignalKind.DEVICE_KEPT, alias)

    def _on_block_job(self, _connection: Any, domain: Any, disk: str, kind: int, status: int, _opaque: object) -> None:
        self._tell(domain, SignalKind.BLOCK_JOB, disk, number=status, detail=kind)

    def _tell(self, domain: Any, kind: SignalKind, subject: str = "", *, number: int = 0, detail: int = 0) -> None:
        self._to_loop(self._on_signal, Signal(GuestId(domain.UUIDString()), kind, subject, number, detail))

    def _to_loop(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            log.debug("an event came after the end of the loop")

    # Back on the loop

    def _lost(self, generation: int) -> None:
        if not self._closed:
            self._tasks.start(self._recover(generation), name="recover")

    async def _recover(self, generation: int) -> None:
        while self._generation == generation:
            try:
                await self._reopen(generation)
            except HypervisorUnavailable as error:
                log.warning("libvirt is still away: %s", error.message)
                await asyncio.sleep(_RETRY_S)


def _is_lost(error: libvirt.libvirtError, connection: Any) -> bool:
    return error.get_error_code() in _LOST or not _is_alive(connection)


def _is_alive(connection: Any) -> bool:
    try:
        return bool(connection is not None and connection.isAlive())
    except libvirt.libvirtError:
        return False


def _settle(connection: Any) -> None:
    """Return when a daemon that just started knows which of its guests still live.

    Until then it shows a guest that died meanwhile as running, and it sends no event when it learns better. A question
    to the guest's QEMU waits for that.
    """
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        try:
            domain.memoryStats()
        except libvirt.libvirtError:
            log.debug("a guest ended while libvirtd was away")
