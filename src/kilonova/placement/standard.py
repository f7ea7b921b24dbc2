"""The names every OpenStack cloud knows: standard resource classes and traits; and how custom ones must look.

Names as published by OpenStack's os-resource-classes 1.1 and os-traits 3.9.
"""

import re
from importlib.resources import files

import msgspec

RESOURCE_CLASSES = (
    "VCPU",
    "MEMORY_MB",
    "DISK_GB",
    "PCI_DEVICE",
    "SRIOV_NET_VF",
    "NUMA_SOCKET",
    "NUMA_CORE",
    "NUMA_THREAD",
    "NUMA_MEMORY_MB",
    "IPV4_ADDRESS",
    "VGPU",
    "VGPU_DISPLAY_HEAD",
    "NET_BW_EGR_KILOBIT_PER_SEC",
    "NET_BW_IGR_KILOBIT_PER_SEC",
    "PCPU",
    "MEM_ENCRYPTION_CONTEXT",
    "FPGA",
    "PGPU",
    "NET_PACKET_RATE_KILOPACKET_PER_SEC",
    "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
)
TRAITS: frozenset[str] = frozenset(
    msgspec.json.decode(files("kilonova.placement").joinpath("standard_traits.json").read_bytes(), type=list[str])
)

_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]+")
MAX_NAME = 255


def is_custom(name: str) -> bool:
    """True for a well-formed custom resource class or trait."""
    return len(name) <= MAX_NAME and _CUSTOM.fullmatch(name) is not None
