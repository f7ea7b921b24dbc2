"""Copies of servers: backups that are rotated, and images of servers that boot from volumes."""

from typing import Any

from tests.cloud.running import RunningCloud


async def images(cloud: RunningCloud) -> list[str]:
    found = (await cloud.http.get("/image/v2/images")).json()["images"]
    return sorted(image["name"] for image in found if image["name"] != "blank")


async def from_volume(cloud: RunningCloud) -> dict[str, Any]:
    root = {
        "boot_index": 0,
        "uuid": await cloud.image(),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    return await cloud.active("rooted", imageRef="", block_device_mapping_v2=[root])


async def test_of_the_backups_of_a_kind_only_the_newest_stay(cloud: RunningCloud) -> None:
    server = await cloud.active()
    for name, kind in (("one", "daily"), ("two", "daily"), ("three", "daily"), ("four", "weekly")):
        await cloud.act(server["id"], "createBackup", {"name": name, "backup_type": kind, "rotation": 2})
        await cloud.until(server["id"], {"ACTIVE"})

    assert await images(cloud) == ["four", "three", "two"]
    await cloud.act(server["id"], "createBackup", {"name": "five", "backup_type": "daily", "rotation": 0})
    await cloud.until(server["id"], {"ACTIVE"})
    assert await images(cloud) == ["four"]


async def test_an_image_of_a_server_that_boots_from_a_volume_boots_from_a_volume(cloud: RunningCloud) -> None:
    server = await from_volume(cloud)
    assert server["image"] == ""
    await cloud.act(server["id"], "createBackup", {"name": "no", "backup_type": "daily", "rotation": 1}, ok=400)
    answer = await cloud.act(server["id"], "createImage", {"name": "copy"})
    await cloud.until(server["id"], {"ACTIVE"})
    image = (await cloud.http.get(f"/image/v2/images/{answer.json()['image_id']}")).json()

    assert (image["status"], image["size"]) == ("active", 0)
    second = await cloud.active("second", imageRef=image["id"])
    assert second["image"] == ""
    (attached,) = second["os-extended-volumes:volumes_attached"]
    volume = (await cloud.http.get(f"/volume/v3/volumes/{attached['id']}")).json()["volume"]
    (snapshot,) = (await cloud.http.get("/volume/v3/snapshots")).json()["snapshots"]
    assert volume["snapshot_id"] == snapshot["id"]
    assert snapshot["name"] == "snapshot for rooted"

    # A volume with snapshots stays when its server goes.
    for one in (server, second):
        await cloud.delete(one["id"])
        await cloud.gone(one["id"])
    assert (await cloud.ledger())["claims"] == {}
    assert len((await cloud.http.get("/volume/v3/volumes")).json()["volumes"]) == 1
