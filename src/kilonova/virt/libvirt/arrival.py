"""A guest comes from another host: with copies of its disks where it is off, with empty ones where it runs.

Where both hosts have the guest's directory, as on shared storage, there is nothing to bring.
"""

import asyncio
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from kilonova.aio.blocking import blocking
from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.guest import GuestSpec, LocalDisk
from kilonova.virt.libvirt import disks, qemu_img
from kilonova.virt.libvirt.arriving_xml import own_disks
from kilonova.virt.libvirt.guest_files import GuestFiles
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.peer import FarFiles, Peer, far_files, peer
from kilonova.virt.qcow2 import write_qcow2

T = TypeVar("T")

_QCOW2 = b"QFI\xfb"
_WHAT = "receive"


class _Far(msgspec.Struct, frozen=True, kw_only=True):
    """What another host has of a guest: its directory, the files in it, and what its disks hold (bytes, by file).

    `shared`: that directory is ours too.
    """

    directory: Path
    names: frozenset[str] = frozenset()
    sizes: dict[str, int] = {}
    shared: bool = False


async def receive(host: LibvirtHost, spec: GuestSpec, *, address: str, running: bool) -> None:
    """Have the disks of `spec` here, as the host at `address` has them; a `running` guest brings their content itself.

    Errors: HypervisorUnavailable, GuestNotFound, GuestOperationFailed.
    """
    files = host.files(spec.id)
    if not (all(path.exists() for _, path in files.locals(spec)) and _has_drive(spec, files)):
        await _bring(host, spec, files, address=address, running=running)
    if not running:
        await _grow(spec, files)


async def _bring(host: LibvirtHost, spec: GuestSpec, files: GuestFiles, *, address: str, running: bool) -> None:
    await blocking(disks.make_directories, files)
    async with peer(host.settings.moves, address, spec.id) as other:
        found = await _look(other, spec.id, files)
        if found is None or found.shared:
            return
        arrival = _Arrival(other, found, spec.id, files)
        for disk, path in files.locals(spec):
            if not path.exists() and path.name in found.names:
                await (arrival.empty(disk, path) if running else arrival.copy(disk, path))
        if not _has_drive(spec, files) and files.config_drive.name in found.names:
            await arrival.fetch(files.config_drive)


async def _grow(spec: GuestSpec, files: GuestFiles) -> None:
    """To what the guest shall have here."""
    for disk, path in files.locals(spec):
        if path.exists() and disks.size_of(disk) > disks.virtual_size(path, "qcow2"):
            await qemu_img.resize(path, size=disks.size_of(disk))


def _has_drive(spec: GuestSpec, files: GuestFiles) -> bool:
    return spec.config_drive is None or files.config_drive.exists()


async def shares(other: Peer, guest: GuestId, files: GuestFiles) -> bool:
    """Whether the guest's directory is the same on the other host."""
    found = await _look(other, guest, files)
    return found is not None and found.shared


async def _look(other: Peer, guest: GuestId, files: GuestFiles) -> _Far | None:
    """None where the guest has nothing of its own but volumes. Our `files`' directory exists."""
    sizes = await other.on(_WHAT, _sizes)
    if not sizes:
        return None
    directory = next(iter(sizes)).parent
    # Seen there too if the directory is the same.
    mark = files.directory / f"seen-{secrets.token_hex(4)}"
    await blocking(mark.touch)
    try:
        names = await other.call(_WHAT, lambda c: _names(c, guest, directory))
    finally:
        await blocking(mark.unlink)
    known = {path.name: size for path, size in sizes.items()}
    return _Far(directory=directory, names=frozenset(names), sizes=known, shared=mark.name in names)


def _names(connection: Any, guest: GuestId, directory: Path) -> set[str]:
    with far_files(connection, guest, directory) as far:
        return far.names()


def _sizes(domain: Any) -> dict[Path, int]:
    return {disk.path: int(domain.blockInfo(disk.target)[0]) for disk in own_disks(domain.XMLDesc(0))}


class _Arrival:
    def __init__(self, other: Peer, found: _Far, guest: GuestId, files: GuestFiles) -> None:
        self._other = other
        self._found = found
        self._guest = guest
        self._files = files

    async def copy(self, disk: LocalDisk, path: Path) -> None:
        """As it is there."""
        await self._base(disk, path)
        await self.fetch(path)

    async def empty(self, disk: LocalDisk, path: Path) -> None:
        """Of the same size over the same base: what the guest wrote comes with it."""
        size = self._found.sizes.get(path.name)
        if size is None:
            raise GuestOperationFailed(_WHAT, self._guest, f"it runs without {path.stem}")
        base = await self._base(disk, path)
        fresh = path.with_suffix(".new")
        if base is None:
            await blocking(write_qcow2, fresh, size=size)
        else:
            await blocking(write_qcow2, fresh, size=size, base=base.name, base_format=_format(base))
        fresh.replace(path)

    async def fetch(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        await self._fetch(path.name, fresh)
        fresh.replace(path)

    async def _base(self, disk: LocalDisk, path: Path) -> Path | None:
        """What the disk stands on: this host's copy of the same image, else one brought along. None: nothing."""
        base, image = disks.base_of(path), disks.image_of(path)
        if base.name not in self._found.names:
            return None
        if image.name in self._found.names:
            await self.fetch(image)
            if disk.base is not None and image.read_text() == disk.base.name:
                await disks.link(disk.base, base)
                return base
        await self.fetch(base)
        return base

    async def _fetch(self, name: str, target: Path) -> None:
        stop = threading.Event()

        def bring(far: FarFiles) -> None:
            far.fetch(name, target, stop)

        try:
            await self._with_files(bring)
        except asyncio.CancelledError:
            stop.set()
            raise

    async def _with_files(self, function: Callable[[FarFiles], T]) -> T:
        def work(connection: Any) -> T:
            with far_files(connection, self._guest, self._found.directory) as far:
                return function(far)

        return await self._other.call(_WHAT, work)


def _format(base: Path) -> Literal["raw", "qcow2"]:
    """The image cache takes no raw image that begins as a qcow2 does."""
    with base.open("rb") as file:
        return "qcow2" if file.read(len(_QCOW2)) == _QCOW2 else "raw"
