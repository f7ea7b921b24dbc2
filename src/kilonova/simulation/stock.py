"""The hosts of a description as the scheduler knows them, the racks they stand in, and the requests it may get."""

import itertools
import math
from collections.abc import Iterator, Mapping

import msgspec

from kilonova.contract.scheduler import RequestSpec
from kilonova.model.allocation import Inventory
from kilonova.model.ids import HostName, ServerId
from kilonova.scheduler.filters.placement import tenants_of
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import Aggregate, HostState, Make
from kilonova.scheduler.rules import Rules
from kilonova.simulation.description import BadDescription, Description, FlavorFacts, Hosts, Kind, settings

# Hosts named where one is asked for that there is not.
SOME = 20


class Stock:
    """A fleet with the rules that place servers on it. `rack_of`: by host number; hosts of no rack are left out."""

    def __init__(self, fleet: Fleet, rules: Rules, rack_of: Mapping[int, str] | None = None) -> None:
        self.fleet = fleet
        self.rules = rules
        rules.projects = frozenset[str]().union(*map(tenants_of, fleet.profiles))
        self.rack_of: Mapping[int, str] = rack_of or {}

    def host(self, name: str) -> HostState:
        """Errors: BadDescription when there is no such host."""
        host = self.fleet.get(HostName(name))
        if host is None:
            some = [host.name for host in itertools.islice(self.fleet, SOME)]
            told = ", ".join(some) + (" …" if len(self.fleet) > SOME else "")
            raise BadDescription(f"there is no host {name} (there are: {told or 'none'})")
        return host


def build(description: Description) -> Stock:
    """An empty fleet, all of it enabled and heard of for ever. Errors: BadDescription."""
    chosen = settings(description)
    try:
        rules = Rules(chosen)
    except ValueError as error:
        raise BadDescription(f"scheduler: {error}") from error
    fleet = Fleet(chosen)
    rack_of: dict[int, str] = {}
    for hosts in description.hosts:
        make = _make(hosts, description)
        racks = [f"{hosts.name}-r{number + 1}" if hosts.racks > 1 else hosts.name for number in range(hosts.racks)]
        for number, name in enumerate(names(hosts)):
            host = fleet.add(HostName(name), make)
            host.seen_at = math.inf
            rack_of[host.number] = racks[number * hosts.racks // hosts.count]
    fleet.settle_all()
    return Stock(fleet, rules, rack_of)


def names(hosts: Hosts) -> Iterator[str]:
    if hosts.count == 1:
        yield hosts.name
        return
    width = len(str(hosts.count))
    for number in range(1, hosts.count + 1):
        yield f"{hosts.name}-{number:0{width}}"


def _make(hosts: Hosts, description: Description) -> Make:
    ratios, reserved = hosts.ratios or description.ratios, hosts.reserved or description.reserved
    memory_mib = int(hosts.memory_gib * 1024)
    inventories = {
        "VCPU": _inventory(hosts.vcpus, reserved.vcpus, ratios.cpu),
        "MEMORY_MB": _inventory(memory_mib, reserved.memory_mib, ratios.ram),
        **{name: _inventory(total, 0, 1.0) for name, total in hosts.resources.items()},
    }
    if hosts.disk_gib:
        inventories["DISK_GB"] = _inventory(hosts.disk_gib, reserved.disk_gib, ratios.disk)
    return Make(
        zone=hosts.zone,
        aggregates=tuple(
            Aggregate(name, tuple(sorted(description.aggregates[name].metadata.items())))
            for name in sorted(hosts.aggregates)
        ),
        traits=frozenset(hosts.traits),
        hypervisor_type=hosts.hypervisor_type,
        hypervisor_version=hosts.hypervisor_version,
        cpu_info=msgspec.json.encode({"arch": hosts.architecture}).decode(),
        inventories=tuple(sorted(inventories.items())),
    )


def _inventory(total: int, reserved: int, ratio: float) -> Inventory:
    """As a compute host reports it: one server can have all there is, but no more."""
    return Inventory(total=total, reserved=min(reserved, total), allocation_ratio=ratio, max_unit=total)


def spec_of(flavor_name: str, flavor: FlavorFacts, kind: Kind | None = None) -> RequestSpec:
    return RequestSpec(
        server_id=ServerId("simulated"),
        project_id="project" if kind is None else kind.project,
        user_id="user",
        flavor_id=flavor_name,
        flavor_name=flavor_name,
        vcpus=flavor.vcpus,
        memory_mib=int(flavor.memory_gib * 1024),
        root_gib=flavor.disk_gib,
        ephemeral_gib=flavor.ephemeral_gib,
        swap_mib=flavor.swap_mib,
        extra_specs=flavor.extra_specs,
        image_properties={} if kind is None else kind.image_properties,
        boots_from_volume=False if kind is None else kind.boots_from_volume,
        availability_zone=None if kind is None else kind.zone,
    )
