"""qemu-img, always told the formats and never trusted: bounded memory, processor time and wall time."""

import asyncio
import asyncio.subprocess
from pathlib import Path
from typing import Literal

from kilonova.model.errors import InternalError

Format = Literal["raw", "qcow2"]

# A crafted image can make qemu-img take gigabytes or run for ever; honest ones need far less than this.
_ADDRESS_SPACE = 2 * 1024**3
_QUICK_S = 30
_COPY_S = 3600


class QemuImgFailed(InternalError):
    """qemu-img ended with an error or was stopped; the message is its own."""


async def convert(source: Path, target: Path, *, source_format: Format) -> None:
    """A standalone qcow2 of what `source` reads as, its backing files included."""
    await _run(["convert", "-q", "-f", source_format, "-O", "qcow2", str(source), str(target)], cpu_s=_COPY_S)


async def resize(path: Path, *, size: int) -> None:
    """Grow a qcow2 to `size` bytes."""
    await _run(["resize", "-q", "-f", "qcow2", str(path), str(size)], cpu_s=_QUICK_S)


async def _run(arguments: list[str], *, cpu_s: int) -> None:
    limits = [f"--as={_ADDRESS_SPACE}", f"--cpu={cpu_s}"]
    process = await asyncio.create_subprocess_exec(
        "prlimit",
        *limits,
        "qemu-img",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin"},
    )
    try:
        # Disks dawdle; wall time gets four times what the processor does.
        _, errors = await asyncio.wait_for(process.communicate(), 4 * cpu_s)
    except TimeoutError as error:
        raise QemuImgFailed(f"qemu-img {arguments[0]}: not done after {4 * cpu_s} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise QemuImgFailed(f"qemu-img {arguments[0]}: {errors.decode(errors='replace').strip()}")
