"""What the scheduler is asked and what it answers."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from kilonova.contract.message import call, fan_out
from kilonova.contract.placement import ProviderChange
from kilonova.contract.reasons import Reason
from kilonova.model.errors import Conflict
from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.host import Hardware
from kilonova.model.fitting.needs import cpu_amounts
from kilonova.model.fitting.pci import PciRequest
from kilonova.model.ids import HostName, ServerId

# A group's suffix may be anything (placement 1.33).
_RESOURCES = re.compile(r"resources[A-Za-z0-9_-]{0,64}:(?P<name>[A-Z0-9_]+)")


class RequestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a placement decision depends on; stored with the server and used again at every move."""

    server_id: ServerId
    project_id: str
    user_id: str
    flavor_id: str = ""
    flavor_name: str = ""
    vcpus: int = 0
    memory_mib: int = 0
    root_gib: int = 0
    ephemeral_gib: int = 0
    swap_mib: int = 0
    extra_specs: dict[str, str] = {}
    image_id: str | None = None
    image_properties: dict[str, str] = {}
    boots_from_volume: bool = False
    availability_zone: str | None = None
    force_host: HostName | None = None
    requested_host: HostName | None = None
    ignore_hosts: tuple[HostName, ...] = ()
    hints: dict[str, list[str]] = {}
    group_id: str | None = None
    # A port wants a card that manages it.
    remote_managed_ports: bool = False
    # What its ports want of the host's PCI devices; named by the ports' ids.
    port_devices: tuple[PciRequest, ...] = ()
    # For each routed network the aggregates (ids) of its segments: the host must be in one of each network's.
    segment_aggregates: tuple[tuple[str, ...], ...] = ()

    def resources(self) -> dict[str, int]:
        """Amounts to claim, by standard resource class; zeros left out. Disk counts in whole GiB, swap rounded up.

        What extra specs name, in the request itself or in its numbered groups, counts instead. Errors: BadHardware.
        """
        disk = (0 if self.boots_from_volume else self.root_gib) + self.ephemeral_gib + -(-self.swap_mib // 1024)
        amounts = cpu_amounts(self.hardware()) | {"MEMORY_MB": self.memory_mib, "DISK_GB": disk}
        named = Counter[str]()
        for key, value in self.extra_specs.items():
            if value.isdigit() and (found := _RESOURCES.fullmatch(key)) is not None:
                named[found["name"]] += int(value)
        amounts |= named
        return {name: amount for name, amount in amounts.items() if amount}

    def hardware(self) -> Asked:
        """As far as it speaks of hardware."""
        return Asked(
            vcpus=self.vcpus,
            memory_mib=self.memory_mib,
            extra_specs=self.extra_specs,
            properties=self.image_properties,
        )


class FilterCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many hosts a filter (or placement's own checks) was given and let through, and what was short.

    `asked`, `short` and `lacks` name no host. Where none passed `nearest` does, for administrators: the host of those
    given that lacks least; `lacks` is what that is, of this and all filters to come.
    """

    name: str
    given: int
    passed: int
    asked: str = ""
    reason: Reason | None = None
    short: str = ""
    nearest: HostName | None = None
    lacks: str = ""


def in_and_out(counts: Sequence[FilterCount]) -> str:
    """`ComputeFilter 3→3, PlacementResources 3→0 (MEMORY_MB: wanted 4096, the most free on any host is 2048)`."""
    return ", ".join(
        f"{count.name} {count.given}→{count.passed}" + (f" ({count.short})" if count.short else "") for count in counts
    )


class WeightShare(msgspec.Struct, frozen=True, kw_only=True):
    """A weigher's part of a score: `weight` times `multiplier`."""

    name: str
    weight: float
    multiplier: float
    score: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A host that passes everything."""

    host: HostName
    score: float
    weights: tuple[WeightShare, ...] = ()


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that was not carried out. `counts` are the first server's, or those of the first that was refused.

    `hosts`: where each server would go, in order; fewer than asked for where one was refused, and then `refusal` is
    what its owner would read. `candidates`: the best for the first server, of the `passed` that would take it.
    `by_chance`: nova.conf wants one of several good hosts chosen at random, and `hosts` are the best of these.
    """

    counts: tuple[FilterCount, ...] = ()
    hosts: tuple[HostName, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    passed: int = 0
    refusal: str | None = None
    by_chance: bool = False


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The chosen host, already claimed for; and how it was found."""

    host: HostName
    node: str
    availability_zone: str
    # The best hosts there were, with their scores by weigher.
    candidates: tuple[Candidate, ...] = ()


class NoValidHost(Conflict):
    """No host took the request. `counts` are FilterCount as maps; the message names each filter and what was short."""

    def __init__(self, reason: str, counts: list[dict[str, object]]) -> None:
        super().__init__(f"No valid host was found. {reason}")
        self.counts = counts

    def within(self, most: int) -> str:
        """The message in so many characters at most: first those filters go that all hosts passed, then all but the
        last.
        """
        counts = msgspec.convert(self.counts, tuple[FilterCount, ...])
        text = self.message
        for some in ([one for one in counts if one.passed < one.given], counts[-1:]):
            if len(text) > most and some:
                text = f"No valid host was found. {in_and_out(some)}"
        return text if len(text) <= most else text[: most - 1] + "…"


def told_in_full(failure: Mapping[str, Any]) -> str:
    """A failure's `message`, and for NoValidHost (by its `attributes`) what the nearest host lacks.

    For administrators: it names a host.
    """
    counts = failure.get("attributes", {}).get("counts") or [{}]
    nearest = counts[-1].get("nearest")
    told = f" The nearest host is {nearest}, which lacks: {counts[-1].get('lacks')}." if nearest else ""
    return f"{failure['message']}{told}"


class HostUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What a host says of itself now and then, and at once when something changed."""

    host: HostName
    node_id: str
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int
    vcpus: int
    memory_mib: int
    disk_gib: int
    host_ip: str
    traits: frozenset[str] = frozenset()
    cpu_info: dict[str, object] = {}
    metrics: dict[str, float] = {}
    build_failures: int = 0
    # Servers that are being built, resized, snapshotted … on it just now.
    io_ops: int = 0
    # What guests may have of its CPUs, pages and devices, where it tells of that.
    hardware: Hardware | None = None


class Scheduler(Protocol):
    """Topic `scheduler`."""

    @call(timeout_s=30, step="10")
    async def select(self, spec: RequestSpec, consumer: str, attempt: int, avoid: tuple[HostName, ...]) -> Selection:
        """Choose a host and claim on it in placement for `consumer`. Errors: NoValidHost."""

    @call(timeout_s=30)
    async def explain(self, spec: RequestSpec, count: int, avoid: tuple[HostName, ...]) -> Explained:
        """The same decision for `count` servers one after the other, without a claim."""

    @call(timeout_s=30)
    async def check_rebuild(self, spec: RequestSpec, host: HostName) -> None:
        """Whether a server's own host may have it with another image. Errors: NoValidHost."""

    @fan_out()
    async def host_updated(self, update: HostUpdate) -> None:
        """A host is alive and this is what it has; a lost one is made up for by the next."""

    @fan_out()
    async def refresh(self, hosts: tuple[HostName, ...]) -> None:
        """Services or aggregates changed (enabled, disabled, forced down, added, removed …): look again.

        `hosts` are those concerned; empty when that is not known, or all.
        """

    @fan_out()
    async def placement_changed(self, changes: tuple[ProviderChange, ...]) -> None:
        """Somebody claimed or released by another placement service than ours."""
