"""A placement service on whichever database the test runs."""

from collections.abc import AsyncIterator

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.contract.placement import ClaimRequest, Inventory, Provider
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.model.ids import HostName
from kilonova.placement.service import PlacementService
from kilonova.placement.store import tables


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    assert tables.providers.metadata.tables
    await create_all(database_url)
    opened = await connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def placement(database: Database) -> PlacementService:
    return PlacementService(database, SystemClock())


def host(number: int, *, vcpus: int = 8, memory: int = 8192, traits: frozenset[str] = frozenset()) -> Provider:
    return Provider(
        id=f"00000000-0000-4000-8000-{number:012}",
        name=HostName(f"host-{number}"),
        inventories={
            "VCPU": Inventory(total=vcpus, allocation_ratio=2.0, max_unit=vcpus),
            "MEMORY_MB": Inventory(total=memory, reserved=512),
            "DISK_GB": Inventory(total=100),
        },
        traits=traits,
    )


def claim(consumer: str, number: int = 1, **resources: int) -> ClaimRequest:
    return ClaimRequest(
        consumer=consumer,
        host=HostName(f"host-{number}"),
        resources=resources or {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1},
        project_id="red",
        user_id="anna",
    )
