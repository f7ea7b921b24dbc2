"""Durable placements a second: a decision and its claim, from many callers at once.

    python benchmarks/placements.py [--hosts 10000] [--placements 20000] [--callers 64] [--database URL]
    python benchmarks/placements.py --last-places [--database URL]

Without a URL: a fresh SQLite file (`synchronous=FULL`) in a temporary directory. Prints placements a second in all, in
the first and in the last tenth, CPU time per placement, and what came of the sum of allocations. `--last-places`: fifty
callers at once on 1,000 hosts that have room for 49.
"""

import argparse
import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kilonova.aio.clock import SystemClock
from kilonova.contract.placement import Inventory
from kilonova.contract.scheduler import RequestSpec
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.db.statement import insert_into
from kilonova.db.tables.hosts import compute_nodes, services
from kilonova.model.ids import ServerId
from kilonova.placement.service import PlacementService
from kilonova.placement.store import tables
from kilonova.scheduler.service import SchedulerService

STOCK = {"VCPU": 256, "MEMORY_MB": 262144, "DISK_GB": 4000}


async def fill(db: Database, hosts: int, *, full: int = 0) -> None:
    """`full` of the hosts have no memory to give."""
    now = SystemClock().now()
    ids = [str(uuid.uuid4()) for _ in range(hosts)]
    names = [f"compute-{number:06}" for number in range(hosts)]
    common = {"created_at": now, "updated_at": now}
    async with db.begin() as tx:
        await tx.execute_many(
            insert_into(compute_nodes),
            [
                {
                    "id": host_id,
                    "host": name,
                    "hypervisor_hostname": name,
                    "hypervisor_type": "QEMU",
                    "hypervisor_version": 8002000,
                    "host_ip": "192.0.2.1",
                    "vcpus": 64,
                    "memory_mib": 262144,
                    "disk_gib": 4000,
                    "cpu_info": json.dumps({"arch": "x86_64"}),
                    **common,
                }
                for host_id, name in zip(ids, names, strict=True)
            ],
        )
        await tx.execute_many(
            insert_into(services),
            [{"id": one, "binary": "nova-compute", "host": name, "last_seen_at": now, "created_at": now}
             for one, name in zip(ids, names, strict=True)],
        )  # fmt: skip
        await tx.execute_many(
            insert_into(tables.providers),
            [{"id": one, "name": name, "root_id": one, **common} for one, name in zip(ids, names, strict=True)],
        )
        await tx.execute_many(
            insert_into(tables.inventories),
            [
                {"provider_id": one, "resource_class": name, **_columns(_stock(name, total, full=number < full))}
                for number, one in enumerate(ids)
                for name, total in STOCK.items()
            ],
        )


def _stock(name: str, total: int, *, full: bool) -> Inventory:
    return Inventory(total=total, max_unit=total, reserved=total if full and name == "MEMORY_MB" else 0)


def _columns(inventory: Inventory) -> dict[str, int | float]:
    return {name: getattr(inventory, name) for name in Inventory.__struct_fields__}


@asynccontextmanager
async def services_over(
    url: str, hosts: int, *, full: int = 0
) -> AsyncIterator[tuple[SchedulerService, PlacementService]]:
    await create_all(url)
    db = await connect(url)
    await fill(db, hosts, full=full)
    clock = SystemClock()
    placement = PlacementService(db, clock)
    scheduler = SchedulerService(db, placement, clock)
    began = time.perf_counter()
    await scheduler.start()
    print(f"{hosts} hosts known after {time.perf_counter() - began:.2f} s")
    placement.listen(scheduler.hear)
    yield scheduler, placement
    await scheduler.close()
    await db.close()


async def place(scheduler: SchedulerService, number: int, memory_mib: int) -> None:
    server = str(uuid.UUID(int=number))
    spec = RequestSpec(
        server_id=ServerId(server), project_id="p", user_id="u", vcpus=2, memory_mib=memory_mib, root_gib=10
    )
    await scheduler.select(spec, server, 1, ())


async def last_places(url: str) -> None:
    callers, rooms, hosts = 50, 49, 1000
    async with services_over(url, hosts, full=hosts - rooms) as (scheduler, placement):
        began = time.perf_counter()
        answers = await asyncio.gather(
            *(place(scheduler, number, STOCK["MEMORY_MB"]) for number in range(callers)), return_exceptions=True
        )
        elapsed = time.perf_counter() - began
        refusals = [str(answer) for answer in answers if answer is not None]
        held = len(await placement.consumers())
    print(f"{callers} at once on {hosts} hosts with room for {rooms}: {held} placed in {elapsed:.3f} s, refused:")
    print("\n".join(refusals))


async def run(url: str, hosts: int, placements: int, callers: int) -> None:
    async with services_over(url, hosts) as (scheduler, placement):
        await measure(scheduler, placement, placements, callers)


async def measure(scheduler: SchedulerService, placement: PlacementService, placements: int, callers: int) -> None:
    done: list[float] = []
    numbers = iter(range(placements))

    async def caller() -> None:
        for number in numbers:
            await place(scheduler, number, 2048)
            done.append(time.perf_counter())

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    tenth = placements // 10
    print(f"{placements} placements by {callers} callers: {placements / elapsed:.0f} a second")
    print(f"first tenth {tenth / (done[tenth - 1] - began):.0f} a second, last {tenth / (done[-1] - done[-tenth]):.0f}")
    print(f"CPU {cpu / placements * 1e6:.0f} us a placement; claims refused in a race: {scheduler.counts.conflicts}")
    held = await placement.consumers()
    taken = sum(amounts["VCPU"] for one in held.values() for amounts in one.values())
    print(f"allocated: {taken} VCPU for {len(held)} servers, {taken // 2} wanted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hosts", type=int, default=10000)
    parser.add_argument("--placements", type=int, default=20000)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--last-places", action="store_true", help="fifty callers for 49 places")
    parser.add_argument("--database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        url = given.database or f"sqlite:///{directory}/kilonova.db"
        if given.last_places:
            asyncio.run(last_places(url))
            return
        asyncio.run(run(url, given.hosts, given.placements, given.callers))


if __name__ == "__main__":
    main()
