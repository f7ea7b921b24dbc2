"""Volumes and snapshots on disk: raw sparse files, `DIR/volume-ID` and `DIR/snapshot-ID`.

New content is written to `DIR/.part` and renamed when it is whole and durable, so a name always means whole content.
"""

import os
import threading
from collections.abc import AsyncIterable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kilonova.aio.blocking import blocking

GIB = 1 << 30
# How much is copied between two looks at whether to stop.
_STRIDE = 64 * 1024 * 1024
_ZEROS = bytes(256 * 1024)


class Stopped(Exception):
    """The service is closing; the work is begun anew at the next start."""


class Files:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._parts = directory / ".part"
        self._stopping = threading.Event()

    def volume(self, volume_id: str) -> Path:
        return self._directory / f"volume-{volume_id}"

    def snapshot(self, snapshot_id: str) -> Path:
        return self._directory / f"snapshot-{snapshot_id}"

    async def start(self, volume_ids: Collection[str], snapshot_ids: Collection[str]) -> None:
        """Remove half-written files, and those of no volume or snapshot that there is."""
        keep = {self.volume(one).name for one in volume_ids} | {self.snapshot(one).name for one in snapshot_ids}
        await blocking(self._sweep, keep)

    def _sweep(self, keep: set[str]) -> None:
        self._parts.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in self._parts.iterdir():
            leftover.unlink()
        for file in self._directory.iterdir():
            if file.is_file() and file.name.startswith(("volume-", "snapshot-")) and file.name not in keep:
                file.unlink()

    def stop(self) -> None:
        """Let copies under way end soon, by Stopped."""
        self._stopping.set()

    async def make_blank(self, path: Path, size_gib: int) -> None:
        await blocking(self._make_blank, path, size_gib)

    def _make_blank(self, path: Path, size_gib: int) -> None:
        with self._new(path) as file:
            os.truncate(file.fileno(), size_gib * GIB)

    async def copy(self, source: Path, path: Path, size_gib: int) -> None:
        """A copy of `source`, holes kept, at least `size_gib` long. Errors: Stopped, OSError."""
        await blocking(self._copy, source, path, size_gib)

    def _copy(self, source: Path, path: Path, size_gib: int) -> None:
        with open(source, "rb", 0) as old, self._new(path) as new:
            length = os.fstat(old.fileno()).st_size
            os.truncate(new.fileno(), max(length, size_gib * GIB))
            for start, end in _extents(old.fileno(), length):
                self._copy_extent(old.fileno(), new.fileno(), start, end)

    def _copy_extent(self, old: int, new: int, start: int, end: int) -> None:
        while start < end:
            if self._stopping.is_set():
                raise Stopped
            # Shares the blocks where the file system can.
            copied = os.copy_file_range(old, new, min(end - start, _STRIDE), start, start)
            if not copied:
                raise OSError(f"the source ended {end - start} bytes early")
            start += copied

    async def fill(self, path: Path, pieces: AsyncIterable[bytes], size_gib: int) -> None:
        """Write `pieces`, leaving holes for zeros, and make the file `size_gib` long."""
        part = self._part(path)
        file = await blocking(open, part, "wb", 0)
        try:
            async for piece in pieces:
                await blocking(_write_sparsely, file, piece)
            await blocking(_extend, file, size_gib)
            await blocking(_settle, file, part, path)
        finally:
            file.close()
            await blocking(part.unlink, missing_ok=True)

    async def adopt(self, part: Path, path: Path, size_gib: int) -> None:
        """Take a file made by someone else in `scratch` as `path`."""
        await blocking(self._adopt, part, path, size_gib)

    def _adopt(self, part: Path, path: Path, size_gib: int) -> None:
        with open(part, "r+b", 0) as file:
            _extend(file, size_gib)
            _settle(file, part, path)

    def scratch(self, name: str) -> Path:
        """A name for a file that does not outlive this process."""
        return self._parts / name

    async def extend(self, path: Path, size_gib: int) -> None:
        await blocking(os.truncate, path, size_gib * GIB)

    async def rename(self, old: Path, new: Path) -> None:
        """`old` takes the place of `new`; happy where it has."""
        await blocking(_rename, old, new)

    async def remove(self, path: Path) -> None:
        await blocking(path.unlink, missing_ok=True)

    def free_gib(self) -> float:
        found = os.statvfs(self._directory)
        return found.f_bavail * found.f_frsize / GIB

    def total_gib(self) -> float:
        found = os.statvfs(self._directory)
        return found.f_blocks * found.f_frsize / GIB

    def _part(self, path: Path) -> Path:
        return self._parts / path.name

    @contextmanager
    def _new(self, path: Path) -> Iterator[BinaryIO]:
        part = self._part(path)
        try:
            with open(part, "wb", 0) as file:
                yield file
                _settle(file, part, path)
        finally:
            part.unlink(missing_ok=True)


def _extents(descriptor: int, length: int) -> Iterator[tuple[int, int]]:
    """Where there is data, as (start, end)."""
    end = 0
    while end < length:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def _rename(old: Path, new: Path) -> None:
    if old.exists():
        old.replace(new)


def _write_sparsely(file: BinaryIO, piece: bytes) -> None:
    if piece == _ZEROS[: len(piece)]:
        file.seek(len(piece), os.SEEK_CUR)
        return
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def _extend(file: BinaryIO, size_gib: int) -> None:
    length = max(os.fstat(file.fileno()).st_size, size_gib * GIB)
    os.truncate(file.fileno(), length)


def _settle(file: BinaryIO, part: Path, path: Path) -> None:
    os.fsync(file.fileno())
    os.rename(part, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
