"""Blank disks that a guest can use at once: swap space and file systems, made by the ordinary tools."""

import asyncio
import asyncio.subprocess
from pathlib import Path

from kilonova.aio.blocking import blocking
from kilonova.model.errors import InternalError
from kilonova.virt.libvirt import qemu_img

_MKFS_S = 300.0
# By the name that Nova's default_ephemeral_format and block devices' guest_format use.
_COMMANDS: dict[str, tuple[str, ...]] = {
    "swap": ("mkswap", "-L"),
    "ext2": ("mkfs.ext2", "-q", "-F", "-L"),
    "ext3": ("mkfs.ext3", "-q", "-F", "-L"),
    "ext4": ("mkfs.ext4", "-q", "-F", "-L"),
    "vfat": ("mkfs.fat", "-n"),
    "xfs": ("mkfs.xfs", "-q", "-f", "-L"),
    "ntfs": ("mkfs.ntfs", "-q", "-F", "-f", "-L"),
}


class FormatFailed(InternalError):
    """There is no such file system here, or its tool failed; the message is the tool's own."""


async def make_formatted(target: Path, *, size: int, filesystem: str, label: str) -> None:
    """A qcow2 of `size` bytes with an empty file system named `label`. Errors: FormatFailed, QemuImgFailed."""
    raw = target.with_suffix(".raw")
    try:
        await blocking(_make_sparse, raw, size)
        await _format(raw, filesystem, label)
        await qemu_img.convert(raw, target, source_format="raw")
    finally:
        raw.unlink(missing_ok=True)


async def _format(path: Path, filesystem: str, label: str) -> None:
    if filesystem not in _COMMANDS:
        raise FormatFailed(f"There is no way to format a disk as {filesystem}.")
    command = (*_COMMANDS[filesystem], label, str(path))
    environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise FormatFailed(f"{command[0]} is not installed.") from error
    try:
        _, errors = await asyncio.wait_for(process.communicate(), _MKFS_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise FormatFailed(f"{command[0]}: {errors.decode(errors='replace').strip()}")


def _make_sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
