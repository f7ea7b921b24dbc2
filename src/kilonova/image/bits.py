"""The bits on disk: one file per image, written beside and renamed when whole; nothing half-written is ever seen.

`DIR/ID` is an image; `DIR/.part/ID.*` one on its way in. Hashing, inspecting and writing happen in the thread pool.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from kilonova.aio.blocking import blocking
from kilonova.image.errors import ImageNotFound, ImageTooLarge, StoreFull
from kilonova.image.inspection import Inspection
from kilonova.model.ids import ImageId

# A thread hop costs about 50 us, so bytes travel in pieces of this size (and memory per transfer is a few of them).
PIECE = 256 * 1024
BATCH = 1024 * 1024
_ZEROS = bytes(2 * BATCH)


class Stored(msgspec.Struct, frozen=True):
    """What is known of bits once they are whole. Sizes in bytes, hashes in hex."""

    size: int
    virtual_size: int
    md5: str
    sha512: str


class Bits:
    """The directory. `start` makes it and throws away what a killed upload left."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._parts = directory / ".part"

    async def start(self, keep: Collection[str]) -> None:
        """Remove every file but those of the images in `keep`."""
        await blocking(self._sweep, frozenset(keep))

    def _sweep(self, keep: frozenset[str]) -> None:
        self._parts.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in self._parts.iterdir():
            leftover.unlink()
        for file in self._directory.iterdir():
            if file.is_file() and file.name not in keep:
                file.unlink()

    def upload(self, image_id: ImageId, disk_format: str, *, limit_bytes: int) -> "Upload":
        part = self._parts / f"{image_id}.{secrets.token_hex(4)}"
        return Upload(part, self._directory / image_id, disk_format, limit_bytes)

    async def open(self, image_id: ImageId) -> BinaryIO:
        """Open for reading; stays readable when the image is deleted meanwhile. Errors: ImageNotFound."""
        try:
            return await blocking(open, self._directory / image_id, "rb", 0)
        except FileNotFoundError as error:
            raise ImageNotFound(image_id) from error

    async def remove(self, image_id: ImageId) -> None:
        await blocking((self._directory / image_id).unlink, missing_ok=True)


async def pieces(file: BinaryIO, offset: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes from `offset` on, in pieces; closes the file."""
    try:
        await blocking(file.seek, offset)
        while length > 0 and (piece := await blocking(file.read, min(PIECE, length))):
            length -= len(piece)
            yield piece
    finally:
        file.close()


class Upload:
    """`async with bits.upload(…) as upload`: feed it, then `finish`; leaving without `finish` removes every trace."""

    def __init__(self, part: Path, whole: Path, disk_format: str, limit_bytes: int) -> None:
        self._part = part
        self._whole = whole
        self._limit_bytes = limit_bytes
        self._inspection = Inspection(disk_format)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha512 = hashlib.sha512()
        self._size = 0
        self._batch: list[bytes] = []
        self._waiting = 0
        self._file: BinaryIO | None = None

    async def __aenter__(self) -> Self:
        self._file = await blocking(open, self._part, "wb", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            await blocking(self._part.unlink, missing_ok=True)

    async def feed(self, chunk: bytes) -> None:
        """Errors: ImageTooLarge, StoreFull."""
        self._batch.append(chunk)
        self._waiting += len(chunk)
        if self._size + self._waiting > self._limit_bytes:
            raise ImageTooLarge(self._limit_bytes)
        if self._waiting >= BATCH:
            await self._flush()

    async def finish(self) -> Stored:
        """Make the file durable under its name. Errors: ImageRefused, StoreFull."""
        await self._flush()
        virtual_size = await blocking(self._inspection.verdict)
        await blocking(self._settle)
        return Stored(self._size, virtual_size, self._md5.hexdigest(), self._sha512.hexdigest())

    async def _flush(self) -> None:
        data, self._batch, self._waiting = b"".join(self._batch), [], 0
        if data:
            self._size += len(data)
            await blocking(self._take, data)

    def _take(self, data: bytes) -> None:
        assert self._file is not None
        self._inspection.eat(data)
        self._md5.update(data)
        self._sha512.update(data)
        try:
            _write(self._file, data)
        except OSError as error:
            raise (StoreFull() if error.errno in (errno.ENOSPC, errno.EDQUOT) else error) from error

    def _settle(self) -> None:
        assert self._file is not None
        os.truncate(self._file.fileno(), self._size)
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        os.rename(self._part, self._whole)
        directory = os.open(self._whole.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _write(file: BinaryIO, data: bytes) -> None:
    """Zeros become a hole: the image of a volume is mostly that."""
    if data == _ZEROS[: len(data)]:
        file.seek(len(data), os.SEEK_CUR)
        return
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
