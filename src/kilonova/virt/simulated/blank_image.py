"""An empty but valid qcow2 file, written without QEMU. Layout: QEMU's docs/interop/qcow2.txt, version 2."""

import struct
from pathlib import Path

_CLUSTER = 65536
_GIB = 1024**3


def write_blank_qcow2(target: Path, *, size_gib: int) -> None:
    """A standalone qcow2 whose disk of `size_gib` reads as zeros; sparse, four clusters long."""
    size = size_gib * _GIB
    l1_entries = max(1, size // (_CLUSTER * _CLUSTER // 8))
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb", 2, 0, 0, 16, size, 0, l1_entries, 3 * _CLUSTER, _CLUSTER, 1, 0, 0,
    )  # fmt: skip
    with target.open("wb") as file:
        file.write(header)
        file.seek(_CLUSTER)  # the reference table: one block
        file.write(struct.pack(">Q", 2 * _CLUSTER))
        file.seek(2 * _CLUSTER)  # that block: the four clusters, one reference each
        file.write(struct.pack(">4H", 1, 1, 1, 1))
        file.truncate(4 * _CLUSTER)
