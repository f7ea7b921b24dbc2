"""Whatever is sent, the answer is the sender's fault, and nothing is left behind; the same on each database."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilonova.db.create import create_all
from tests.volume.conftest import VolumeCloud, start_volumes, stop_volumes

QUERIES = (
    "limit=²", "limit=٣٣٣٣٣٣٣٣٣٣٣٣", "offset=²", "offset=99999999999999999999", "name=%ff", "name=%F0%9F%92%A5",
    "status=" + "x" * 3000, "marker=" + "x" * 3000, "metadata=" + "[" * 3000, "metadata={1:2}", "sort=" + "name," * 500,
    "all_tenants=%00", "volume_type=' OR 1=1 --", "created_at=x",
)  # fmt: skip
NAMES = ("../../etc/passwd", "<script>", "'; DROP TABLE volume_volumes; --", "💥", "\ud83d", "a\x00b", " ", "x" * 300)


@pytest.fixture
async def volumes(database_url: str, tmp_path: Path) -> AsyncIterator[VolumeCloud]:
    await create_all(database_url)
    cloud = await start_volumes(database_url, tmp_path)
    yield cloud
    await stop_volumes(cloud)


async def test_hostile_urls_are_no_servers_fault(volumes: VolumeCloud) -> None:
    for path in ("/volumes", "/volumes/detail", "/snapshots/detail", "/attachments", "/types", "/limits"):
        for query in QUERIES:
            for who in ("anna", "admin"):
                answer = await volumes.call("GET", f"{path}?{query}", who)
                assert answer.status_code < 500, (path, query, answer.text)
    for path in ("/volumes/", "/snapshots/", "/attachments/", "/types/", "/os-quota-sets/"):
        for name in ("%00", "%2e%2e%2fx", "x" * 3000, "%F0%9F%92%A5"):
            answer = await volumes.call("GET", path + name, "admin")
            assert answer.status_code < 500, (path, name, answer.text)
    limits = {"quota_set": {"volumes": 1}}
    assert (await volumes.call("PUT", "/os-quota-sets/" + "x" * 300, "admin", json=limits)).status_code == 400


async def test_hostile_names_are_kept_or_refused(volumes: VolumeCloud) -> None:
    for name in NAMES:
        for kind, path in (("volume", "/volumes"), ("volume_type", "/types")):
            body = json.dumps({kind: {"size": 1, "name": name, "description": name}}).encode()
            answer = await volumes.call("POST", path, "admin", content=body)
            assert answer.status_code in (200, 202, 400), (name, answer.text)
            if answer.status_code != 400:
                assert answer.json()[kind]["name"] == name


async def test_hostile_bodies_are_no_servers_fault(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    values: tuple[object, ...] = (
        None,
        5,
        "x",
        [],
        {},
        [{}],
        {"": ""},
        True,
        1e400,
        -1,
        "x" * 100_000,
        {"a": {"b": {"c": []}}},
    )
    keys = (
        "volume", "snapshot", "attachment", "volume_type", "metadata", "meta", "quota_set", "extra_specs", "os-extend",
        "os-attach", "os-detach", "os-reset_status", "os-volume_upload_image", "revert", "os-retype", "os-set_bootable",
        "os-set_image_metadata", "os-initialize_connection", "os-complete",
    )  # fmt: skip
    url = f"/volumes/{volume['id']}"
    places = (
        ("POST", "/volumes"), ("PUT", url), ("POST", f"{url}/action"), ("POST", f"{url}/metadata"),
        ("PUT", f"{url}/metadata/k"), ("POST", "/snapshots"), ("POST", "/attachments"), ("POST", "/types"),
        ("PUT", "/os-quota-sets/red"),
    )  # fmt: skip
    for method, path in places:
        for key in keys:
            for value in values:
                content = json.dumps({key: value}).encode()
                answer = await volumes.call(method, path, "admin", content=content)
                assert answer.status_code < 500, (method, path, key, value, answer.text)
                assert answer.status_code != 404, (method, path, key, value)
