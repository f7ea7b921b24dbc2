"""How a guest's CPUs and memory are to be had: policies, masks, page sizes.

Source of the rules and their order: nova/virt/hardware.py.
"""

import re
from typing import Literal

import msgspec

from kilonova.model.fitting.asked import Asked, is_yes
from kilonova.model.fitting.cpu_sets import parse_cpus
from kilonova.model.fitting.errors import (
    BadRequirementEmulatorThreadsPolicy,
    CpuThreadPolicyConfigurationInvalid,
    FlavorImageLockedMemoryConflict,
    ImageCpuPinningForbidden,
    ImageCpuThreadPolicyForbidden,
    InvalidCpuAllocationPolicy,
    InvalidCpuThreadAllocationPolicy,
    InvalidEmulatorThreadsPolicy,
    InvalidHardwareRequest,
    InvalidMixedInstanceDedicatedMask,
    LockMemoryForbidden,
    MemoryPageSizeForbidden,
    MemoryPageSizeInvalid,
    RealtimeConfigurationInvalid,
    RealtimeMaskNotFoundOrInvalid,
    RequiredMixedInstancePolicy,
    RequiredMixedOrRealtimeCpuMask,
)

CpuPolicy = Literal["dedicated", "shared", "mixed"]
# `int`: KiB.
PageSize = Literal["small", "large", "any"] | int

CPU_POLICIES = ("dedicated", "shared", "mixed")
THREAD_POLICIES = ("prefer", "isolate", "require")
EMULATOR_POLICIES = ("share", "isolate")

_IN_FLAVOR, _IN_IMAGE = "flavor extra specs", "image properties"
_THREADS_TRAIT = "HW_CPU_HYPERTHREADING"
_SIZE = re.compile(r"(\d*\.?\d+)([KMGT]?)i?(b|bit|B)?")
_NAMED: dict[str, PageSize] = {"small": "small", "large": "large", "any": "any"}
_KIB = {"": 1 / 1024, "K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}


class CpuWish(msgspec.Struct, frozen=True, kw_only=True):
    """`dedicated` and `realtime` are guest CPUs. Policies: None where nobody said anything."""

    policy: str | None = None
    threads: str | None = None
    emulator: str | None = None
    dedicated: frozenset[int] = frozenset()
    realtime: frozenset[int] = frozenset()

    @property
    def pins(self) -> bool:
        return bool(self.dedicated)

    @property
    def overhead(self) -> int:
        """Host CPUs beside the guest's own: one for emulator threads that are isolated."""
        return 1 if self.emulator == "isolate" else 0


def cpu_wish(asked: Asked) -> CpuWish:
    """All of it, checked. Errors: those of this module."""
    emulator = emulator_policy(asked)
    realtime = realtime_cpus(asked)
    mask = dedicated_mask(asked)
    policy = _with_resources(asked, cpu_policy(asked), emulator)
    threads = _with_trait(asked, thread_policy(asked))
    if policy in (None, "shared"):
        _check_shared(threads, emulator, mask, realtime)
        return CpuWish(policy=policy, emulator=emulator)
    if policy == "dedicated":
        if mask:
            raise RequiredMixedInstancePolicy
        dedicated = asked.cpus
    else:
        if bool(mask) == bool(realtime):
            raise RequiredMixedOrRealtimeCpuMask
        dedicated = mask or realtime
    return CpuWish(policy=policy, threads=threads, emulator=emulator, dedicated=dedicated, realtime=realtime)


def _check_shared(threads: str | None, emulator: str | None, mask: frozenset[int], realtime: frozenset[int]) -> None:
    if threads:
        raise CpuThreadPolicyConfigurationInvalid
    if emulator == "isolate":
        raise BadRequirementEmulatorThreadsPolicy
    if mask:
        raise RequiredMixedInstancePolicy
    if realtime:
        raise RealtimeConfigurationInvalid


def cpu_policy(asked: Asked) -> str | None:
    """Errors: InvalidCpuAllocationPolicy, ImageCpuPinningForbidden."""
    flavor, image = asked.flavor("cpu_policy"), asked.image("cpu_policy")
    for value, source in ((flavor, _IN_FLAVOR), (image, _IN_IMAGE)):
        if value and value not in CPU_POLICIES:
            raise InvalidCpuAllocationPolicy(source, value, CPU_POLICIES)
    forbidden = {"mixed": ("dedicated",), "shared": ("mixed", "dedicated")}
    if flavor is not None and image in forbidden.get(flavor, ()):
        raise ImageCpuPinningForbidden
    return flavor or image


def thread_policy(asked: Asked) -> str | None:
    """Errors: InvalidCpuThreadAllocationPolicy, ImageCpuThreadPolicyForbidden."""
    flavor, image = asked.flavor("cpu_thread_policy"), asked.image("cpu_thread_policy")
    for value, source in ((flavor, _IN_FLAVOR), (image, _IN_IMAGE)):
        if value and value not in THREAD_POLICIES:
            raise InvalidCpuThreadAllocationPolicy(source, value, THREAD_POLICIES)
    if flavor not in (None, "prefer") and image not in (None, flavor):
        raise ImageCpuThreadPolicyForbidden
    return flavor or image


def _with_resources(asked: Asked, policy: str | None, emulator: str | None) -> str | None:
    """`resources:PCPU` and `resources:VCPU` say it in placement's words. Errors: InvalidHardwareRequest."""
    vcpus, pcpus = resources_asked(asked, "VCPU"), resources_asked(asked, "PCPU")
    if policy and (vcpus or pcpus):
        raise InvalidHardwareRequest(
            "It is not possible to use the 'resources:VCPU' or 'resources:PCPU' extra specs in combination with the "
            "'hw:cpu_policy' extra spec or 'hw_cpu_policy' image metadata property; use one or the other"
        )
    if vcpus and pcpus:
        raise InvalidHardwareRequest(
            "It is not possible to specify both 'resources:VCPU' and 'resources:PCPU' extra specs; use one or the other"
        )
    if pcpus and emulator == "isolate" and pcpus != asked.vcpus + 1:
        raise InvalidHardwareRequest(
            "You have requested 'hw:emulator_threads_policy=isolate' but have not requested sufficient PCPUs to "
            "handle this policy; you must allocate exactly flavor.vcpus + 1 PCPUs."
        )
    if pcpus and emulator != "isolate" and pcpus != asked.vcpus:
        raise InvalidHardwareRequest(
            "There is a mismatch between the number of PCPUs requested via 'resourcesNN:PCPU' and the flavor); "
            "you must allocate exactly flavor.vcpus PCPUs"
        )
    return "dedicated" if pcpus else "shared" if vcpus else policy


def resources_asked(asked: Asked, resource_class: str) -> int:
    """The sum of `resources:CLASS` and `resourcesN:CLASS`; what is no number counts as nothing."""
    key = re.compile(rf"resources([1-9]\d*)?:{resource_class}")
    return sum(int(value) for name, value in asked.extra_specs.items() if key.fullmatch(name) and value.isdigit())


def _with_trait(asked: Asked, threads: str | None) -> str | None:
    """The trait of hyperthreading is a thread policy too. Errors: InvalidHardwareRequest."""
    key = re.compile(rf"trait([1-9]\d*)?:{_THREADS_TRAIT}")
    said = [value for name, value in asked.extra_specs.items() if key.fullmatch(name)]
    if f"trait:{_THREADS_TRAIT}" in asked.properties:
        said.append("required")
    if not said:
        return threads
    if threads:
        raise InvalidHardwareRequest(
            "It is not possible to use the 'trait:HW_CPU_HYPERTHREADING' extra spec in combination with the "
            "'hw:cpu_thread_policy' extra spec or 'hw_cpu_thread_policy' image metadata property; "
            "use one or the other"
        )
    return {"forbidden": "isolate", "required": "require"}.get(said[0])


def emulator_policy(asked: Asked) -> str | None:
    """Errors: InvalidEmulatorThreadsPolicy."""
    policy = asked.flavor("emulator_threads_policy")
    if policy and policy not in EMULATOR_POLICIES:
        raise InvalidEmulatorThreadsPolicy(policy, EMULATOR_POLICIES)
    return policy


def dedicated_mask(asked: Asked) -> frozenset[int]:
    """Errors: InvalidMixedInstanceDedicatedMask."""
    mask = asked.flavor("cpu_dedicated_mask")
    if not mask:
        return frozenset()
    cpus = _masked(asked, mask)
    if not cpus or not asked.cpus - cpus:
        raise InvalidMixedInstanceDedicatedMask
    if not cpus <= asked.cpus:
        raise InvalidMixedInstanceDedicatedMask(
            'Mixed instance dedicated vCPU(s) mask is not a subset of vCPUs in the flavor. See "hw:cpu_dedicated_mask"'
        )
    return cpus


def realtime_cpus(asked: Asked) -> frozenset[int]:
    """Empty unless the flavor asks for realtime. Errors: RealtimeMaskNotFoundOrInvalid."""
    if not is_yes(asked.flavor("cpu_realtime")):
        return frozenset()
    mask = asked.image("cpu_realtime_mask") or asked.flavor("cpu_realtime_mask")
    cpus = _masked(asked, mask) if mask else asked.cpus
    if not cpus or (cpus == asked.cpus and not emulator_policy(asked)):
        raise RealtimeMaskNotFoundOrInvalid
    if not cpus <= asked.cpus:
        raise RealtimeMaskNotFoundOrInvalid(
            "Realtime policy vCPU(s) mask is configured with RT vCPUs that are not a subset of the vCPUs in the "
            "flavor. See hw:cpu_realtime_mask or hw_cpu_realtime_mask"
        )
    return cpus


def _masked(asked: Asked, mask: str) -> frozenset[int]:
    """A mask that begins with `^` takes away from all CPUs."""
    return parse_cpus(f"0-{asked.vcpus - 1},{mask}" if mask.strip().startswith("^") else mask)


def page_size(asked: Asked) -> PageSize | None:
    """Errors: MemoryPageSizeInvalid, MemoryPageSizeForbidden."""
    flavor, image = asked.flavor("mem_page_size"), asked.image("mem_page_size")
    if flavor is None:
        if image is not None:
            raise MemoryPageSizeForbidden(image, "<empty>")
        return None
    size = _page_size(flavor)
    if image is None:
        return size
    if size in ("any", "large"):
        return _page_size(image)
    raise MemoryPageSizeForbidden(image, flavor)


def _page_size(text: str) -> PageSize:
    """A bare number counts KiB; units are binary ones, with or without their i."""
    if (named := _NAMED.get(text)) is not None:
        return named
    if text.isdigit():
        return int(text)
    found = _SIZE.fullmatch(text)
    if found is None:
        raise MemoryPageSizeInvalid(text)
    amount = float(found[1]) * _KIB[found[2]] / (8 if found[3] in ("b", "bit") else 1)
    if amount < 1 or amount != int(amount):
        raise MemoryPageSizeInvalid(text)
    return int(amount)


def locked_memory(asked: Asked) -> bool:
    """Errors: FlavorImageLockedMemoryConflict, LockMemoryForbidden."""
    flavor, image = asked.flavor("locked_memory"), asked.image("locked_memory")
    if flavor is not None and image is not None and is_yes(flavor) != is_yes(image):
        raise FlavorImageLockedMemoryConflict(is_yes(image), is_yes(flavor))
    locked = is_yes(flavor if flavor is not None else image)
    if locked and not (asked.flavor("mem_page_size") or asked.image("mem_page_size")):
        raise LockMemoryForbidden
    return locked
