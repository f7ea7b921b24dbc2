"""A Compute API beside real image, network, volume and console token services, all over one database."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import httpx

from kilonova.aio.clock import SystemClock
from kilonova.api.application import ComputeApi
from kilonova.bus.local import LocalBus
from kilonova.bus.proxy import serve
from kilonova.console.auth import ConsoleAuthService
from kilonova.contract.console import ConsoleAuth
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.image.service import ImageService, ImageSettings
from kilonova.network.service import NetworkService
from kilonova.peers.volume import VolumeClient
from kilonova.volume.service import VolumeService, VolumeSettings
from kilonova.web.application import Mounts
from kilonova.web.client import RestClient
from tests.api.cloud import PROJECT, Cloud, check_token, mounted, world_of


async def _service_token() -> str:
    return f"admin:{PROJECT}"


@asynccontextmanager
async def whole_cloud(directory: Path, bus: LocalBus, url: str) -> AsyncIterator[Cloud]:
    """As the fixture `cloud`, but `neutron` and `volumes` are not there: what they stand for is real."""
    await create_all(url)
    db = await connect(url)
    clock = SystemClock()
    images = ImageService(db, None, check_token, clock, ImageSettings(directory=directory / "images"))
    await images.start()
    network = NetworkService(db, bus, check_token, clock, rng=Random(7))
    await network.start()
    image = Mounts({"image": images.app}, images.app)
    world = world_of(db, bus, image=image, network=network.app)
    settings = VolumeSettings(directory=directory / "volumes")
    volumes = VolumeService(db, None, check_token, clock, settings, world.image, _service_token)
    await volumes.start()
    await serve(bus, "consoleauth", ConsoleAuth, ConsoleAuthService(db, clock, token_ttl_s=600))
    rest = RestClient("volume", "http://cloud/volume", app=Mounts({"/volume": volumes.app}, volumes.app))
    world = dataclasses.replace(world, volume=VolumeClient(rest))
    transport = httpx.ASGITransport(app=mounted(ComputeApi(world, check_token)))
    async with httpx.AsyncClient(transport=transport, base_url="http://cloud.example") as client:
        yield Cloud(world, client, None, None, world.image)  # type: ignore[arg-type]
    await world.tasks.close()
    await rest.close()
    await volumes.close()
    await network.close()
    await db.close()
