"""Hosts without a database, for what is pure."""

from collections.abc import Mapping

from kilonova.contract.placement import Inventory
from kilonova.contract.scheduler import RequestSpec
from kilonova.model.ids import HostName
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import Aggregate, HostState, Make
from kilonova.scheduler.request import Group, Request
from kilonova.scheduler.settings import SchedulerSettings
from tests.scheduler.conftest import START, spec


def inventories(
    vcpus: int = 8, memory: int = 8192, disk: int = 100, **others: int
) -> tuple[tuple[str, Inventory], ...]:
    stock = {"VCPU": vcpus, "MEMORY_MB": memory, "DISK_GB": disk, **others}
    return tuple(sorted((name, Inventory(total=total, max_unit=total)) for name, total in stock.items()))


def aggregate(**metadata: str) -> tuple[Aggregate, ...]:
    return (Aggregate("1", tuple(sorted(metadata.items()))),)


def make(**changes: object) -> Make:
    values: dict[str, object] = {
        "zone": "nova",
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8002000,
        "cpu_info": '{"arch":"x86_64","features":["avx","aes"]}',
        "inventories": inventories(),
        **changes,
    }
    return Make(**values)  # type: ignore[arg-type]


def add(fleet: Fleet, name: str, of: Make | None = None, used: Mapping[str, int] | None = None) -> HostState:
    host = fleet.add(HostName(name), of or make())
    host.seen_at = START
    host.ip = "192.0.2.7"
    fleet.settle(host)
    fleet.take(host, used or {})
    return host


def host(of: Make | None = None, settings: SchedulerSettings | None = None) -> HostState:
    return add(Fleet(settings or SchedulerSettings()), "host", of)


def request(
    settings: SchedulerSettings | None = None,
    *,
    group: Group | None = None,
    near: Mapping[str, frozenset[HostName]] | None = None,
    **changes: object,
) -> Request:
    wanted: RequestSpec = spec(**changes)  # type: ignore[arg-type]
    return Request(wanted, settings or SchedulerSettings(), now=START, group=group, near=near)
