"""Programs of the machine that a guest image is built with."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from kilonova.model.errors import InternalError, Unavailable

# Debian keeps mke2fs, mkfs.fat and dropbear where users' PATH does not look.
_SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])

# Program or file → the Debian package that brings it.
_PACKAGES: Mapping[str, str] = {
    "apt-get": "apt",
    "busybox": "busybox-static",
    "debugfs": "e2fsprogs",
    "dropbear": "dropbear-bin",
    "dropbearkey": "dropbear-bin",
    "mbr.bin": "syslinux-common",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.fat": "dosfstools",
    "qemu-img": "qemu-utils",
    "resize2fs": "e2fsprogs",
    "syslinux": "syslinux",
}


class GuestToolMissing(Unavailable):
    """The machine lacks something the image is built with; `mend` is the command that brings it."""

    def __init__(self, tool: str, mend: str, *, reason: str = "is not on this machine") -> None:
        super().__init__(f"The image tiny cannot be built: {tool} {reason}. Mend it with: {mend}")
        self.tool = tool
        self.mend = mend


class GuestBuildFailed(InternalError):
    """A build tool failed; the message holds the end of what it said."""


def install_command(*packages: str) -> str:
    return "apt-get install --no-install-recommends " + " ".join(packages)


def program(name: str) -> Path:
    """Where the program is. Errors: GuestToolMissing."""
    found = shutil.which(name, path=_SEARCH)
    if found is None:
        raise GuestToolMissing(name, install_command(_PACKAGES.get(name, name)))
    return Path(found)


async def run(name: str, *arguments: str | Path, stdin: bytes | None = None, cwd: Path | None = None) -> bytes:
    """What the program prints. Errors: GuestToolMissing, GuestBuildFailed."""
    process = await asyncio.create_subprocess_exec(
        program(name),
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, "PATH": _SEARCH, "LC_ALL": "C", "MTOOLS_SKIP_CHECK": "1"},
    )
    try:
        output, complaint = await process.communicate(stdin)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(process.wait())
        raise
    if process.returncode != 0:
        words = (complaint or output).decode(errors="replace").strip()[-600:]
        raise GuestBuildFailed(f"{name} ended with status {process.returncode}: {words}")
    return output
