"""A guest's size and disks: resized, rebuilt, copied, and given volumes."""

from typing import Any

import pytest

from tests.real.cloud import Guest, RealCloud, number

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

NANO_MIB, MICRO_MIB = 128, 256


async def memory_mib(guest: Guest) -> int:
    """What the guest's kernel sees, some less than it was given."""
    return number(await guest.inside("grep MemTotal /proc/meminfo")) // 1024


async def volume(cloud: RealCloud, **wanted: Any) -> str:
    """A volume of 1 GiB, available."""
    answer = await cloud.api.http.post("/volume/v3/volumes", json={"volume": {"size": 1, **wanted}})
    assert answer.status_code == 202, answer.text
    return await cloud.volume_is(answer.json()["volume"]["id"], "available")


async def attach(cloud: RealCloud, guest: Guest, volume_id: str) -> str:
    """The device it became, once it is in use."""
    body = {"volumeAttachment": {"volumeId": volume_id}}
    answer = await cloud.api.http.post(f"/compute/v2.1/servers/{guest.id}/os-volume_attachments", json=body)
    assert answer.status_code == 200, answer.text
    await cloud.volume_is(volume_id, "in-use")
    return str(answer.json()["volumeAttachment"]["device"])


async def detach(cloud: RealCloud, guest: Guest, volume_id: str) -> None:
    answer = await cloud.api.http.delete(f"/compute/v2.1/servers/{guest.id}/os-volume_attachments/{volume_id}")
    assert answer.status_code == 202, answer.text
    await cloud.volume_is(volume_id, "available")


async def test_a_resized_guest_sees_its_new_size_until_it_is_reverted(cloud: RealCloud) -> None:
    guest = await cloud.guest("growing")
    await guest.inside("echo kept >/root/mark; sync")
    assert await memory_mib(guest) < NANO_MIB

    await guest.act("resize", {"flavorRef": await cloud.api.flavor("m1.micro")}, until="VERIFY_RESIZE")
    await guest.says("tiny: boot finished", times=2)
    assert NANO_MIB < await memory_mib(guest) < MICRO_MIB
    await guest.act("revertResize")
    await guest.says("tiny: boot finished", times=3)
    assert await memory_mib(guest) < NANO_MIB

    await guest.act("resize", {"flavorRef": await cloud.api.flavor("m1.micro")}, until="VERIFY_RESIZE")
    pid = await guest.pid()
    server = await guest.act("confirmResize", ok=204)
    assert server["flavor"]["original_name"] == "m1.micro"
    assert await guest.pid() == pid
    await guest.says("tiny: boot finished", times=4)
    assert NANO_MIB < await memory_mib(guest) < MICRO_MIB
    assert await guest.inside("cat /root/mark") == "kept"
    await guest.delete()


async def test_a_rebuilt_guest_has_a_new_disk_and_its_old_address(cloud: RealCloud) -> None:
    guest = await cloud.guest("anew")
    address = await guest.fixed_address()
    await guest.inside("echo old >/root/mark; sync")
    boots = await guest.boots()

    await guest.act("rebuild", {"imageRef": await cloud.api.image("tiny")})
    await guest.says("tiny: boot finished", times=boots + 1)
    assert await guest.inside("cat /root/mark 2>/dev/null || echo none") == "none"
    assert await guest.fixed_address() == address
    await guest.delete()


async def test_a_snapshot_of_a_running_guest_boots_as_another_server(cloud: RealCloud) -> None:
    guest = await cloud.guest("original")
    await guest.inside("echo copied >/root/mark; sync")
    answer = await cloud.api.act(guest.id, "createImage", {"name": "copy"})
    image_id = answer.json()["image_id"]
    await cloud.api.until(guest.id, {"ACTIVE"})
    image = (await cloud.api.http.get(f"/image/v2/images/{image_id}")).json()
    assert (image["status"], image["disk_format"]) == ("active", "qcow2")
    assert await guest.boots() == 1
    await guest.delete()

    copy = await cloud.guest("copy", imageRef=image_id)
    assert await copy.inside("cat /root/mark") == "copied"
    assert await copy.inside("hostname") == "copy"
    await copy.delete()


async def test_a_volume_comes_to_a_running_guest_and_keeps_its_data_when_it_goes(cloud: RealCloud) -> None:
    before = await cloud.api.ledger()
    guest, store = await cloud.guest("carrier"), await volume(cloud)
    device = await attach(cloud, guest, store)
    name = device.removeprefix("/dev/")
    assert int(await guest.inside(f"cat /sys/block/{name}/size")) * 512 == 1 << 30
    await guest.inside(f"echo on the volume | dd of={device} 2>/dev/null; sync")

    await guest.act("reboot", {"type": "HARD"})
    await guest.says("tiny: boot finished", times=2)
    assert await guest.inside(f"head -n 1 {device}") == "on the volume"

    await detach(cloud, guest, store)
    assert await guest.inside(f"ls /sys/block | grep -c {name} || true") == "0"
    await guest.delete()

    other = await cloud.guest("other")
    device = await attach(cloud, other, store)
    assert await other.inside(f"head -n 1 {device}") == "on the volume"
    await other.delete()
    await cloud.volume_is(store, "available")
    assert (await cloud.api.http.delete(f"/volume/v3/volumes/{store}")).status_code == 202
    await cloud.volume_gone(store)
    assert await cloud.api.ledger() == before


async def test_a_guest_boots_from_a_volume_made_of_the_image(cloud: RealCloud) -> None:
    before = await cloud.api.ledger()
    mapping = {
        "boot_index": 0,
        "uuid": await cloud.api.image("tiny"),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    guest = await cloud.guest("from-volume", imageRef="", block_device_mapping_v2=[mapping])
    server = await guest.show()
    assert server["image"] == ""
    (attached,) = server["os-extended-volumes:volumes_attached"]
    await cloud.volume_is(attached["id"], "in-use")
    await guest.inside("echo on the volume >/root/mark; sync")

    await guest.act("reboot", {"type": "SOFT"})
    await guest.says("tiny: boot finished", times=2)
    assert await guest.inside("cat /root/mark") == "on the volume"
    await guest.delete()
    await cloud.volume_gone(attached["id"])
    assert await cloud.api.ledger() == before
