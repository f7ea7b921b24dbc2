"""What a flavor and an image together may not ask. Texts: Nova's, nova/exception.py."""

from kilonova.model.errors import BadRequest


class BadHardware(BadRequest):
    """The flavor or the image asks for hardware that makes no sense, or they contradict one another."""


class InvalidHardwareRequest(BadHardware):
    """Nova's InvalidRequest: the text says all."""


class InvalidCpuSet(BadHardware):
    pass


class InvalidNumaNodesNumber(BadHardware):
    def __init__(self, nodes: object) -> None:
        super().__init__(f"The property 'numa_nodes' cannot be '{nodes}'. It must be a number greater than 0")


class ImageNumaTopologyIncomplete(BadHardware):
    def __init__(self) -> None:
        super().__init__("CPU and memory allocation must be provided for all NUMA nodes")


class ImageNumaTopologyForbidden(BadHardware):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"Image property '{name}' is not permitted to override NUMA configuration set against the flavor"
        )


class ImageNumaTopologyRebuildConflict(BadHardware):
    def __init__(self) -> None:
        super().__init__(
            "An instance's NUMA topology cannot be changed as part of a rebuild. "
            "The image provided is invalid for this instance."
        )


class ImageNumaTopologyAsymmetric(BadHardware):
    def __init__(self) -> None:
        super().__init__(
            "Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes. "
            "Explicit assignment of CPUs and memory to nodes is required"
        )


class ImageNumaTopologyCpuOutOfRange(BadHardware):
    def __init__(self, cpu: int, highest: int) -> None:
        super().__init__(f"CPU number {cpu} is larger than max {highest}")


class ImageNumaTopologyCpuDuplicates(BadHardware):
    def __init__(self, cpu: int) -> None:
        super().__init__(f"CPU number {cpu} is assigned to two nodes")


class ImageNumaTopologyCpusUnassigned(BadHardware):
    def __init__(self, cpus: frozenset[int]) -> None:
        super().__init__(f"CPU number {set(cpus)} is not assigned to any node")


class ImageNumaTopologyMemoryOutOfRange(BadHardware):
    def __init__(self, assigned_mib: int, memory_mib: int) -> None:
        super().__init__(f"{assigned_mib} MB of memory assigned, but expected {memory_mib} MB")


class ImageCpuPinningForbidden(BadHardware):
    def __init__(self) -> None:
        super().__init__(
            "Image property 'hw_cpu_policy' is not permitted to override CPU pinning policy set against the flavor"
        )


class ImageCpuThreadPolicyForbidden(BadHardware):
    def __init__(self) -> None:
        super().__init__(
            "Image property 'hw_cpu_thread_policy' is not permitted to override CPU thread pinning policy "
            "set against the flavor"
        )


class InvalidCpuAllocationPolicy(BadHardware):
    """`source`: flavor extra specs, or image properties."""

    def __init__(self, source: str, requested: str, available: tuple[str, ...]) -> None:
        super().__init__(
            f"CPU policy requested from '{source}' is invalid, given: '{requested}', available: '{available}'."
        )


class InvalidCpuThreadAllocationPolicy(BadHardware):
    def __init__(self, source: str, requested: str, available: tuple[str, ...]) -> None:
        super().__init__(
            f"CPU thread policy requested from '{source}' is invalid, given: '{requested}', available: '{available}'."
        )


class CpuThreadPolicyConfigurationInvalid(BadHardware):
    def __init__(self) -> None:
        super().__init__("Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy")


class InvalidEmulatorThreadsPolicy(BadHardware):
    def __init__(self, requested: str, available: tuple[str, ...]) -> None:
        super().__init__(
            f"CPU emulator threads option requested is invalid, given: '{requested}', available: '{available}'."
        )


class BadRequirementEmulatorThreadsPolicy(BadHardware):
    def __init__(self) -> None:
        super().__init__("An isolated CPU emulator threads option requires a dedicated CPU policy option.")


class RealtimeConfigurationInvalid(BadHardware):
    def __init__(self) -> None:
        super().__init__("Cannot set realtime policy in a non dedicated cpu pinning policy")


class RealtimeMaskNotFoundOrInvalid(BadHardware):
    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or "Use of realtime CPUs requires either one or more non-realtime CPU(s) or offloaded emulator threads."
        )


class RequiredMixedInstancePolicy(BadHardware):
    def __init__(self) -> None:
        super().__init__("Cannot specify 'hw:cpu_dedicated_mask' without the 'mixed' policy.")


class RequiredMixedOrRealtimeCpuMask(BadHardware):
    def __init__(self) -> None:
        super().__init__(
            "Dedicated CPU set can be specified from either 'hw:cpu_dedicated_mask' or 'hw:cpu_realtime_mask' when "
            "using 'mixed' CPU policy. 'hw:cpu_dedicated_mask' and 'hw:cpu_realtime_mask' can not be specified at the "
            "same time, or be specified with none of them."
        )


class InvalidMixedInstanceDedicatedMask(BadHardware):
    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or "Mixed instance must have at least 1 pinned vCPU and 1 unpinned vCPU. See 'hw:cpu_dedicated_mask'."
        )


class MemoryPageSizeInvalid(BadHardware):
    def __init__(self, size: str) -> None:
        super().__init__(f"Invalid memory page size '{size}'")


class MemoryPageSizeForbidden(BadHardware):
    def __init__(self, size: str, against: str) -> None:
        super().__init__(f"Page size {size} forbidden against '{against}'")


class LockMemoryForbidden(BadHardware):
    def __init__(self) -> None:
        super().__init__("locked_memory value in image or flavor is forbidden when mem_page_size is not set.")


class FlavorImageLockedMemoryConflict(BadHardware):
    def __init__(self, image: bool, flavor: bool) -> None:
        super().__init__(
            f"locked_memory value in image ({image}) and flavor ({flavor}) conflict. "
            "A consistent value is expected if both specified."
        )


class ImageVcpuLimitsRangeExceeded(BadHardware):
    """Limits as (sockets, cores, threads)."""

    def __init__(self, image: tuple[int, int, int], flavor: tuple[int, int, int]) -> None:
        super().__init__(
            f"Image vCPU topology limits (sockets={image[0]}, cores={image[1]}, threads={image[2]}) exceeds "
            f"the limits of the flavor (sockets={flavor[0]}, cores={flavor[1]}, threads={flavor[2]})"
        )


class ImageVcpuTopologyRangeExceeded(BadHardware):
    def __init__(self, image: tuple[int, int, int], limits: tuple[int, int, int]) -> None:
        super().__init__(
            f"Image vCPU topology (sockets={image[0]}, cores={image[1]}, threads={image[2]}) exceeds "
            f"the limits of the flavor or image (sockets={limits[0]}, cores={limits[1]}, threads={limits[2]})"
        )


class ImageVcpuLimitsRangeImpossible(BadHardware):
    def __init__(self, limits: tuple[int, int, int], vcpus: int) -> None:
        super().__init__(
            f"Requested vCPU limits {limits[0]}:{limits[1]}:{limits[2]} are impossible to satisfy "
            f"for vcpus count {vcpus}"
        )


class ImagePciNumaPolicyForbidden(BadHardware):
    def __init__(self) -> None:
        super().__init__(
            "Image property 'hw_pci_numa_affinity_policy' is not permitted to override the "
            "'hw:pci_numa_affinity_policy' flavor extra spec."
        )


class InvalidPciNumaAffinity(BadHardware):
    def __init__(self, policy: str) -> None:
        super().__init__(f"Invalid PCI NUMA affinity configured: {policy}")


class PciInvalidAlias(BadHardware):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid PCI alias definition: {reason}")


class PciRequestAliasNotDefined(BadHardware):
    def __init__(self, alias: str) -> None:
        super().__init__(f"PCI alias {alias} is not defined")
