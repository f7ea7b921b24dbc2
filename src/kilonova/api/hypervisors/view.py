"""A hypervisor as clients see it, by version. Source of members and types: the API samples of hypervisors."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.model.hypervisor import Hypervisor, Load
from kilonova.model.time import Timestamp

Servers = Sequence[tuple[str, str]]


class View:
    """`seen_since`: services not heard of since count as down."""

    def __init__(self, request: Request, seen_since: Timestamp) -> None:
        self._version = request.version
        self._seen_since = seen_since

    def identifier(self, hypervisor: Hypervisor) -> int | str:
        return hypervisor.id if self._version >= 53 else hypervisor.number

    def is_up(self, hypervisor: Hypervisor) -> bool:
        return hypervisor.service is not None and hypervisor.service.is_up(self._seen_since)

    def brief(self, hypervisor: Hypervisor, servers: Servers | None = None) -> dict[str, Any]:
        """`servers` are those asked for; without any the member is left out below 2.75."""
        service = hypervisor.service
        shown: dict[str, Any] = {
            "id": self.identifier(hypervisor),
            "hypervisor_hostname": hypervisor.hypervisor_hostname,
            "state": "up" if self.is_up(hypervisor) else "down",
            "status": "enabled" if service is None else service.status,
        }
        if servers or (servers is not None and self._version >= 75):
            shown["servers"] = [{"uuid": server_id, "name": name} for server_id, name in servers]
        return shown

    def full(
        self, hypervisor: Hypervisor, load: Load, uptime: str | None, servers: Servers | None = None
    ) -> dict[str, Any]:
        """`uptime` is shown since 2.88, the load until then."""
        service = hypervisor.service
        shown = self.brief(hypervisor, servers) | {
            "hypervisor_type": hypervisor.hypervisor_type,
            "hypervisor_version": hypervisor.hypervisor_version,
            "host_ip": hypervisor.host_ip,
            "service": {
                "id": None if service is None else (service.id if self._version >= 53 else service.number),
                "host": hypervisor.host,
                "disabled_reason": None if service is None else service.disabled_reason,
            },
        }
        if self._version >= 88:
            return shown | {"uptime": uptime}
        cpu_info = msgspec.Raw(hypervisor.cpu_info.encode())
        return (
            shown | amounts(hypervisor, load) | {"cpu_info": cpu_info if self._version >= 28 else hypervisor.cpu_info}
        )


AMOUNTS = (
    "vcpus",
    "memory_mb",
    "local_gb",
    "vcpus_used",
    "memory_mb_used",
    "local_gb_used",
    "free_ram_mb",
    "free_disk_gb",
    "disk_available_least",
    "current_workload",
    "running_vms",
)


def amounts(hypervisor: Hypervisor, load: Load) -> dict[str, int]:
    """What it has, and what its servers take of it. Nova's names; MiB and GiB."""
    free_gib = hypervisor.disk_gib - load.disk_gib
    values = (
        hypervisor.vcpus,
        hypervisor.memory_mib,
        hypervisor.disk_gib,
        load.vcpus,
        load.memory_mib,
        load.disk_gib,
        hypervisor.memory_mib - load.memory_mib,
        free_gib,
        free_gib,
        load.busy,
        load.servers,
    )
    return dict(zip(AMOUNTS, values, strict=True))
