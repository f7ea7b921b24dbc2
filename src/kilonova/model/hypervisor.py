"""Hypervisors: compute hosts with what they have and what their servers take of it."""

import msgspec

from kilonova.model.errors import NotFound
from kilonova.model.ids import HostName
from kilonova.model.service import Service

# A trait of hosts that take guests over with their disks. Hosts without it keep theirs: no other host reaches them.
TAKES_GUESTS = "CUSTOM_TAKES_GUESTS"
# The standard trait of hosts whose cores have more than one thread.
HAS_THREADS = "HW_CPU_HYPERTHREADING"


class HypervisorNotFound(NotFound):
    def __init__(self, hypervisor: str) -> None:
        super().__init__(f"Hypervisor with ID '{hypervisor}' could not be found.")
        self.hypervisor = hypervisor


class ComputeHostNotFound(NotFound):
    def __init__(self, host: str) -> None:
        super().__init__(f"Compute host {host} could not be found.")
        self.host = host


class Hypervisor(msgspec.Struct, frozen=True):
    """Memory in MiB, disk in GiB. `number` is the id that clients below 2.53 know; `cpu_info` is JSON text.

    `service` is the compute service of its host, None where that is gone.
    """

    number: int
    id: str
    host: HostName
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int
    host_ip: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    cpu_info: str
    service: Service | None


class Load(msgspec.Struct, frozen=True):
    """What the servers of a host take: `busy` ones have something being done to them just now."""

    servers: int = 0
    busy: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0

    def plus(self, other: "Load") -> "Load":
        return Load(
            self.servers + other.servers,
            self.busy + other.busy,
            self.vcpus + other.vcpus,
            self.memory_mib + other.memory_mib,
            self.disk_gib + other.disk_gib,
        )
