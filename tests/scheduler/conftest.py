"""A scheduler with a real placement and a real database, and hosts to choose from."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from kilonova.contract.placement import Inventory, Provider
from kilonova.contract.scheduler import RequestSpec, Selection
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.db.statement import insert_into, update_columns
from kilonova.db.tables.hosts import aggregates, compute_nodes, services
from kilonova.db.tables.servers import server_groups, servers
from kilonova.model.ids import HostName, ServerId
from kilonova.model.time import Timestamp, later, stamp_of_unix
from kilonova.placement.service import PlacementService
from kilonova.placement.store import tables as placement_tables
from kilonova.scheduler.service import SchedulerService
from kilonova.scheduler.settings import SchedulerSettings

START = 1_800_000_000.0


class HandClock:
    """Stands until the test moves it."""

    def __init__(self) -> None:
        self.seconds = START

    def time(self) -> float:
        return self.seconds

    def now(self) -> Timestamp:
        return stamp_of_unix(self.seconds)

    def after(self, seconds: float) -> Timestamp:
        return later(self.now(), seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


def spec(name: str = "server", **changes: object) -> RequestSpec:
    values: dict[str, object] = {
        "server_id": ServerId(name),
        "project_id": "red",
        "user_id": "anna",
        "flavor_name": "small",
        "vcpus": 1,
        "memory_mib": 1024,
        "root_gib": 1,
        **changes,
    }
    return RequestSpec(**values)  # type: ignore[arg-type]


class Cloud:
    """Hosts, aggregates and groups as the database has them; `scheduler()` starts one that knows them."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.clock = HandClock()
        self.placement = PlacementService(db, self.clock)
        self._started: list[SchedulerService] = []

    async def host(
        self,
        name: str,
        *,
        vcpus: int = 8,
        memory: int = 8192,
        disk: int = 100,
        traits: frozenset[str] = frozenset(),
        disabled: bool = False,
        silent_s: float = 0.0,
        hypervisor: tuple[str, int] = ("QEMU", 8002000),
        ip: str = "192.0.2.1",
        cpu_info: Mapping[str, object] | None = None,
        inventories: Mapping[str, Inventory] | None = None,
    ) -> None:
        now = self.clock.now()
        async with self.db.begin() as tx:
            await tx.execute(
                insert_into(compute_nodes),
                id=f"node-{name}",
                host=name,
                hypervisor_hostname=name,
                hypervisor_type=hypervisor[0],
                hypervisor_version=hypervisor[1],
                host_ip=ip,
                vcpus=vcpus,
                memory_mib=memory,
                disk_gib=disk,
                cpu_info=json.dumps(cpu_info or {"arch": "x86_64"}),
                created_at=now,
                updated_at=now,
            )
            await tx.execute(
                insert_into(services),
                id=f"service-{name}",
                binary="nova-compute",
                host=name,
                disabled=int(disabled),
                last_seen_at=self.clock.after(-silent_s),
                created_at=now,
            )
        await self.placement.report(
            Provider(
                id=f"node-{name}",
                name=HostName(name),
                inventories={
                    "VCPU": Inventory(total=vcpus, max_unit=vcpus),
                    "MEMORY_MB": Inventory(total=memory, max_unit=memory),
                    "DISK_GB": Inventory(total=disk, max_unit=disk),
                    **(inventories or {}),
                },
                traits=traits,
            )
        )

    async def hosts(self, count: int, **facts: object) -> None:
        for number in range(count):
            await self.host(f"host-{number}", **facts)  # type: ignore[arg-type]

    async def aggregate(self, name: str, *hosts: str, **metadata: str) -> None:
        async with self.db.begin() as tx:
            await tx.execute(
                insert_into(aggregates),
                id=f"aggregate-{name}",
                name=name,
                hosts=json.dumps(list(hosts)),
                metadata=json.dumps(metadata),
                created_at=self.clock.now(),
            )

    async def group(self, name: str, policy: str, *members: str, **rules: int) -> None:
        async with self.db.begin() as tx:
            await tx.execute(
                insert_into(server_groups),
                id=name,
                project_id="red",
                user_id="anna",
                name=name,
                policy=policy,
                rules=json.dumps(rules),
                created_at=self.clock.now(),
            )
        for member in members:
            await self.member(name, member)

    async def member(self, group: str, server: str) -> None:
        now = self.clock.now()
        async with self.db.begin() as tx:
            await tx.execute(
                insert_into(servers),
                id=server,
                project_id="red",
                user_id="anna",
                name=server,
                hostname=server,
                flavor_id="1",
                flavor="{}",
                reservation_id="r-1",
                vm_state="building",
                request_spec="{}",
                networks="[]",
                group_id=group,
                created_at=now,
                updated_at=now,
            )

    async def server(self, name: str, host: str, image_properties: Mapping[str, str]) -> None:
        """One that is on a host already, of such an image."""
        await self.member("", name)
        async with self.db.begin() as tx:
            await tx.execute(
                update_columns(servers, ("host", "request_spec", "updated_at"), ("id",)),
                by_id=name,
                host=host,
                request_spec=json.dumps({"image_properties": dict(image_properties)}),
                updated_at=self.clock.now(),
            )

    async def scheduler(self, **settings: object) -> SchedulerService:
        service = SchedulerService(
            self.db,
            self.placement,
            self.clock,
            SchedulerSettings(**settings),  # type: ignore[arg-type]
        )
        # The rhythm of comparing is left out: under a clock that is moved by hand it would never rest.
        await service.load()
        self.placement.listen(service.hear)
        self._started.append(service)
        return service

    async def close(self) -> None:
        for service in self._started:
            await service.close()


@asynccontextmanager
async def cloud_at(url: str) -> AsyncIterator[Cloud]:
    assert placement_tables.providers.metadata.tables
    await create_all(url)
    db = await connect(url)
    made = Cloud(db)
    yield made
    await made.close()
    await db.close()


@pytest.fixture
async def cloud(sqlite_url: str) -> AsyncIterator[Cloud]:
    async with cloud_at(sqlite_url) as made:
        yield made


@pytest.fixture
async def cloud_on_each(database_url: str) -> AsyncIterator[Cloud]:
    """The test runs once on each kind of database."""
    async with cloud_at(database_url) as made:
        yield made


async def place(scheduler: SchedulerService, wanted: RequestSpec, *avoid: str) -> Selection:
    return await scheduler.select(wanted, wanted.server_id, 1, tuple(HostName(name) for name in avoid))
