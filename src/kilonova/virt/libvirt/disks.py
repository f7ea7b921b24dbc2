"""A guest's local disks: qcow2 overlays over the image cache, and its config drive, all in the guest's own directory.

The base is hard-linked beside its overlay. So the cache sees by the link count what is in use, and may even lose its
own name for the file; nothing has to be booked. Steps end with a rename: a kill leaves the old or the new, not half.
"""

import asyncio
import errno
import os
import shutil
from pathlib import Path
from typing import Literal

from kilonova.aio.blocking import blocking
from kilonova.model.errors import BadRequest
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.guest import GuestSpec, LocalDisk
from kilonova.virt.libvirt.formatted import make_formatted
from kilonova.virt.libvirt.guest_files import GuestFiles
from kilonova.virt.qcow2 import qcow2_size, write_qcow2

_GIB, _MIB = 1024**3, 1024**2


class ImageTooLarge(BadRequest):
    """The image does not fit into the flavor's disk. Sizes in bytes."""

    def __init__(self, image_size: int, disk_size: int) -> None:
        super().__init__(f"The flavor's disk of {disk_size} bytes is too small for the image of {image_size} bytes.")
        self.image_size = image_size
        self.disk_size = disk_size


async def prepare(spec: GuestSpec, files: GuestFiles) -> None:
    """Make the disks that are missing. Errors: ImageTooLarge, FormatFailed, QemuImgFailed."""
    await blocking(make_directories, files)
    for disk, path in files.locals(spec):
        if not path.exists():
            await make(disk, path)
    if spec.config_drive is not None and not files.config_drive.exists():
        fresh = files.config_drive.with_suffix(".new")
        await link(spec.config_drive, fresh)
        fresh.replace(files.config_drive)


def make_directories(files: GuestFiles) -> None:
    files.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if files.own is not None:
        files.own.mkdir(mode=0o700, parents=True, exist_ok=True)
    if files.mark is not None:
        files.mark.parent.mkdir(mode=0o700, exist_ok=True)
        files.mark.touch()


async def make(disk: LocalDisk, path: Path) -> None:
    """One disk of the size it says (0: as large as its base)."""
    wanted = size_of(disk) or None
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    if disk.base is None and disk.filesystem is not None:
        await make_formatted(fresh, size=wanted or 0, filesystem=disk.filesystem, label=path.stem)
    elif disk.base is None:
        await blocking(write_qcow2, fresh, size=wanted or 0)
    else:
        base_format = disk.base_format or "raw"
        size = virtual_size(disk.base, base_format)
        if wanted is not None and size > wanted:
            raise ImageTooLarge(size, wanted)
        base = base_of(path)
        await link(disk.base, base)
        await blocking(image_of(path).write_text, disk.base.name)
        # By its bare name: the directory may be moved or seen under another name.
        await blocking(write_qcow2, fresh, size=wanted or size, base=base.name, base_format=base_format)
    fresh.replace(path)


def base_of(path: Path) -> Path:
    """What the disk at `path` stands on, where it stands on anything."""
    return path.with_suffix(".base")


def image_of(path: Path) -> Path:
    """Tells the name that has in the image cache, which is the same on every host."""
    return path.with_suffix(".image")


def size_of(disk: LocalDisk) -> int:
    """In bytes."""
    return disk.size_gib * _GIB if disk.size_mib is None else disk.size_mib * _MIB


def virtual_size(path: Path, image_format: Literal["raw", "qcow2"]) -> int:
    """In bytes, as the guest sees it."""
    return path.stat().st_size if image_format == "raw" else qcow2_size(path)


async def link(base: Path, name: Path) -> None:
    """`base` under another name, or a copy of it."""
    if not _hard_link(base, name):
        # Never a symbolic link: the cache would not see that the image is in use, and one day remove it.
        await _copy(base, name)


def _hard_link(base: Path, link: Path) -> bool:
    """False where the file system does not allow it."""
    link.unlink(missing_ok=True)
    try:
        os.link(base, link)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
            raise
        return False
    return True


async def keep_root(files: GuestFiles) -> None:
    """Set a copy of the root disk aside (shared blocks where the file system can)."""
    if files.kept_root.exists() or not files.root.exists():
        return
    fresh = files.kept_root.with_suffix(".new")
    await _copy(files.root, fresh)
    fresh.replace(files.kept_root)


async def _copy(source: Path, target: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "cp", "--reflink=auto", "--sparse=always", str(source), str(target), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise GuestOperationFailed("copy", source.parent.name, errors.decode(errors="replace").strip())


def restore_root(files: GuestFiles) -> None:
    if files.kept_root.exists():
        files.kept_root.replace(files.root)


def drop_kept_root(files: GuestFiles) -> None:
    files.kept_root.unlink(missing_ok=True)


def root_size(files: GuestFiles) -> int | None:
    """In bytes; None when the guest has no local root disk."""
    return virtual_size(files.root, "qcow2") if files.root.exists() else None


async def remove(files: GuestFiles) -> None:
    """The guest's directory and all in it, unless other hosts have the guest too; happy to find nothing."""
    await blocking(_remove, files)


def _remove(files: GuestFiles) -> None:
    if files.own is not None:
        shutil.rmtree(files.own, ignore_errors=True)
    if files.mark is not None:
        files.mark.unlink(missing_ok=True)
        if files.mark.parent.is_dir() and any(files.mark.parent.iterdir()):
            return
    shutil.rmtree(files.directory, ignore_errors=True)


def remove_rescue(files: GuestFiles) -> None:
    for path in (files.rescue, base_of(files.rescue), image_of(files.rescue)):
        path.unlink(missing_ok=True)
