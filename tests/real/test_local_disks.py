"""What a guest has beside its root disk, how it is rescued when that is broken, and its IPv6 address."""

import pytest

from tests.real.cloud import BOOTED, Guest, RealCloud

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SWAP_MIB = 64


async def roomy(cloud: RealCloud) -> str:
    """The name of a flavor with an ephemeral disk and swap."""
    flavor = {"name": "roomy", "vcpus": 1, "ram": 128, "disk": 1, "OS-FLV-EXT-DATA:ephemeral": 1, "swap": SWAP_MIB}
    made = await cloud.api.admin.post("/compute/v2.1/flavors", json={"flavor": flavor})
    assert made.is_success, made.text
    return "roomy"


async def speak_six(cloud: RealCloud) -> str:
    """An IPv6 subnet on the network `private`, by way of its router; its id."""
    network = await cloud.api.network()
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    wanted = {"network_id": network, "ip_version": 6, "cidr": "fd00:11::/64", **modes}
    subnet_id = (await cloud.network_call("POST", "/subnets", subnet=wanted))["subnet"]["id"]
    (router,) = (await cloud.network_call("GET", "/routers?name=router1"))["routers"]
    await cloud.network_call("PUT", f"/routers/{router['id']}/add_router_interface", subnet_id=subnet_id)
    return str(subnet_id)


async def test_a_guest_can_use_its_swap_its_ephemeral_disk_and_its_ipv6_address_at_once(cloud: RealCloud) -> None:
    subnet_id = await speak_six(cloud)
    guest = await cloud.guest("roomy", flavor=await roomy(cloud))

    assert await guest.inside("swapon /dev/vdc && awk '$1 == \"/dev/vdc\" {print $3}' /proc/swaps") == str(
        SWAP_MIB * 1024 - 4
    )
    await guest.inside("mkdir /mnt/more && mount -t vfat /dev/vdb /mnt/more && echo mine >/mnt/more/x && sync")
    assert await guest.inside("dd if=/dev/vdb bs=1 skip=71 count=10 2>/dev/null || true") == "ephemeral0"
    ports = (await cloud.network_call("GET", f"/ports?device_id={guest.id}"))["ports"]
    (own,) = [one["ip_address"] for one in ports[0]["fixed_ips"] if one["subnet_id"] == subnet_id]
    assert own in [entry["addr"] for entry in (await guest.show())["addresses"]["private"]]
    seen = await guest.inside(
        "n=0; until ip -6 route | grep default || [ $((n+=1)) = 30 ]; do sleep 1; done; ip -6 addr"
    )
    assert "default via fe80:" in seen
    assert f"{own}/64" in seen
    await guest.delete()


async def test_a_rescued_guest_mends_its_own_disk_from_another_system(cloud: RealCloud) -> None:
    guest = await cloud.guest("broken")
    await guest.inside("echo broken >/root/mark; sync")

    await guest.act("rescue", {}, until="RESCUE", ok=200)
    await rebooted(guest, times=2)
    assert await guest.inside("cat /root/mark 2>/dev/null || echo none") == "none"
    mend = "mkdir /own && mount /dev/vdb2 /own && cat /own/root/mark && echo mended >/own/root/mark && umount /own"
    assert await guest.inside(mend) == "broken"

    await guest.act("unrescue")
    await rebooted(guest, times=3)
    assert await guest.inside("cat /root/mark; ls /sys/block | grep -c vdb || true") == "mended\n0"
    await guest.delete()


async def rebooted(guest: Guest, *, times: int) -> None:
    await guest.says(BOOTED, times=times)
