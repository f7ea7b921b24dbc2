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
    device = str(answer.json()["volumeAttachment"]["device"])
    volume = (await cloud.api.http.get(f"/volume/v3/volumes/{volume_id}")).json()["volume"]
    assert [one["device"] for one in volume["attachments"]] == [device]
    # Its kernel takes a moment to find it.
    await guest.inside(f"until [ -b {device} ]; do sleep 0.1; done")
    return device


async def detach(cloud: RealCloud, guest: Guest, volume_id: str) -> None:
    answer = await cloud.api.http.delete(f"/compute/v2.1/servers/{guest.id}/os-volume_attachments/{volume_id}")
    assert answer.status_code == 202, answer.text
    await cloud.volume_is(volume_id, "available")


async def test_a_resized_guest_sees_its_new_size_until_it_is_reverted(cloud: RealCloud) -> None:
    guest = await cloud.guest("growing")
    await guest.inside("echo kept >/root/mark; sync")
    assert await memory_mib(guest) < NANO_MIB
    for end, code, at_least, below in (("revertResize", 202, 0, NANO_MIB), ("confirmResize", 204, NANO_MIB, MICRO_MIB)):
        pid = await guest.pid()
        await guest.act("resize", {"flavorRef": await cloud.api.flavor("m1.micro")}, until="VERIFY_RESIZE")
        resized_pid = await guest.pid()
        assert resized_pid not in (None, pid)
        server = await guest.act(end, ok=code)
        assert (await guest.pid() == resized_pid) is (end == "confirmResize")
        assert server["flavor"]["ram"] == (MICRO_MIB if end == "confirmResize" else NANO_MIB)
        assert at_least < await memory_mib(guest) < below
        assert await guest.inside("cat /root/mark") == "kept"
    await guest.delete()


async def test_a_snapshot_of_a_running_guest_boots_as_another_which_a_rebuild_makes_new(cloud: RealCloud) -> None:
    guest = await cloud.guest("original")
    pid = await guest.pid()
    await guest.inside("echo copied >/root/mark; sync")
    answer = await cloud.api.act(guest.id, "createImage", {"name": "copy"})
    image_id = answer.json()["image_id"]
    await cloud.api.until(guest.id, {"ACTIVE"})
    image = (await cloud.api.http.get(f"/image/v2/images/{image_id}")).json()
    assert (image["status"], image["disk_format"]) == ("active", "qcow2")
    assert await guest.pid() == pid
    await guest.delete()

    copy = await cloud.guest("copy", imageRef=image_id)
    assert await copy.inside("cat /root/mark; hostname") == "copied\ncopy"

    address, pid = await copy.fixed_address(), await copy.pid()
    await copy.act("rebuild", {"imageRef": await cloud.api.image("tiny")})
    assert await copy.pid() not in (None, pid)
    assert await copy.inside("cat /root/mark 2>/dev/null || echo none") == "none"
    assert await copy.fixed_address() == address
    await copy.delete()


async def test_a_guest_boots_from_a_volume_and_is_given_another_while_it_runs(cloud: RealCloud) -> None:
    before = await cloud.api.ledger()
    mapping = {
        "boot_index": 0,
        "uuid": await cloud.api.image("tiny"),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    guest, store = await cloud.guest("carrier", imageRef="", block_device_mapping_v2=[mapping]), await volume(cloud)
    server = await guest.show()
    (root,) = server["os-extended-volumes:volumes_attached"]
    assert server["image"] == ""
    await cloud.volume_is(root["id"], "in-use")

    device = await attach(cloud, guest, store)
    name = device.removeprefix("/dev/")
    assert await guest.inside(f"cat /sys/block/{name}/size") == str((1 << 30) // 512)
    await guest.inside(f"echo here >/root/mark; echo there | dd of={device} 2>/dev/null; sync")

    # Both are connected afresh, and have what was written.
    await guest.act("reboot", {"type": "HARD"})
    await guest.says("tiny: boot finished", times=2)
    assert await guest.inside(f"cat /root/mark; head -n 1 {device}") == "here\nthere"

    await detach(cloud, guest, store)
    assert await guest.inside(f"ls /sys/block | grep -c {name} || true") == "0"
    device = await attach(cloud, guest, store)
    assert await guest.inside(f"head -n 1 {device}") == "there"

    await guest.delete()
    await cloud.volume_gone(root["id"])
    await cloud.volume_is(store, "available")
    assert (await cloud.api.http.delete(f"/volume/v3/volumes/{store}")).status_code == 202
    await cloud.volume_gone(store)
    assert await cloud.api.ledger() == before
