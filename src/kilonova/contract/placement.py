"""What placement offers inside the cloud: claims, as one transaction each. Its REST API is for everybody else."""

from typing import Protocol

import msgspec

from kilonova.contract.message import call
from kilonova.model.errors import Conflict
from kilonova.model.ids import HostName


class ClaimRefused(Conflict):
    """The host has not got that much left (any more); `short` says of what, wanted and free."""

    def __init__(self, host: str, short: str) -> None:
        super().__init__(f"{host}: {short}")
        self.host = host
        self.short = short


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    total: int
    reserved: int = 0
    allocation_ratio: float = 1.0
    min_unit: int = 1
    max_unit: int = 2147483647
    step_size: int = 1


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A compute host as a resource provider. `id` is the compute node's uuid, `name` the hypervisor's host name."""

    id: str
    name: HostName
    inventories: dict[str, Inventory]
    traits: frozenset[str]


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`consumer` gets `resources` (amounts by resource class: VCPU, MEMORY_MB, DISK_GB …) from the host's provider."""

    consumer: str
    host: HostName
    resources: dict[str, int]
    project_id: str
    user_id: str
    consumer_type: str = "INSTANCE"


class Placement(Protocol):
    """Topic `placement`."""

    @call()
    async def report(self, provider: Provider) -> None:
        """Create or update a host's provider, its inventories and its driver's traits; others' traits stay."""

    @call()
    async def forget(self, name: HostName) -> None: ...

    @call(step="10")
    async def claim(self, request: ClaimRequest) -> None:
        """All of it or nothing; again with the same consumer replaces. Errors: ClaimRefused."""

    @call()
    async def release(self, consumer: str) -> None:
        """Happy to find nothing."""

    @call()
    async def move(self, *, source: str, target: str) -> None:
        """`target` takes over what `source` holds (a migration keeps the old allocation). Idempotent."""

    @call()
    async def consumers(self) -> dict[str, dict[str, dict[str, int]]]:
        """All allocations: consumer → host name → resource class → amount. For ledgers and audits."""
