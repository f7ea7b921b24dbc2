"""A guest of four instructions that counts down under KVM: `python speed_guest.py N`, standard library only.

Prints `ready` before the guest runs and `done` when it has counted. Structures and numbers: linux/kvm.h (x86-64).
"""

import ctypes
import fcntl
import mmap
import os
import struct
import sys

_CHECK_VERSION, _CREATE_VM, _VCPU_MMAP_SIZE = 0xAE00, 0xAE01, 0xAE04
_CREATE_VCPU, _RUN = 0xAE41, 0xAE80
_SET_MEMORY, _GET_CPUID, _SET_CPUID = 0x4020AE46, 0xC008AE05, 0x4008AE90
_GET_SREGS, _SET_SREGS, _SET_REGS = 0x8138AE83, 0x4138AE84, 0x4090AE82
_API_VERSION = 12
_EXIT_IO = 2
_EXIT_REASON = 8  # offset in struct kvm_run

_MEMORY = 0x10000
_PML4, _PDPT, _PD, _CODE = 0x1000, 0x2000, 0x3000, 0x8000
_CPUID_ENTRIES, _CPUID_ENTRY = 128, 40
_CR0, _CR3, _CR4, _EFER = 224, 240, 248, 264  # offsets in struct kvm_sregs


def _segment(*, code: bool) -> bytes:
    """A flat 64-bit segment as struct kvm_segment."""
    selector, kind, long = (0x8, 11, 1) if code else (0x10, 3, 0)
    return struct.pack("<QIH10B", 0, 0xFFFFFFFF, selector, kind, 1, 0, 1 - long, 1, long, 1, 0, 0, 0)


def _program(count: int) -> bytes:
    # mov ecx, count; 1: dec ecx; jnz 1b; out 0x10, al
    return b"\xb9" + struct.pack("<I", count) + b"\xff\xc9\x75\xfc\xe6\x10"


def _memory(vm: int, count: int) -> mmap.mmap:
    """64 KiB at guest address 0: page tables that map the first 2 MiB, and the program."""
    memory = mmap.mmap(-1, _MEMORY)
    for table, entry in ((_PML4, _PDPT | 3), (_PDPT, _PD | 3), (_PD, 0x83)):
        memory[table : table + 8] = struct.pack("<Q", entry)
    program = _program(count)
    memory[_CODE : _CODE + len(program)] = program
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(vm, _SET_MEMORY, struct.pack("<IIQQQ", 0, 0, 0, _MEMORY, address))
    return memory


def _enter_long_mode(kvm: int, vcpu: int) -> None:
    cpuid = bytearray(struct.pack("<II", _CPUID_ENTRIES, 0) + bytes(_CPUID_ENTRIES * _CPUID_ENTRY))
    fcntl.ioctl(kvm, _GET_CPUID, cpuid)
    fcntl.ioctl(vcpu, _SET_CPUID, cpuid)
    sregs = bytearray(312)
    fcntl.ioctl(vcpu, _GET_SREGS, sregs)
    data = _segment(code=False)
    sregs[: 6 * len(data)] = _segment(code=True) + 5 * data
    for offset, value in ((_CR0, 0x80050033), (_CR3, _PML4), (_CR4, 0x20), (_EFER, 0x500)):
        sregs[offset : offset + 8] = struct.pack("<Q", value)
    fcntl.ioctl(vcpu, _SET_SREGS, bytes(sregs))
    fcntl.ioctl(vcpu, _SET_REGS, struct.pack("<18Q", *([0] * 16), _CODE, 2))


def count_down(count: int) -> bool:
    """True when the guest counted `count` steps and said so. Errors: OSError where KVM is missing or refuses."""
    kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    if fcntl.ioctl(kvm, _CHECK_VERSION) != _API_VERSION:
        return False
    vm = fcntl.ioctl(kvm, _CREATE_VM, 0)
    memory = _memory(vm, count)
    vcpu = fcntl.ioctl(vm, _CREATE_VCPU, 0)
    run = mmap.mmap(vcpu, fcntl.ioctl(kvm, _VCPU_MMAP_SIZE))
    _enter_long_mode(kvm, vcpu)
    print("ready", flush=True)
    fcntl.ioctl(vcpu, _RUN)
    reason: int = struct.unpack_from("<I", run, _EXIT_REASON)[0]
    return reason == _EXIT_IO and len(memory) == _MEMORY


if __name__ == "__main__":
    print("done" if count_down(int(sys.argv[1])) else "refused", flush=True)
