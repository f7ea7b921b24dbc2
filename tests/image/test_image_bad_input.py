"""Whatever is sent, the answer is the sender's fault; the same on each database."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilonova.db.create import create_all
from kilonova.image.service import ImageSettings
from tests.image.conftest import ImageCloud, start_images, stop_images

QUERIES = (
    "limit=²", "limit=٣", "size_min=999999999999999999", "min_ram=999999999999", "name=%ff", "name=%F0%9F%92%A5",
    "name=in:" + "a," * 2000, "tag=" + "x" * 3000, "x" * 3000 + "=y", "marker=%00", "sort=" + "name," * 500,
    "created_at=gt:9999-99-99", "created_at=in:2020-01-01", "owner=' OR 1=1 --", "member_status=all&visibility=all",
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, 5, "x", [], {}, [{}], {"": ""}, True, 1e400, -1, "x" * 70_000, {"a": {"b": []}}, "\ud83d", "a\x00b", "💥",
    "../../etc/passwd", ["x" * 300], [None], 2**40,
)  # fmt: skip
NAMES = (
    "name", "visibility", "protected", "min_ram", "min_disk", "disk_format", "container_format", "owner", "tags", "id",
    "os_hidden", "custom", "status", "locations", "op", "path", "member", "x" * 300, "\x00", "💥",
)  # fmt: skip


@pytest.fixture
async def images(database_url: str, tmp_path: Path) -> AsyncIterator[ImageCloud]:
    await create_all(database_url)
    cloud = await start_images(database_url, ImageSettings(directory=tmp_path / "images"))
    yield cloud
    await stop_images(cloud)


async def test_hostile_urls_are_no_servers_fault(images: ImageCloud) -> None:
    for query in QUERIES:
        for who in ("anna", "admin"):
            answer = await images.call("GET", f"/images?{query}", who)
            assert answer.status_code < 500, (query, answer.text)
    image = await images.image()
    for name in ("%00", "%2e%2e%2fx", "x" * 3000, "%F0%9F%92%A5"):
        for method, path in (("GET", f"/images/{name}"), ("PUT", f"/images/{image['id']}/tags/{name}")):
            answer = await images.call(method, path)
            assert answer.status_code < 500, (name, answer.text)
        answer = await images.call("GET", f"/images/{image['id']}/members/{name}")
        assert answer.status_code < 500, (name, answer.text)


async def test_hostile_bodies_are_no_servers_fault(images: ImageCloud) -> None:
    image = await images.image()
    url = f"/images/{image['id']}"
    patch = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    for name in NAMES:
        for value in VALUES:
            content = json.dumps({name: value}).encode()
            for path in ("/images", f"{url}/members"):
                answer = await images.call("POST", path, "admin", content=content)
                assert answer.status_code < 500, (path, name, value, answer.text)
            change = json.dumps([{"op": "add", "path": f"/{name}", "value": value}]).encode()
            answer = await images.call("PATCH", url, "admin", content=change, headers=patch)
            assert answer.status_code < 500, (name, value, answer.text)
    assert (await images.show(image["id"], "admin"))["id"] == image["id"]
