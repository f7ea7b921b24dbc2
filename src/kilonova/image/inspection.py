"""Is a file what it is said to be, and safe to hand to QEMU? Decided while its bytes stream by, before QEMU sees any.

oslo.utils' inspectors know the formats and refuse backing files, data files and unknown features. On top of that: what
is declared must be what is found (a qcow2 called raw would be opened as qcow2 by anybody who probes), and a qcow2's
tables must lie within the file.
"""

import struct
from typing import IO, cast

from oslo_utils.imageutils import format_inspector

from kilonova.image.errors import ImageRefused

# What may be found in a file declared as the key. Partition tables ("gpt" includes MBR) are raw disks; the amazon
# formats are a kernel, an initrd and a file system.
_FOUND: dict[str, frozenset[str]] = {
    "raw": frozenset({"raw", "gpt"}),
    "ami": frozenset({"raw", "gpt"}),
    "aki": frozenset({"raw", "gpt"}),
    "ari": frozenset({"raw", "gpt"}),
    "qcow2": frozenset({"qcow2"}),
    # A bootable ISO carries a partition table in its system area.
    "iso": frozenset({"iso", "gpt"}),
    "vhd": frozenset({"vhd"}),
    "vhdx": frozenset({"vhdx"}),
    "vmdk": frozenset({"vmdk"}),
    "vdi": frozenset({"vdi"}),
}
DISK_FORMATS = frozenset(_FOUND)

# QEMU's own bounds on a qcow2 (block/qcow2.c): cluster sizes from 512 bytes to 2 MiB, an L1 table of 32 MiB.
_CLUSTER_BITS = range(9, 22)
_L1_LIMIT_BYTES = 32 * 1024 * 1024


class Inspection:
    """Feed it every byte in order, then ask for the verdict."""

    def __init__(self, disk_format: str) -> None:
        self._declared = disk_format
        self._tap = _Tap()
        self._wrapper = format_inspector.InspectWrapper(cast(IO[bytes], self._tap))  # it only ever reads
        self._header = b""
        self._size = 0

    def eat(self, data: bytes) -> None:
        """Any piece of the file; costs next to nothing once the headers are past."""
        if len(self._header) < 72:
            self._header = (self._header + data[:72])[:72]
        self._size += len(data)
        self._tap.waiting = data
        self._wrapper.read(len(data))

    def verdict(self) -> int:
        """The virtual size in bytes. Errors: ImageRefused."""
        self._wrapper.close()
        try:
            found = {str(one): one for one in self._wrapper.formats or ()}
            self._match(set(found))
            for name, inspector in found.items():
                # A partition table points nowhere outside of its disk, however odd it looks.
                if name != "gpt":
                    inspector.safety_check()
        except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed) as error:
            raise ImageRefused(_why(error)) from error
        if self._declared == "qcow2":
            _check_qcow2(self._header, self._size)
        declared = found.get(self._declared)
        return (0 if declared is None else declared.virtual_size) or self._size

    def _match(self, found: set[str]) -> None:
        allowed = _FOUND[self._declared]
        main = found - {"gpt"} if self._declared == "iso" else found
        if not main or not main <= allowed:
            names = ", ".join(sorted(found))
            raise ImageRefused(f"declared {self._declared}, but it is {names}")
        if len(main) > 1:
            raise ImageRefused(f"more than one format found: {', '.join(sorted(main))}")


class _Tap:
    """The file-like source that the wrapper reads from."""

    def __init__(self) -> None:
        self.waiting = b""

    def read(self, size: int) -> bytes:
        return self.waiting


def _why(error: Exception) -> str:
    if isinstance(error, format_inspector.SafetyCheckFailed):
        return "; ".join(str(failure) for failure in error.failures.values())
    return str(error)


def _check_qcow2(header: bytes, size: int) -> None:
    """Tables inside the file, sane geometry, no encryption (nobody here holds a key)."""
    fields = struct.unpack(">4sIQIIQIIQQIIQ", header[:72])
    cluster_bits, crypt_method, l1_entries = fields[4], fields[6], fields[7]
    l1_offset, refcount_offset, refcount_clusters, snapshots = fields[8:12]
    if cluster_bits not in _CLUSTER_BITS:
        raise ImageRefused(f"cluster size 2^{cluster_bits} is out of range")
    if crypt_method:
        raise ImageRefused("encrypted qcow2")
    if snapshots:
        raise ImageRefused("qcow2 with internal snapshots")
    if l1_entries * 8 > _L1_LIMIT_BYTES:
        raise ImageRefused("the qcow2's tables are too large")
    cluster = 1 << cluster_bits
    for what, offset, length in (
        ("L1 table", l1_offset, l1_entries * 8),
        ("refcount table", refcount_offset, refcount_clusters * cluster),
    ):
        if offset % cluster or offset + length > size:
            raise ImageRefused(f"truncated or damaged qcow2: its {what} lies outside of the file")
