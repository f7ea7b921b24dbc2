"""Files that users give with a server below 2.57 (`personality`) are on its config drive."""

import base64
import io
import json
from typing import Any

import pycdlib

from tests.cloud.running import RunningCloud

OLD = {"OpenStack-API-Version": "compute 2.56"}


def given(**files: str) -> list[dict[str, str]]:
    return [
        {"path": f"/etc/{name}", "contents": base64.b64encode(text.encode()).decode()} for name, text in files.items()
    ]


def on_drive(cloud: RunningCloud, server: str, path: str) -> bytes | None:
    """A file of the server's config drive."""
    (drive,) = cloud.cloud.state.root.rglob(f"config-drives/{server}.iso")
    image = pycdlib.PyCdlib()
    image.open(str(drive))
    read = io.BytesIO()
    try:
        image.get_file_from_iso_fp(read, rr_path=f"/openstack/{path}")
    except pycdlib.pycdlibexception.PyCdlibInvalidInput:
        return None
    finally:
        image.close()
    return read.getvalue()


def told(cloud: RunningCloud, server: str) -> dict[str, Any]:
    drive = on_drive(cloud, server, "latest/meta_data.json")
    assert drive is not None
    return dict(json.loads(drive))


async def test_they_come_with_the_server_and_with_each_rebuild(cloud: RunningCloud) -> None:
    body = {
        "name": "one",
        "flavorRef": await cloud.flavor("m1.nano"),
        "imageRef": await cloud.image(),
        "networks": "none",
        "config_drive": True,
        "personality": given(motd="hello", empty=""),
    }
    made = await cloud.http.post("/compute/v2.1/servers", json={"server": body}, headers=OLD)
    assert made.status_code == 202, made.text
    server = made.json()["server"]["id"]
    await cloud.until(server, {"ACTIVE"})

    assert told(cloud, server)["files"] == [
        {"path": "/etc/motd", "content_path": "/content/0000"},
        {"path": "/etc/empty", "content_path": "/content/0001"},
    ]
    assert [on_drive(cloud, server, f"content/000{number}") for number in (0, 1)] == [b"hello", b""]

    await rebuilt(cloud, server, personality=given(motd="hello again"))
    assert told(cloud, server)["files"] == [{"path": "/etc/motd", "content_path": "/content/0000"}]
    assert on_drive(cloud, server, "content/0000") == b"hello again"

    await rebuilt(cloud, server)
    assert "files" not in told(cloud, server)
    assert on_drive(cloud, server, "content/0000") is None


async def rebuilt(cloud: RunningCloud, server: str, **more: Any) -> None:
    rebuild = {"imageRef": await cloud.image(), **more}
    path = f"/compute/v2.1/servers/{server}/action"
    answer = await cloud.http.post(path, json={"rebuild": rebuild}, headers=OLD)
    assert answer.status_code == 202, answer.text
    await cloud.until(server, {"ACTIVE"})


async def test_a_rebuild_may_not_bring_more_of_them_than_the_quota_allows(cloud: RunningCloud) -> None:
    server = (await cloud.active("one"))["id"]
    files = given(**{f"file{number}": "" for number in range(6)})
    rebuild = {"imageRef": await cloud.image(), "personality": files}
    path = f"/compute/v2.1/servers/{server}/action"
    answer = await cloud.http.post(path, json={"rebuild": rebuild}, headers=OLD)
    assert (answer.status_code, answer.json()["forbidden"]["message"]) == (403, "Personality file limit exceeded")
