"""ComputeCapabilitiesFilter: extra specs `capabilities:…` (or unscoped ones that name a host's attribute)."""

from collections.abc import Callable

from kilonova.scheduler.filters.filter import HostFilter
from kilonova.scheduler.filters.operators import matches
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject

SCOPE = "capabilities:"


def _total(host: HostState, resource_class: str) -> int:
    inventory = host.profile.inventories.get(resource_class)
    return 0 if inventory is None else inventory.total


def _ratio(host: HostState, resource_class: str) -> float:
    inventory = host.profile.inventories.get(resource_class)
    return 1.0 if inventory is None else inventory.allocation_ratio


# The attributes of Nova's host state, by Nova's names.
ATTRIBUTES: dict[str, Callable[[HostState], object]] = {
    "host": lambda host: host.name,
    "nodename": lambda host: host.node,
    "host_ip": lambda host: host.ip,
    "hypervisor_hostname": lambda host: host.node,
    "hypervisor_type": lambda host: host.profile.hypervisor_type,
    "hypervisor_version": lambda host: host.profile.hypervisor_version,
    "cpu_info": lambda host: host.profile.cpu_info,
    "vcpus_total": lambda host: _total(host, "VCPU"),
    "vcpus_used": lambda host: host.profile.vcpu - host.free_vcpu,
    "total_usable_ram_mb": lambda host: _total(host, "MEMORY_MB"),
    "free_ram_mb": lambda host: host.free_memory,
    "total_usable_disk_gb": lambda host: _total(host, "DISK_GB"),
    "free_disk_mb": lambda host: host.free_disk * 1024,
    "disk_mb_used": lambda host: (host.profile.disk - host.free_disk) * 1024,
    "num_instances": lambda host: host.servers,
    "num_io_ops": lambda host: host.io_ops,
    "failed_builds": lambda host: host.build_failures,
    "cpu_allocation_ratio": lambda host: _ratio(host, "VCPU"),
    "ram_allocation_ratio": lambda host: _ratio(host, "MEMORY_MB"),
    "disk_allocation_ratio": lambda host: _ratio(host, "DISK_GB"),
}


def attribute(host: HostState, path: list[str]) -> object | None:
    """`cpu_info`, `features`: a host's attribute, or what lies within it; None when there is none."""
    read = ATTRIBUTES.get(path[0])
    value: object | None = host.profile.cpu_info.get(path[0]) if read is None else read(host)
    for name in path[1:]:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def asked(request: Request) -> list[tuple[list[str], str]]:
    found = []
    for key, wanted in request.spec.extra_specs.items():
        if key.startswith(SCOPE):
            found.append((key.removeprefix(SCOPE).split(":"), wanted))
        elif key in ATTRIBUTES:
            found.append(([key], wanted))
    return found


def judge(host: HostState, request: Request) -> Verdict:
    for path, wanted in asked(request):
        value = attribute(host, path)
        if value is None or not matches(value, wanted):
            return reject(f"{':'.join(path)} is not {wanted}")
    return PASS


CAPABILITIES = HostFilter(name="ComputeCapabilitiesFilter", judge=judge, applies=lambda request: bool(asked(request)))
