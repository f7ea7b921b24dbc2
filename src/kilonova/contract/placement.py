"""What placement offers inside the cloud: claims, as one transaction each. Its REST API is for everybody else."""

from typing import Protocol

import msgspec

from kilonova.contract.message import call
from kilonova.model.allocation import Inventory as Inventory
from kilonova.model.errors import Conflict
from kilonova.model.fitting.host import Fit
from kilonova.model.ids import HostName


class ClaimRefused(Conflict):
    """The host has not got that much left (any more); `short` says of what, wanted and free."""

    def __init__(self, host: str, short: str) -> None:
        super().__init__(f"{host}: {short}")
        self.host = host
        self.short = short


class FitTaken(ClaimRefused):
    """Somebody else got the same CPUs or devices of the host first; it may well have others."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A compute host as a resource provider. `id` is the compute node's uuid, `name` the hypervisor's host name."""

    id: str
    name: HostName
    inventories: dict[str, Inventory]
    traits: frozenset[str]


class ProviderState(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as it stands: amounts in use by resource class, and how many consumers hold something of it."""

    id: str
    name: HostName
    generation: int
    parent_id: str | None = None
    root_id: str
    inventories: dict[str, Inventory] = {}
    used: dict[str, int] = {}
    traits: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    consumers: int = 0


class ProviderChange(msgspec.Struct, frozen=True, kw_only=True):
    """A committed change of a provider, for those that keep a copy.

    `generation` is the provider's after it. `used` and `consumers` are differences, made by a claim or release for
    `consumer`; `reload`: more than that changed.
    """

    name: HostName
    generation: int
    consumer: str = ""
    used: dict[str, int] = {}
    consumers: int = 0
    reload: bool = False


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`consumer` gets `resources` (amounts by resource class: VCPU, MEMORY_MB, DISK_GB …) from the host's provider."""

    consumer: str
    host: HostName
    resources: dict[str, int]
    project_id: str
    user_id: str
    consumer_type: str = "INSTANCE"
    # The very CPUs, pages and devices that go with the amounts.
    fit: Fit | None = None


class Fits(msgspec.Struct, frozen=True, kw_only=True):
    """What each consumer has of a host beyond amounts, as of the provider's `generation`."""

    generation: int
    of: dict[str, Fit] = {}


class Placement(Protocol):
    """Topic `placement`. Hosts are named by their provider's name."""

    @call()
    async def report(self, provider: Provider) -> None:
        """Create or update a host's provider, its inventories and its driver's traits; others' traits stay."""

    @call()
    async def forget(self, name: HostName) -> None:
        """Remove a host's provider; happy to find none. Errors: ProviderInUse while anybody holds something of it."""

    @call(step="10")
    async def claim(self, request: ClaimRequest) -> None:
        """All of it or nothing; again with the same consumer replaces. Errors: ClaimRefused, FitTaken."""

    @call()
    async def release(self, consumer: str) -> None:
        """Happy to find nothing."""

    @call()
    async def move(self, *, source: str, target: str) -> None:
        """`target` takes over what `source` holds (a migration keeps the old allocation) instead of what it held.

        Idempotent: again for the same pair changes nothing, even when `source` holds something new by then.
        """

    @call()
    async def consumers(self) -> dict[str, dict[str, dict[str, int]]]:
        """All allocations: consumer → host name → resource class → amount. For ledgers and audits."""

    @call()
    async def holders(self, consumers: tuple[str, ...]) -> dict[str, tuple[HostName, ...]]:
        """The hosts each of `consumers` holds something of; those that hold nothing are left out."""

    @call()
    async def providers(self, after: str, limit: int) -> tuple[ProviderState, ...]:
        """Up to `limit` providers in the order of their names, from the first behind `after` ('' for the first)."""

    @call()
    async def provider(self, name: HostName) -> ProviderState | None:
        """One provider as it stands, or None."""

    @call()
    async def fits(self, hosts: tuple[HostName, ...]) -> dict[HostName, Fits]:
        """Who has which CPUs, pages and devices of each of `hosts`; hosts without a provider are left out."""

    @call()
    async def fits_of(self, consumers: tuple[str, ...]) -> dict[str, dict[HostName, Fit]]:
        """The same by consumer; those that have none are left out."""

    @call()
    async def generations(self) -> dict[HostName, int]:
        """Every provider's generation: whoever keeps copies sees which of them are old."""
