"""Hosts as the scheduler sees them: what many have in common, and each one's own and changing part."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from kilonova.model.allocation import Inventory
from kilonova.model.ids import HostName
from kilonova.scheduler.order import Entry

Supported = tuple[str, str, str]  # architecture, hypervisor type, machine mode


class Aggregate(msgspec.Struct, frozen=True):
    """`metadata` is sorted."""

    id: str
    metadata: tuple[tuple[str, str], ...]


# A key of an aggregate's metadata, with any suffix: the projects its hosts are for.
TENANT_KEY = "filter_tenant_id"


def projects_of(aggregate: Aggregate) -> frozenset[str]:
    """Those it names; a value may be a list with commas."""
    named = (value for key, value in aggregate.metadata if key.startswith(TENANT_KEY))
    return frozenset(part.strip() for value in named for part in value.split(","))


class Make(msgspec.Struct, frozen=True, kw_only=True):
    """What hosts can have in common, hashable; equal ones share a Profile. `cpu_info` is JSON of a map."""

    zone: str
    aggregates: tuple[Aggregate, ...] = ()
    traits: frozenset[str] = frozenset()
    hypervisor_type: str = ""
    hypervisor_version: int = 0
    cpu_info: str = "{}"
    inventories: tuple[tuple[str, Inventory], ...] = ()
    # PCI devices for guests, as the host tells them; how many are free is its own.
    has_devices: bool = False


class Rise(NamedTuple):
    """What a host's score rises by with each one more of these."""

    free_vcpu: float = 0.0
    free_memory: float = 0.0
    free_disk: float = 0.0
    io_ops: float = 0.0
    servers: float = 0.0

    def times(self, factor: float) -> "Rise":
        return Rise(*(one * factor for one in self))

    def plus(self, other: "Rise") -> "Rise":
        return Rise(*map(float.__add__, self, other))

    def of(self, host: "HostState") -> float:
        """What the host has got by it."""
        vcpu, memory, disk, io_ops, servers = self
        return (
            host.free_vcpu * vcpu
            + host.free_memory * memory
            + host.free_disk * disk
            + host.io_ops * io_ops
            + host.servers * servers
        )


FLAT = Rise()


class Profile:
    """A Make and what is worked out from it. Filters that look at nothing else are asked once for all its hosts."""

    __slots__ = (
        "cpu_info",
        "disk",
        "hypervisor_type",
        "hypervisor_version",
        "inventories",
        "make",
        "memory",
        "metadata",
        "number",
        "rise",
        "supported",
        "traits",
        "vcpu",
        "version_share",
        "weighing",
        "zone",
    )

    def __init__(self, number: int, make: Make) -> None:
        self.number = number
        self.make = make
        self.zone = make.zone
        self.traits = make.traits
        self.hypervisor_type = make.hypervisor_type
        self.hypervisor_version = make.hypervisor_version
        self.cpu_info: dict[str, object] = msgspec.json.decode(make.cpu_info, type=dict[str, object])
        self.inventories = dict(make.inventories)
        self.vcpu = self.capacity("VCPU")
        self.memory = self.capacity("MEMORY_MB")
        self.disk = self.capacity("DISK_GB")
        self.metadata = _metadata(make.aggregates)
        self.supported = _supported(make.hypervisor_type, self.cpu_info)
        # From 0 (the oldest hypervisor of the fleet) to 1 (the newest); the fleet sets it and the next two.
        self.version_share = 0.0
        self.rise = FLAT
        self.weighing: tuple[tuple[Callable[[HostState], float], float], ...] = ()

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        return self.make.aggregates

    def capacity(self, resource_class: str) -> int:
        inventory = self.inventories.get(resource_class)
        return 0 if inventory is None else inventory.capacity


class HostState:
    """One host. `free_*` are in placement's units and may be below zero when inventory shrank under its servers."""

    __slots__ = (
        "build_failures",
        "enabled",
        "entry",
        "forced_down",
        "free_devices",
        "free_disk",
        "free_memory",
        "free_vcpu",
        "generation",
        "io_ops",
        "ip",
        "metrics",
        "name",
        "node",
        "number",
        "other_used",
        "profile",
        "seen_at",
        "servers",
        "set_aside_until",
    )

    def __init__(self, number: int, name: HostName, profile: Profile) -> None:
        self.number = number
        self.name = name
        self.node: str = name
        self.profile = profile
        self.ip = ""
        self.free_vcpu = profile.vcpu
        self.free_memory = profile.memory
        self.free_disk = profile.disk
        # PCI devices; as of the last time anybody wanted some.
        self.free_devices = 0
        # In use of all other resource classes; most hosts have none.
        self.other_used: dict[str, int] | None = None
        self.generation = -1
        self.servers = 0
        self.io_ops = 0
        self.build_failures = 0
        self.set_aside_until = 0.0
        self.enabled = True
        self.forced_down = False
        self.seen_at = 0.0
        self.metrics: dict[str, float] | None = None
        # Where it stands in the orders; None while it is no candidate.
        self.entry: Entry | None = None

    def free(self, resource_class: str) -> int:
        if resource_class == "VCPU":
            return self.free_vcpu
        if resource_class == "MEMORY_MB":
            return self.free_memory
        if resource_class == "DISK_GB":
            return self.free_disk
        used = 0 if self.other_used is None else self.other_used.get(resource_class, 0)
        return self.profile.capacity(resource_class) - used

    def use(self, amounts: Mapping[str, int]) -> None:
        """Count amounts more as used; less where they are negative."""
        for resource_class, amount in amounts.items():
            if resource_class == "VCPU":
                self.free_vcpu -= amount
            elif resource_class == "MEMORY_MB":
                self.free_memory -= amount
            elif resource_class == "DISK_GB":
                self.free_disk -= amount
            elif amount:
                self.other_used = self.other_used or {}
                self.other_used[resource_class] = self.other_used.get(resource_class, 0) + amount


def _metadata(aggregates: tuple[Aggregate, ...]) -> dict[str, frozenset[str]]:
    """All values each key has in any of the aggregates; a value may be a list with commas, as in Nova."""
    found: dict[str, set[str]] = {}
    for aggregate in aggregates:
        for key, value in aggregate.metadata:
            found.setdefault(key, set()).update(part.strip() for part in value.split(","))
    return {key: frozenset(values) for key, values in found.items()}


def _supported(hypervisor_type: str, cpu_info: dict[str, object]) -> frozenset[Supported]:
    """Which guests the hypervisor runs: as it says itself, else what its type and architecture imply."""
    listed = cpu_info.get("supported_instances")
    if isinstance(listed, list):
        return frozenset((str(arch), str(kind), str(mode)) for arch, kind, mode in listed)
    architecture = str(cpu_info.get("arch", "")) or "x86_64"
    architectures = {architecture} | ({"i686"} if architecture == "x86_64" else set())
    kind = hypervisor_type.lower()
    kinds = {kind, "qemu"} if kind == "kvm" else {kind}
    return frozenset((one, other, "hvm") for one in architectures for other in kinds)
