"""Does KVM really run a guest, or only claim to? Told by its speed.

Some kernels offer a /dev/kvm that interprets guests at two million instructions a second, a hundred times slower than
QEMU's own translator; opening it, or running one instruction, cannot tell. Real hardware counts a million steps in a
millisecond, such a kernel needs half a second; the line is drawn between.
"""

import select
import subprocess
import sys
from pathlib import Path
from typing import Literal

import msgspec

from kilonova.virt.libvirt import speed_guest

VirtType = Literal["kvm", "qemu"]

_STEPS = 1_000_000
_DEADLINE_S = 0.25
# For the interpreter to start and the kernel to make the guest; not part of what is measured.
_SETUP_DEADLINE_S = 5.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Known(msgspec.Struct, frozen=True):
    boot_id: str
    virt_type: VirtType


def virt_type(cache: Path) -> VirtType:
    """What to run guests with; measured once per boot of the machine and kept in the file `cache`. Blocks <= 0.3 s."""
    boot_id = _BOOT_ID.read_text().strip()
    known = _read(cache)
    if known is not None and known.boot_id == boot_id:
        return known.virt_type
    measured: VirtType = "kvm" if _fast_enough() else "qemu"
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_bytes(msgspec.json.encode(_Known(boot_id, measured)))
    return measured


def _read(cache: Path) -> _Known | None:
    try:
        return msgspec.json.decode(cache.read_bytes(), type=_Known)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _fast_enough() -> bool:
    # A process of its own: a guest that hangs in the kernel is killed with it.
    command = [sys.executable, "-I", "-S", speed_guest.__file__, str(_STEPS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as guest:
        try:
            return _says(guest, b"ready\n", _SETUP_DEADLINE_S) and _says(guest, b"done\n", _DEADLINE_S)
        finally:
            guest.kill()


def _says(guest: "subprocess.Popen[bytes]", word: bytes, within_s: float) -> bool:
    assert guest.stdout is not None
    readable, _, _ = select.select([guest.stdout], [], [], within_s)
    return bool(readable) and guest.stdout.read(len(word)) == word
