"""Power as the guest feels it: which QEMU process runs, what its console says, what its domain is made from."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.real.cloud import Guest, RealCloud, number

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

DOWN = "tiny: going down"


def shown_name(domain: ElementTree.Element) -> str:
    return next(str(element.text) for element in domain.iter() if element.tag.endswith("}name"))


def tap_index(domain: ElementTree.Element) -> int:
    """The kernel's number of the guest's network device: another one once it was made anew."""
    target = domain.find("devices/interface/target")
    assert target is not None
    return int(Path(f"/sys/class/net/{target.get('dev')}/ifindex").read_text())


async def rename(cloud: RealCloud, guest: Guest, name: str) -> None:
    answer = await cloud.api.http.put(f"/compute/v2.1/servers/{guest.id}", json={"server": {"name": name}})
    assert answer.status_code == 200, answer.text


async def test_the_three_reboots_are_three_different_things(cloud: RealCloud) -> None:
    guest = await cloud.guest("thrice")
    pid, domain = await guest.pid(), await guest.xml()
    await rename(cloud, guest, "renamed")

    # From inside: the machine restarts itself, QEMU stays.
    await guest.inside("reboot")
    console = await guest.says("tiny: boot finished", times=2)
    assert console.count(DOWN) == 1
    assert await guest.pid() == pid
    assert (await guest.show())["status"] == "ACTIVE"

    # Soft: the guest is asked to shut down, and started as it was defined.
    await guest.act("reboot", {"type": "SOFT"})
    console = await guest.says("tiny: boot finished", times=3)
    soft_pid, soft_domain = await guest.pid(), await guest.xml()
    assert console.count(DOWN) == 2
    assert soft_pid not in (None, pid)
    assert shown_name(soft_domain) == "thrice"
    assert tap_index(soft_domain) == tap_index(domain)

    # Hard: the plug is pulled, the domain defined anew from the record as it is now, the port connected afresh.
    before = tap_index(soft_domain)
    await guest.act("reboot", {"type": "HARD"})
    console = await guest.says("tiny: boot finished", times=4)
    hard_domain = await guest.xml()
    assert console.count(DOWN) == 2
    assert await guest.pid() not in (None, pid, soft_pid)
    assert shown_name(hard_domain) == "renamed"
    assert tap_index(hard_domain) != before
    assert await guest.inside("hostname") == "thrice"
    await guest.delete()


async def test_a_guest_that_powers_itself_off_is_shutoff_starts_again_and_is_stopped_cleanly(cloud: RealCloud) -> None:
    guest = await cloud.guest("tired")
    await guest.inside("poweroff")
    await cloud.api.until(guest.id, {"SHUTOFF"}, within_s=120)
    assert await guest.pid() is None

    await guest.act("os-start")
    await guest.says("tiny: boot finished", times=2)
    await guest.act("os-stop", until="SHUTOFF")
    assert await guest.pid() is None
    assert (await guest.console()).count(DOWN) == 2
    await guest.delete()


async def test_pause_and_suspend_keep_what_the_guest_was_doing(cloud: RealCloud) -> None:
    guest = await cloud.guest("still")
    pid, boot_id = await guest.pid(), await guest.inside("cat /proc/sys/kernel/random/boot_id")

    await guest.act("pause", until="PAUSED")
    assert await guest.pid() == pid
    await guest.act("unpause")
    uptime = number(await guest.inside("cat /proc/uptime"))

    await guest.act("suspend", until="SUSPENDED")
    assert await guest.pid() is None
    await guest.act("resume")
    assert await guest.pid() not in (None, pid)
    assert await guest.inside("cat /proc/sys/kernel/random/boot_id") == boot_id
    assert number(await guest.inside("cat /proc/uptime")) >= uptime
    await guest.delete()
