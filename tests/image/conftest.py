"""An image service of its own for each test, spoken to by HTTP without a socket."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from kilonova.aio.clock import SystemClock
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.image.service import ImageService, ImageSettings
from kilonova.web.application import Mounts
from kilonova.web.asgi_transport import AsgiTransport
from tests.callers import check_token


@dataclass
class ImageCloud:
    """`http` speaks to `/image` mounted as in the cloud; `directory` holds the bits."""

    db: Database
    settings: ImageSettings
    service: ImageService
    http: httpx.AsyncClient

    @property
    def directory(self) -> Path:
        return self.settings.directory

    async def call(self, method: str, path: str, who: str = "anna", **kwargs: Any) -> httpx.Response:
        headers = {"X-Auth-Token": who, "Accept": "application/json", **kwargs.pop("headers", {})}
        return await self.http.request(method, f"/image/v2{path}", headers=headers, **kwargs)

    async def image(self, who: str = "anna", **body: Any) -> dict[str, Any]:
        answer = await self.call(
            "POST", "/images", who, json={"disk_format": "raw", "container_format": "bare", **body}
        )
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def upload(self, image_id: str, bits: Any, who: str = "anna", **headers: str) -> httpx.Response:
        kind = {"Content-Type": "application/octet-stream"}
        return await self.call("PUT", f"/images/{image_id}/file", who, content=bits, headers={**kind, **headers})

    async def active(self, bits: bytes = b"bits", who: str = "anna", **body: Any) -> dict[str, Any]:
        created = await self.image(who, **body)
        answer = await self.upload(created["id"], bits, who)
        assert answer.status_code == 204, answer.text
        return await self.show(created["id"], who)

    async def show(self, image_id: str, who: str = "anna") -> dict[str, Any]:
        shown: dict[str, Any] = (await self.call("GET", f"/images/{image_id}", who)).json()
        return shown

    async def names(self, query: str = "", who: str = "anna") -> list[str]:
        answer = await self.call("GET", f"/images{query}", who)
        assert answer.status_code == 200, answer.text
        return [image["name"] for image in answer.json()["images"]]

    async def patch(self, image_id: str, *changes: dict[str, Any], who: str = "anna") -> httpx.Response:
        kind = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        return await self.call("PATCH", f"/images/{image_id}", who, json=list(changes), headers=kind)

    def files(self) -> list[str]:
        """Whatever lies in the directory, half-written files too."""
        return sorted(str(one.relative_to(self.directory)) for one in self.directory.rglob("*") if one.is_file())


async def start_images(url: str, settings: ImageSettings) -> ImageCloud:
    db = await connect(url)
    service = ImageService(db, None, check_token, SystemClock(), settings)
    await service.start()
    app = Mounts({"/image": service.app}, service.app)
    return ImageCloud(db, settings, service, httpx.AsyncClient(transport=AsgiTransport(app), base_url="http://cloud"))


async def stop_images(cloud: ImageCloud) -> None:
    await cloud.http.aclose()
    await cloud.service.close()
    await cloud.db.close()


@pytest.fixture
async def images(tmp_path: Path) -> AsyncIterator[ImageCloud]:
    url = f"sqlite:///{tmp_path}/images.sqlite"
    await create_all(url)
    cloud = await start_images(url, ImageSettings(directory=tmp_path / "images"))
    yield cloud
    await stop_images(cloud)
