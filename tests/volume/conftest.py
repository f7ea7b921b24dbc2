"""An image and a volume service of their own for each test, spoken to by HTTP without a socket."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from kilonova.aio.clock import SystemClock
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.image.service import ImageService, ImageSettings
from kilonova.peers.image import ImageClient
from kilonova.peers.volume import VolumeClient
from kilonova.volume.service import VolumeService, VolumeSettings
from kilonova.web.application import Mounts
from kilonova.web.asgi_transport import AsgiTransport
from kilonova.web.client import RestClient
from tests.callers import check_token

GIB = 1 << 30
CONNECTOR = {"host": "host-1", "mountpoint": "/dev/vdb"}


async def service_token() -> str:
    return "nova"


@dataclass
class VolumeCloud:
    db: Database
    directory: Path
    service: VolumeService
    image_service: ImageService
    http: httpx.AsyncClient
    image: ImageClient
    client: VolumeClient
    rests: list[RestClient] = field(default_factory=list)

    async def call(
        self, method: str, path: str, who: str = "anna", *, minor: int = 67, **kwargs: Any
    ) -> httpx.Response:
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": f"volume 3.{minor}", **kwargs.pop("headers", {})}
        return await self.http.request(method, f"/volume/v3{path}", headers=headers, **kwargs)

    async def volume(self, who: str = "anna", **body: Any) -> dict[str, Any]:
        """Made, and settled in its first status."""
        answer = await self.call("POST", "/volumes", who, json={"volume": {"size": 1, **body}})
        assert answer.status_code == 202, answer.text
        return await self.settled(answer.json()["volume"]["id"], who)

    async def show(self, volume_id: str, who: str = "anna", minor: int = 67) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.call("GET", f"/volumes/{volume_id}", who, minor=minor)).json()["volume"]
        return shown

    async def settled(self, volume_id: str, who: str = "anna") -> dict[str, Any]:
        """The volume once no work is going on."""
        for _ in range(3000):
            shown = await self.show(volume_id, who)
            if not shown["status"].endswith("ing") or shown["status"] in ("attaching", "detaching"):
                return shown
            await asyncio.sleep(0.01)
        raise AssertionError(f"still {shown['status']}")

    async def act(self, volume_id: str, action: str, who: str = "anna", **body: Any) -> httpx.Response:
        return await self.call("POST", f"/volumes/{volume_id}/action", who, json={action: body})

    async def snapshot(self, volume_id: str, who: str = "anna", **body: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/snapshots", who, json={"snapshot": {"volume_id": volume_id, **body}})
        assert answer.status_code == 202, answer.text
        made = answer.json()["snapshot"]["id"]
        for _ in range(3000):
            shown: dict[str, Any] = (await self.call("GET", f"/snapshots/{made}", who)).json()["snapshot"]
            if shown["status"] != "creating":
                return shown
            await asyncio.sleep(0.01)
        raise AssertionError("still creating")

    async def gone(self, path: str) -> None:
        for _ in range(3000):
            if (await self.call("GET", path)).status_code == 404:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{path} is still there")

    async def attach(self, volume_id: str, server_id: str, who: str = "nova") -> str:
        """All three steps; the attachment's id."""
        made = await self.client.attachment_create(volume_id, server_id, who)
        await self.client.attachment_update(made.id, CONNECTOR, who)
        await self.client.attachment_complete(made.id, who)
        return made.id

    def path(self, volume_id: str) -> Path:
        return self.directory / f"volume-{volume_id}"

    def files(self) -> list[str]:
        return sorted(str(one.relative_to(self.directory)) for one in self.directory.rglob("*") if one.is_file())


async def start_volumes(url: str, directory: Path) -> VolumeCloud:
    db = await connect(url)
    clock = SystemClock()
    images = ImageService(db, None, check_token, clock, ImageSettings(directory=directory / "images"))
    await images.start()
    image_rest = RestClient("image", "http://cloud/image", app=Mounts({"/image": images.app}, images.app))
    image = ImageClient(image_rest)
    settings = VolumeSettings(directory=directory / "volumes")
    volumes = VolumeService(db, None, check_token, clock, settings, image, service_token)
    await volumes.start()
    app = Mounts({"/volume": volumes.app}, volumes.app)
    rest = RestClient("volume", "http://cloud/volume", app=app)
    http = httpx.AsyncClient(transport=AsgiTransport(app), base_url="http://cloud")
    return VolumeCloud(db, settings.directory, volumes, images, http, image, VolumeClient(rest), [image_rest, rest])


async def stop_volumes(cloud: VolumeCloud) -> None:
    await cloud.http.aclose()
    for rest in cloud.rests:
        await rest.close()
    await cloud.service.close()
    await cloud.db.close()


@pytest.fixture
async def volumes(tmp_path: Path) -> AsyncIterator[VolumeCloud]:
    url = f"sqlite:///{tmp_path}/volumes.sqlite"
    await create_all(url)
    cloud = await start_volumes(url, tmp_path)
    yield cloud
    await stop_volumes(cloud)
