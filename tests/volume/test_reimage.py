"""A volume made anew from another image."""

import os

from tests.volume.conftest import VolumeCloud
from tests.volume.test_volumes import raw_image

SERVER = "8f2a2d0e-11a4-4a6c-9d56-0e9d3e2f6a11"


async def content(volumes: VolumeCloud, volume_id: str, length: int) -> bytes:
    with volumes.path(volume_id).open("rb") as file:
        return file.read(length)


async def test_a_volume_gets_the_content_of_another_image(volumes: VolumeCloud) -> None:
    old, new = os.urandom(1000), os.urandom(2000)
    volume = await volumes.volume(imageRef=await raw_image(volumes, old))
    image_id = await raw_image(volumes, new)
    assert (await volumes.act(volume["id"], "os-reimage", image_id=image_id)).status_code == 400
    body = {"os-reimage": {"image_id": image_id}}
    answer = await volumes.call("POST", f"/volumes/{volume['id']}/action", minor=68, json=body)
    assert answer.status_code == 202
    settled = await volumes.settled(volume["id"])
    assert settled["status"] == "available"
    assert settled["volume_image_metadata"]["image_id"] == image_id
    assert await content(volumes, volume["id"], 2000) == new


async def test_one_a_server_holds_is_made_anew_only_where_that_is_said(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    bits = os.urandom(500)
    image_id = await raw_image(volumes, bits)
    await volumes.client.attachment_create(volume["id"], SERVER, "nova")
    path = f"/volumes/{volume['id']}/action"
    refused = await volumes.call("POST", path, minor=68, json={"os-reimage": {"image_id": image_id}})
    assert refused.status_code == 400
    await volumes.client.reimage(volume["id"], "nova", image_id)
    settled = await volumes.settled(volume["id"])
    assert settled["status"] == "reserved"
    assert await content(volumes, volume["id"], 500) == bits


async def test_an_image_that_does_not_fit_is_refused_and_the_volume_stays(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    big = await raw_image(volumes, b"x", min_disk=5)
    answer = await volumes.call(
        "POST", f"/volumes/{volume['id']}/action", minor=68, json={"os-reimage": {"image_id": big}}
    )
    assert answer.status_code == 400
    assert (await volumes.show(volume["id"]))["status"] == "available"
