"""The same on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilonova.db.create import create_all
from kilonova.image.service import ImageSettings
from tests.image.conftest import ImageCloud, start_images, stop_images


@pytest.fixture
async def images(database_url: str, tmp_path: Path) -> AsyncIterator[ImageCloud]:
    await create_all(database_url)
    cloud = await start_images(database_url, ImageSettings(directory=tmp_path / "images"))
    yield cloud
    await stop_images(cloud)


async def test_images_live_their_lives(images: ImageCloud) -> None:
    image = await images.active(b"x" * 10, name="Größe", tags=["a", "A"], os_distro="x")
    await images.image(name="zwei", visibility="private", disk_format="qcow2")
    await images.image(name=None)
    assert (await images.call("POST", "/images", json={"id": image["id"]})).status_code == 409
    for query, expected in (
        ("sort=name:asc", [None, "Größe", "zwei"]),
        ("sort=size:desc,name:desc&limit=2", ["Größe", "zwei"]),
        (f"sort=name:asc&marker={image['id']}", ["zwei"]),
        ("tag=A&tag=a", ["Größe"]),
        ("os_distro=x", ["Größe"]),
        ("os_distro=X", []),
        ("name=in:zwei,eins", ["zwei"]),
        ("size_min=5", ["Größe"]),
        ("created_at=gt:2020-01-01T00:00:00Z&visibility=private", ["zwei"]),
    ):
        assert await images.names(f"?{query}") == expected, query
    assert len(await images.names(who="admin")) == 3
    assert await images.names(who="bert") == []
    url = f"/images/{image['id']}/members"
    assert (await images.call("POST", url, json={"member": "blue"})).status_code == 200
    assert (await images.call("POST", url, json={"member": "blue"})).status_code == 409
    assert (await images.call("PUT", f"{url}/blue", "bert", json={"status": "accepted"})).status_code == 200
    assert await images.names(who="bert") == ["Größe"]
    assert (await images.patch(image["id"], {"op": "remove", "path": "/os_distro"})).status_code == 200
    assert (await images.call("DELETE", f"/images/{image['id']}")).status_code == 204
    assert images.files() == []
