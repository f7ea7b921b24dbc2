"""qemu-img, never left to guess a format, and held within limits: images are written by strangers."""

import asyncio
from pathlib import Path

from oslo_utils.imageutils import format_inspector

from kilonova.aio.blocking import blocking
from kilonova.model.errors import Unavailable

# Enough for any honest image; what wants more is a bomb (CVE-2015-5162).
_ADDRESS_SPACE_BYTES = 2 << 30
_CPU_S = 900
_LIMITS = ("prlimit", f"--as={_ADDRESS_SPACE_BYTES}", f"--cpu={_CPU_S}", "--core=0", "--")


class ConversionFailed(Unavailable):
    def __init__(self, why: str) -> None:
        super().__init__(f"The image could not be converted: {why}")


async def qcow2_to_raw(source: Path, target: Path) -> None:
    """Errors: ConversionFailed, also for a qcow2 that points to other files."""
    await blocking(_check, source)
    await _run(*_LIMITS, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(source), str(target))


async def raw_to_qcow2(source: Path, target: Path) -> None:
    """A guest wrote `source`, so nothing in it decides how it is read. Errors: ConversionFailed."""
    await _run(*_LIMITS, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(source), str(target))


def _check(path: Path) -> None:
    try:
        found = format_inspector.detect_file_format(str(path))
        if str(found) != "qcow2" or found is None:
            raise ConversionFailed(f"it is {found}, not qcow2")
        found.safety_check()
    except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed) as error:
        raise ConversionFailed(str(error)) from error


async def _run(*command: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except FileNotFoundError as error:
        raise ConversionFailed("prlimit or qemu-img is not installed") from error
    try:
        output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise ConversionFailed(output.decode(errors="replace")[-300:])
