"""Rebuild of a server that boots from a volume."""

from tests.cloud.running import RunningCloud


async def test_its_volume_gets_the_content_of_the_new_image(cloud: RunningCloud) -> None:
    first = await cloud.image()
    root = {
        "source_type": "image",
        "destination_type": "volume",
        "uuid": first,
        "volume_size": 1,
        "boot_index": 0,
        "delete_on_termination": True,
    }
    body = {"name": "two", "disk_format": "raw", "container_format": "bare"}
    second = (await cloud.http.post("/image/v2/images", json=body)).json()["id"]
    bits = {"Content-Type": "application/octet-stream"}
    await cloud.http.put(f"/image/v2/images/{second}/file", content=b"new" * 1000, headers=bits)
    server = await cloud.active("one", imageRef="", block_device_mapping_v2=[root])
    assert server["image"] == ""
    (volume,) = server["os-extended-volumes:volumes_attached"]

    path = f"/compute/v2.1/servers/{server['id']}/action"
    rebuild = {"rebuild": {"imageRef": second, "name": "anew"}}
    older = await cloud.http.post(path, json=rebuild, headers={"OpenStack-API-Version": "compute 2.92"})
    assert older.status_code == 400
    answer = await cloud.http.post(path, json=rebuild, headers={"OpenStack-API-Version": "compute 2.93"})
    assert (answer.status_code, answer.json()["server"]["image"]) == (202, "")
    after = await cloud.until(server["id"], {"ACTIVE", "ERROR"})

    assert (after["status"], after["name"], after["image"]) == ("ACTIVE", "anew", "")
    assert after["os-extended-volumes:volumes_attached"] == [volume]
    shown = (await cloud.http.get(f"/volume/v3/volumes/{volume['id']}")).json()["volume"]
    assert (shown["status"], shown["volume_image_metadata"]["image_id"]) == ("in-use", second)
    assert [one["server_id"] for one in shown["attachments"]] == [server["id"]]
