"""An empty qcow2 over a base, or blank: a few hundred bytes of tables, written without starting qemu-img.

Source of the layout: QEMU, docs/interop/qcow2.txt (version 3, clusters of 64 KiB, reference counts of 16 bits).
"""

import struct
from pathlib import Path
from typing import Literal

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_SECTOR = 512
# What one entry of the first table stands for: a second table of 8192 clusters.
_PER_L1_ENTRY = _CLUSTER * (_CLUSTER // 8)
_REFCOUNT_ORDER = 4

# Magic, version, place and length of the base's name, cluster bits, size, no encryption, entries and place of the first
# table, place and clusters of the counts' table, no snapshots, three words of features, order of counts, own length,
# kind of compression.
_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQIIB7x")
_EXTENSION = struct.Struct(">II")
_BASE_FORMAT, _END = 0xE2792ACA, 0
_LONGEST_NAME = 1023

_SIZE = struct.Struct(">24xQ")


def write_qcow2(
    target: Path, *, size: int, base: str | None = None, base_format: Literal["raw", "qcow2"] = "raw"
) -> None:
    """An image of `size` bytes (rounded up to whole sectors) at `target`. Blocks.

    `base` is a file name as QEMU shall look for it: a relative one beside `target`. Errors: ValueError for a base whose
    name has more than 1023 bytes.
    """
    size = -(-size // _SECTOR) * _SECTOR
    entries = max(1, -(-size // _PER_L1_ENTRY))
    # In this order: the header, the table of the counts' blocks, the one block, the first table.
    clusters = 3 + -(-entries * 8 // _CLUSTER)
    with target.open("wb") as file:
        file.write(_header(size, entries, (base or "").encode(), base_format.encode() if base else b""))
        file.seek(_CLUSTER)
        file.write(struct.pack(">Q", 2 * _CLUSTER))
        file.seek(2 * _CLUSTER)
        file.write(struct.pack(">H", 1) * clusters)
        file.truncate(clusters * _CLUSTER)


def qcow2_size(path: Path) -> int:
    """In bytes, as the guest sees it."""
    with path.open("rb") as file:
        size: int = _SIZE.unpack(file.read(_SIZE.size))[0]
        return size


def _header(size: int, entries: int, base: bytes, base_format: bytes) -> bytes:
    if len(base) > _LONGEST_NAME:
        raise ValueError(f"the name of a base has {_LONGEST_NAME} bytes at most, not {len(base)}")
    extensions = b""
    if base_format:
        extensions = _EXTENSION.pack(_BASE_FORMAT, len(base_format)) + base_format.ljust(8, b"\0")
    extensions += _EXTENSION.pack(_END, 0)
    name_at = _HEADER.size + len(extensions) if base else 0
    fields = (name_at, len(base), _CLUSTER_BITS, size, 0, entries, 3 * _CLUSTER, _CLUSTER, 1, 0, 0, 0, 0, 0)
    return _HEADER.pack(b"QFI\xfb", 3, *fields, _REFCOUNT_ORDER, _HEADER.size, 0) + extensions + base
