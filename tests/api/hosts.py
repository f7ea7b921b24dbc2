"""Compute hosts put into the record as their own reports would have left them, and agents that answer for them."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kilonova.bus.local import LocalBus
from kilonova.bus.proxy import serve
from kilonova.contract.compute import Compute
from kilonova.contract.scheduler import Scheduler
from kilonova.db.database import Database
from kilonova.db.statement import insert_into
from kilonova.db.tables.hosts import compute_nodes, services

NOW = "2099-01-01T00:00:00.000000"
LONG_AGO = "2001-01-01T00:00:00.000000"


async def put_service(db: Database, binary: str, host: str, **changes: Any) -> str:
    """A service that is up, unless `last_seen_at` says otherwise; its id."""
    row = {"id": str(uuid.uuid4()), "binary": binary, "host": host, "last_seen_at": NOW, "created_at": LONG_AGO}
    row |= {"updated_at": LONG_AGO, **changes}
    async with db.begin() as tx:
        await tx.execute(insert_into(services), **row)
    return str(row["id"])


async def put_host(db: Database, host: str, **service: Any) -> str:
    """A host with 4 vCPUs, 8 GiB and 100 GiB of disk; the id of its compute node."""
    node_id = str(uuid.uuid4())
    await put_service(db, "nova-compute", host, **service)
    async with db.begin() as tx:
        await tx.execute(
            insert_into(compute_nodes),
            id=node_id,
            host=host,
            hypervisor_hostname=f"{host}.example",
            hypervisor_type="QEMU",
            hypervisor_version=7002000,
            host_ip="192.0.2.1",
            vcpus=4,
            memory_mib=8192,
            disk_gib=100,
            cpu_info='{"arch":"x86_64"}',
            created_at=LONG_AGO,
            updated_at=LONG_AGO,
        )
    return node_id


@dataclass
class Agent:
    """The part of a compute host that these calls reach; it remembers what it was told."""

    cached: list[str] = field(default_factory=list)

    async def uptime(self) -> str:
        return " up 1 days, 02:03"

    async def cache_images(self, image_ids: tuple[str, ...]) -> None:
        self.cached += image_ids


@dataclass
class Listener:
    """A scheduler's ear."""

    heard: list[tuple[str, ...]] = field(default_factory=list)

    async def refresh(self, hosts: tuple[str, ...]) -> None:
        self.heard.append(tuple(hosts))


async def agent_of(bus: LocalBus, host: str) -> Agent:
    agent = Agent()
    await serve(bus, f"compute.{host}", Compute, agent)  # type: ignore[arg-type]
    return agent


async def scheduler_on(bus: LocalBus) -> Listener:
    listener = Listener()
    await serve(bus, "scheduler", Scheduler, listener)  # type: ignore[arg-type]
    return listener


async def eventually(condition: Callable[[], bool]) -> None:
    """Bells and casts arrive after the answer that sent them. Fails after a minute."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)
