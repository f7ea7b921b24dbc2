"""The cloud copied into a stock: its hosts with what is in use of them, its servers, their groups; for questions."""

import asyncio
import math
import random
from typing import Any

import msgspec

from kilonova.contract.scheduler import RequestSpec
from kilonova.model.allocation import Inventory
from kilonova.model.errors import NotFound
from kilonova.model.ids import HostName, ServerId
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import Aggregate, Make
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.simulation.placing import Members, Placed, Placing, Wanted
from kilonova.simulation.stock import Stock
from kilonova.upkeep.admin import HYPERVISORS, PAGE, Admin
from kilonova.upkeep.servers import ServerRecord, servers_on
from kilonova.upkeep.services import HostService, services

# Requests to placement under way at a time.
AT_ONCE = 16


# Hints that ask for something of hosts; others name servers.
OF_HOSTS = ("query", "build_near_host_ip", "cidr")


class CloudCopy:
    """`placed`: the servers that are on a host; `records`: what the API says of them, by id (their `name` there)."""

    def __init__(self, placing: Placing, placed: list[Placed], records: dict[str, ServerRecord]) -> None:
        self.placing = placing
        self.placed = placed
        self.records = records


async def copied(admin: Admin, settings: SchedulerSettings) -> CloudCopy:
    """Read all of it. Errors: the families of the REST APIs."""
    fleet = Fleet(settings)
    await _add_hosts(admin, fleet)
    fleet.settle_all()
    placing = Placing(Stock(fleet, Rules(settings)), random.Random(0))
    records = await servers_on(admin)
    members = await _groups(admin)
    kinds = Kinds()
    placed = []
    for record in records:
        host = None if record.host is None else fleet.get(HostName(record.host))
        if host is None:
            continue
        group = members.get(record.id)
        if group is not None:
            group.add(host.name, 1)
        placed.append(Placed(host, kinds.of(spec_of(record)), group, record.id))
    placing.servers = len(placed)
    return CloudCopy(placing, placed, {record.id: record for record in records})


class Kinds:
    """Servers of one flavor and image want the same."""

    def __init__(self) -> None:
        self._known: dict[bytes, Wanted] = {}

    def of(self, spec: RequestSpec) -> Wanted:
        key = msgspec.json.encode(spec)
        if key not in self._known:
            self._known[key] = Wanted(len(self._known), spec.flavor_name, spec)
        return self._known[key]


def spec_of(record: ServerRecord) -> RequestSpec:
    flavor = record.flavor
    return RequestSpec(
        server_id=ServerId("copied"),
        project_id=record.project_id,
        user_id="",
        flavor_name=flavor.original_name,
        vcpus=flavor.vcpus,
        memory_mib=flavor.ram,
        root_gib=flavor.disk,
        ephemeral_gib=flavor.ephemeral,
        swap_mib=flavor.swap,
        extra_specs=flavor.extra_specs,
        image_id=record.image_id,
        image_properties=record.image_properties,
        boots_from_volume=record.image_id is None,
        availability_zone=record.zone,
        hints={name: record.hints[name] for name in OF_HOSTS if name in record.hints},
    )


async def aggregate_names(admin: Admin) -> dict[str, str]:
    """By the ids that a copy's hosts have them under."""
    found = (await admin.compute("GET", "/os-aggregates"))["aggregates"]
    return {str(one["uuid"]): str(one["name"]) for one in found}


async def flavor_named(admin: Admin, name: str) -> RequestSpec:
    """What a new server of the flavor asks of a host; by name or id. Errors: NoSuchFlavor."""
    found = await admin.all_of("/flavors/detail?is_public=None", "flavors")
    for flavor in found:
        if name in (flavor["name"], flavor["id"]):
            return RequestSpec(
                server_id=ServerId("asked"),
                project_id="",
                user_id="",
                flavor_id=flavor["id"],
                flavor_name=flavor["name"],
                vcpus=flavor["vcpus"],
                memory_mib=flavor["ram"],
                root_gib=flavor["disk"],
                ephemeral_gib=flavor["OS-FLV-EXT-DATA:ephemeral"],
                swap_mib=flavor["swap"] or 0,
                extra_specs=flavor.get("extra_specs") or {},
            )
    known = ", ".join(sorted(flavor["name"] for flavor in found))
    raise NoSuchFlavor(f"there is no flavor {name} (there are: {known or 'none'})")


class NoSuchFlavor(NotFound):
    pass


# -- hosts -------------------------------------------------------------------------------------------------------------


async def _add_hosts(admin: Admin, fleet: Fleet) -> None:
    found = [one for one in await _hypervisors(admin) if one["service"]["host"] is not None]
    known = {service.host: service for service in await services(admin)}
    aggregates = (await admin.compute("GET", "/os-aggregates"))["aggregates"]
    turns = asyncio.Semaphore(AT_ONCE)

    async def provider(hypervisor: dict[str, Any]) -> _Provider:
        async with turns:
            return await _provider(admin, hypervisor["id"])

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(provider(one)) for one in found]
    for hypervisor, task in zip(found, tasks, strict=True):
        name = hypervisor["service"]["host"]
        service = known.get(name)
        if service is not None:
            _add(fleet, hypervisor, service, task.result(), [one for one in aggregates if name in one["hosts"]])


async def _hypervisors(admin: Admin) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    marker = ""
    while True:
        path = f"/os-hypervisors/detail?limit={PAGE}{marker}"
        page = (await admin.compute("GET", path, headers=HYPERVISORS))["hypervisors"]
        found += page
        if len(page) < PAGE:
            return found
        marker = f"&marker={page[-1]['id']}"


class _Provider(msgspec.Struct, frozen=True):
    inventories: dict[str, Inventory]
    used: dict[str, int]
    traits: frozenset[str]


async def _provider(admin: Admin, provider_id: str) -> _Provider:
    path = f"/resource_providers/{provider_id}"
    try:
        inventories, usages, traits = await asyncio.gather(
            admin.placement(f"{path}/inventories"), admin.placement(f"{path}/usages"), admin.placement(f"{path}/traits")
        )
    except NotFound:
        return _Provider({}, {}, frozenset())
    return _Provider(
        msgspec.convert(inventories["inventories"], dict[str, Inventory]),
        usages["usages"],
        frozenset(traits["traits"]),
    )


def _add(
    fleet: Fleet,
    hypervisor: dict[str, Any],
    service: HostService,
    provider: _Provider,
    aggregates: list[dict[str, Any]],
) -> None:
    make = Make(
        zone=service.zone,
        aggregates=tuple(Aggregate(str(one["uuid"]), tuple(sorted(one["metadata"].items()))) for one in aggregates),
        traits=provider.traits,
        hypervisor_type=hypervisor["hypervisor_type"],
        hypervisor_version=hypervisor["hypervisor_version"],
        cpu_info=msgspec.json.encode(hypervisor["cpu_info"] or {}).decode(),
        inventories=tuple(sorted(provider.inventories.items())),
    )
    host = fleet.add(HostName(service.host), make)
    host.enabled = service.enabled
    host.forced_down = service.state != "up"
    host.seen_at = math.inf
    host.ip = hypervisor["host_ip"]
    host.use(provider.used)


async def _groups(admin: Admin) -> dict[str, Members]:
    """The group of each server that is in one."""
    found: dict[str, Members] = {}
    offset = 0
    while True:
        path = f"/os-server-groups?all_projects=True&limit={PAGE}&offset={offset}"
        page = (await admin.compute("GET", path))["server_groups"]
        for shown in page:
            group = Members(shown["id"], shown["policy"], (shown.get("rules") or {}).get("max_server_per_host", 1))
            found |= dict.fromkeys(shown["members"], group)
        if len(page) < PAGE:
            return found
        offset += len(page)
