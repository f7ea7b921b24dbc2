"""cpio archives of the kind the kernel unpacks as its first root (format `newc`), written without a program."""

import gzip
import os
import stat
from pathlib import Path


def initial_ramdisk(root: Path) -> bytes:
    """The tree below `root`, gzipped; every file is root's (0:0) and has no time: equal trees give equal bytes."""
    pieces: list[bytes] = []
    for number, path in enumerate(sorted(root.rglob("*")), start=1):
        pieces.append(_entry(number, path, str(path.relative_to(root))))
    pieces.append(_member(0, "TRAILER!!!", 0, b"", links=1))
    return gzip.compress(b"".join(pieces), compresslevel=6, mtime=0)


def _entry(number: int, path: Path, name: str) -> bytes:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return _member(number, name, mode, os.readlink(path).encode(), links=1)
    if stat.S_ISDIR(mode):
        return _member(number, name, mode, b"", links=2)
    return _member(number, name, mode, path.read_bytes(), links=1)


def _member(number: int, name: str, mode: int, content: bytes, *, links: int) -> bytes:
    encoded = name.encode() + b"\0"
    # inode, mode, uid, gid, links, mtime, size, device (2), special device (2), name's length, check
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + encoded) + _padded(content)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 4)
