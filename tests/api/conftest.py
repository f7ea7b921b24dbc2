"""A Compute API over a fresh SQLite database."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from kilonova.aio.clock import SystemClock
from kilonova.api.application import ComputeApi
from kilonova.bus.local import LocalBus
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.statement import insert_into
from kilonova.db.tables import flavors as flavor_tables
from kilonova.image.service import ImageService, ImageSettings
from kilonova.web.application import Mounts
from tests.api.cloud import PROJECT, Cloud, check_token, mounted, world_of
from tests.api.neighbours import PRIVATE, Neutron, Volumes, network
from tests.api.whole import whole_cloud

_SIZES = (("1", "m1.tiny", 1, 512, 1), ("2", "m1.small", 1, 2048, 20), ("3", "m1.medium", 2, 4096, 40))


@pytest.fixture
async def bus() -> AsyncIterator[LocalBus]:
    bus = LocalBus()
    yield bus
    await bus.close()


@pytest.fixture
async def cloud(tmp_path: Path, bus: LocalBus) -> AsyncIterator[Cloud]:
    url = f"sqlite:///{tmp_path}/api.db"
    await create_all(url)
    db = await connect(url)
    async with db.begin() as tx:
        for identifier, name, vcpus, memory_mib, root_gib in _SIZES:
            await tx.execute(
                insert_into(flavor_tables.flavors),
                id=identifier,
                name=name,
                vcpus=vcpus,
                memory_mib=memory_mib,
                root_gib=root_gib,
                created_at="2026-01-01T00:00:00.000000",
            )
    images = ImageService(db, None, check_token, SystemClock(), ImageSettings(directory=tmp_path / "images"))
    await images.start()
    neutron = Neutron({"networks": [network(PRIVATE, PROJECT)]})
    volumes = Volumes()
    mounts = Mounts({"image": images.app}, images.app)
    world = world_of(db, bus, image=mounts, network=neutron, volume=volumes)
    transport = httpx.ASGITransport(app=mounted(ComputeApi(world, check_token)))
    async with httpx.AsyncClient(transport=transport, base_url="http://cloud.example") as client:
        yield Cloud(world, client, neutron, volumes, world.image)
    await world.tasks.close()
    await db.close()


@pytest.fixture
async def whole(tmp_path: Path, bus: LocalBus, sqlite_url: str) -> AsyncIterator[Cloud]:
    """Beside real image, network and volume services."""
    async with whole_cloud(tmp_path, bus, sqlite_url) as cloud:
        yield cloud
