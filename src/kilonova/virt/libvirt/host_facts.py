"""What this machine offers to guests."""

import os
import shutil
from pathlib import Path
from typing import Any

import libvirt

from kilonova.model.hypervisor import HAS_THREADS, TAKES_GUESTS
from kilonova.model.ids import HostName
from kilonova.virt.guest import HostFacts
from kilonova.virt.libvirt.hardware import hardware
from kilonova.virt.libvirt.probe import VirtType

_GIB = 1024**3
_KIB_PER_MIB = 1024

# Standard traits (os-traits) by the kernel's name of the processor's ability.
_CPU_TRAITS = {
    "aes": "HW_CPU_X86_AESNI",
    "avx": "HW_CPU_X86_AVX",
    "avx2": "HW_CPU_X86_AVX2",
    "avx512f": "HW_CPU_X86_AVX512F",
    "bmi1": "HW_CPU_X86_BMI",
    "bmi2": "HW_CPU_X86_BMI2",
    "f16c": "HW_CPU_X86_F16C",
    "fma": "HW_CPU_X86_FMA3",
    "mmx": "HW_CPU_X86_MMX",
    "sha_ni": "HW_CPU_X86_SHA",
    "sse": "HW_CPU_X86_SSE",
    "sse2": "HW_CPU_X86_SSE2",
    "sse4_1": "HW_CPU_X86_SSE41",
    "sse4_2": "HW_CPU_X86_SSE42",
    "ssse3": "HW_CPU_X86_SSSE3",
}
# What QEMU's translated qemu64 has, whatever the host's processor.
_TRANSLATED = frozenset({"HW_CPU_X86_MMX", "HW_CPU_X86_SSE", "HW_CPU_X86_SSE2"})
_DRIVER_TRAITS = frozenset(
    {
        "COMPUTE_GRAPHICS_MODEL_QXL",
        "COMPUTE_GRAPHICS_MODEL_VGA",
        "COMPUTE_IMAGE_TYPE_QCOW2",
        "COMPUTE_IMAGE_TYPE_RAW",
        "COMPUTE_NET_ATTACH_INTERFACE",
        "COMPUTE_NET_VIF_MODEL_E1000",
        "COMPUTE_NET_VIF_MODEL_RTL8139",
        "COMPUTE_NET_VIF_MODEL_VIRTIO",
        "COMPUTE_NODE",
        "COMPUTE_RESCUE_BFV",
        "COMPUTE_STORAGE_BUS_IDE",
        "COMPUTE_STORAGE_BUS_SATA",
        "COMPUTE_STORAGE_BUS_SCSI",
        "COMPUTE_STORAGE_BUS_VIRTIO",
    }
)


def host_facts(
    connection: Any, *, host: HostName, state_dir: Path, virt_type: VirtType, version: int | None, takes_guests: bool
) -> HostFacts:
    """Blocks for milliseconds. `version` is QEMU's; None: ask libvirt, for which it may take seconds.

    The hypervisor's type is QEMU for KVM guests too, as the API always showed it.
    """
    _, _, cpus, _, _, sockets, cores, threads = connection.getInfo()
    # Not getInfo's: it misses memory that was plugged in later.
    memory_kib = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)["total"]
    processor = _processor()
    flags = processor.get("flags", "").split()
    found = hardware()
    threaded = found.topology is not None and found.topology.has_threads
    measured = frozenset(_CPU_TRAITS[flag] for flag in flags if flag in _CPU_TRAITS)
    return HostFacts(
        hypervisor_hostname=host,
        hypervisor_type="QEMU",
        hypervisor_version=version or connection.getVersion(),
        vcpus=cpus,
        memory_mib=memory_kib // _KIB_PER_MIB,
        disk_gib=shutil.disk_usage(state_dir).total // _GIB,
        cpu_info={
            "arch": os.uname().machine,
            "vendor": processor.get("vendor_id", ""),
            "model": processor.get("model name", ""),
            "topology": {"sockets": sockets, "cores": cores, "threads": threads},
            "features": sorted(flags),
        },
        traits=_DRIVER_TRAITS
        | (measured if virt_type == "kvm" else _TRANSLATED)
        | ({HAS_THREADS} if threaded else set())
        | ({TAKES_GUESTS} if takes_guests else set()),
        hardware=found,
        uptime_s=float(Path("/proc/uptime").read_text().split()[0]),
    )


def _processor() -> dict[str, str]:
    """The first processor's lines in /proc/cpuinfo."""
    first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
