"""Images as guests' disks stand on them: fetched once per host, checked, kept while used.

A file's name ends in its true format. Drivers hard-link what they use, so the link count says whether a guest needs it.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal
from weakref import WeakValueDictionary

from oslo_utils.imageutils import format_inspector

from kilonova.aio.blocking import blocking
from kilonova.aio.clock import Clock
from kilonova.model.errors import BadRequest

Format = Literal["raw", "qcow2"]

# A partition table or a file system at the start of a raw disk is still a raw disk.
_FORMATS: dict[str, Format] = {"qcow2": "qcow2", "raw": "raw", "gpt": "raw", "iso": "raw"}
_UNFINISHED = ".part"

# Fills the file; answers the format the image is said to have, None when nobody said.
Write = Callable[[Path], Awaitable[str | None]]


class UnacceptableImage(BadRequest):
    """The image's content is not what a guest's disk may stand on; the message says why."""


class ImageCache:
    """One directory of one process. `clock` says how long ago an image was last asked for."""

    def __init__(self, directory: Path, *, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for unfinished in directory.glob(f"*{_UNFINISHED}"):
            unfinished.unlink()

    async def fetch(self, key: str, write: Write) -> Path:
        """The cached file of `key` (image id and checksum); `write` fills a new file where there is none.

        Asked for twice at once, an image is written once. Nothing half-written is ever seen. `image_format` tells more.
        The disk format that `write` answers must be what is found. Errors: UnacceptableImage, and what `write` raises.
        """
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            found = self._find(name)
            if found is None:
                found = await self._fill(name, write)
            now = self._clock.time()
            os.utime(found, (now, now))
        return found

    async def expire(self, *, unused_for_s: float) -> list[Path]:
        """Remove what no guest stands on and nobody asked for in that time; return what went."""
        before = self._clock.time() - unused_for_s
        return await blocking(self._expire, before)

    def _expire(self, before: float) -> list[Path]:
        gone = []
        for path in self._directory.iterdir():
            facts = path.stat()
            if path.suffix != _UNFINISHED and facts.st_nlink == 1 and facts.st_mtime < before:
                path.unlink()
                gone.append(path)
        return gone

    def _find(self, name: str) -> Path | None:
        paths = (self._directory / f"{name}.{form}" for form in ("qcow2", "raw"))
        return next((path for path in paths if path.exists()), None)

    async def _fill(self, name: str, write: Write) -> Path:
        unfinished = self._directory / f"{name}{_UNFINISHED}"
        try:
            declared = await write(unfinished)
            form = await blocking(_inspect, unfinished)
            if declared is not None and (declared == "qcow2") is not (form == "qcow2"):
                # Where one is taken for the other, the guest chooses which files of the host QEMU opens.
                raise UnacceptableImage(f"The image is called {declared}, but it is {form}.")
            return unfinished.replace(self._directory / f"{name}.{form}")
        finally:
            unfinished.unlink(missing_ok=True)


def image_format(cached: Path) -> Format:
    """Of a path that `fetch` returned."""
    return "qcow2" if cached.suffix == ".qcow2" else "raw"


def _inspect(path: Path) -> Format:
    """The true format, whatever the image claims; and on disk for good, as its name will promise."""
    try:
        inspector = format_inspector.detect_file_format(str(path))
        form = _FORMATS.get(str(inspector))
        if inspector is None or form is None:
            raise UnacceptableImage(f"The image has the format {inspector}; raw and qcow2 are accepted.")
        if form == "qcow2":
            # What is read as raw can point nowhere; a qcow2 may name other files of the host.
            inspector.safety_check()
    except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed) as error:
        raise UnacceptableImage(f"The image is not acceptable: {error}") from error
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return form
