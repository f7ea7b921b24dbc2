"""Another host's libvirt, as this host's agent and its libvirt reach it; and the files it has of a guest."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import escape

import libvirt

from kilonova.model.errors import HypervisorUnavailable
from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.libvirt import domains
from kilonova.virt.libvirt.connection import close_quietly, opened
from kilonova.virt.libvirt.settings import MoveSettings

T = TypeVar("T")

_KEEPALIVE_COUNT = 6

# Disks take their time: nobody else shall wait for them.
_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="libvirt-peer")


async def _blocking(function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_pool, function, *arguments)


def peer_uri(moves: MoveSettings, address: str) -> str:
    """For libvirt.open, here and in libvirt's own hands."""
    named = f"[{address}]" if ":" in address else address
    return moves.uri.replace("%s", named) if moves.uri else f"qemu+{moves.scheme}://{named}/system"


class Peer:
    """A connection to the libvirt of another host, about one guest; one call at a time."""

    def __init__(self, connection: Any, guest: GuestId) -> None:
        self._connection = connection
        self._guest = guest
        self._work: Future[Any] = Future()
        self._work.set_result(None)

    async def call(self, operation: str, function: Callable[[Any], T]) -> T:
        """`function(connection)` off the loop. Errors: GuestNotFound, GuestOperationFailed."""
        work = self._work = _pool.submit(function, self._connection)
        try:
            return await asyncio.wrap_future(work)
        except libvirt.libvirtError as error:
            raise domains.translated(error, operation, self._guest) from error

    async def on(self, operation: str, function: Callable[[Any], T]) -> T:
        """`function(domain)` off the loop. Errors: as `call`."""
        return await self.call(operation, lambda c: function(c.lookupByUUIDString(self._guest)))

    def close(self) -> None:
        """Blocks, though not for a call that was given up and still goes on: then that one closes it."""
        self._work.add_done_callback(lambda _: close_quietly(self._connection))


@asynccontextmanager
async def peer(moves: MoveSettings, address: str, guest: GuestId) -> AsyncIterator[Peer]:
    """Errors: HypervisorUnavailable."""
    if not address:
        raise HypervisorUnavailable("The other host takes no connections from this one: live_migration_inbound_addr.")
    try:
        connection = await _blocking(lambda: opened(peer_uri(moves, address), keepalive_count=_KEEPALIVE_COUNT))
    except libvirt.libvirtError as error:
        raise HypervisorUnavailable(f"libvirt at {address} cannot be reached: {error}") from error
    found = Peer(connection, guest)
    try:
        yield found
    finally:
        await _blocking(found.close)


class FarFiles:
    """The files of one directory on another host, read through its libvirt. Methods block."""

    def __init__(self, connection: Any, pool: Any) -> None:
        self._connection = connection
        self._pool = pool

    def names(self) -> set[str]:
        return set(self._pool.listVolumes())

    def fetch(self, name: str, target: Path, stop: threading.Event) -> None:
        """A copy at `target`, holes and all. Errors: GuestOperationFailed once `stop` is set."""

        def write(_stream: Any, data: bytes, _opaque: object) -> int:
            if stop.is_set():
                raise GuestOperationFailed("copy", name, "given up")
            return file.write(data)

        def skip(_stream: Any, length: int, _opaque: object) -> int:
            file.seek(length, 1)
            return 0

        stream = self._connection.newStream()
        with target.open("wb") as file:
            volume = self._pool.storageVolLookupByName(name)
            volume.download(stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
            stream.sparseRecvAll(write, skip, None)
            stream.finish()
            file.truncate(file.tell())


@contextmanager
def far_files(connection: Any, guest: GuestId, directory: Path) -> Iterator[FarFiles]:
    """`directory` as a storage pool of the moment: libvirt hands out files of pools only. Blocks."""
    name = f"kilonova-{guest}"
    _drop_pool(connection, name)  # of a predecessor that was killed
    xml = f"<pool type='dir'><name>{name}</name><target><path>{escape(str(directory))}</path></target></pool>"
    pool = connection.storagePoolCreateXML(xml)
    try:
        yield FarFiles(connection, pool)
    finally:
        _drop_pool(connection, name)


def _drop_pool(connection: Any, name: str) -> None:
    """The files stay. Happy to find none."""
    for pool in connection.listAllStoragePools():
        if pool.name() == name:
            pool.destroy()
