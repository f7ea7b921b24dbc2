"""Guests go between two libvirts on one machine: switched off with copies of their disks, or as they run."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kilonova.model.errors import GuestNotFound, HypervisorUnavailable
from kilonova.model.hypervisor import TAKES_GUESTS
from kilonova.model.ids import HostName
from kilonova.virt.config_drive import write_config_drive
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.guest import GuestSpec, LocalDisk, PowerState
from kilonova.virt.libvirt.daemon import PrivateDaemon
from kilonova.virt.libvirt.driver import LibvirtHypervisor
from kilonova.virt.libvirt.settings import LibvirtSettings, MoveSettings
from tests.loopback import own_loopback
from tests.virt.conftest import LibvirtRig
from tests.virt.guests import MARKER, guest_spec, image_info, says

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

HERE, THERE = HostName("here"), HostName("there")
OFF, RUNNING, PAUSED = PowerState.SHUTDOWN, PowerState.RUNNING, PowerState.PAUSED
# Where in a disk something is written, far from what boots.
PLACE = ("1M", "64k")


class Host:
    """A compute host of the test: its driver, its directory, and where it keeps a guest."""

    def __init__(self, name: HostName, state_dir: Path, *, shared: Path | None = None) -> None:
        self.name = name
        self.state_dir = state_dir
        moves = MoveSettings(address=own_loopback(), auto_converge=True)
        self.settings = LibvirtSettings(moves=moves, instances=shared)
        self.open()

    def open(self) -> None:
        self.hypervisor = LibvirtHypervisor(self.state_dir, self.name, settings=self.settings)

    @property
    def address(self) -> str:
        return self.hypervisor.address

    def file(self, spec: GuestSpec, name: str) -> Path:
        return (self.settings.instances or self.state_dir / "instances") / spec.id / name

    async def state(self, spec: GuestSpec) -> PowerState:
        return (await self.hypervisor.info(spec.id)).power_state


@asynccontextmanager
async def hosts(directory: Path, *, shared: Path | None = None) -> AsyncIterator[tuple[Host, Host]]:
    here = Host(HERE, directory / "here", shared=shared)
    there = Host(THERE, directory / "there", shared=shared)
    try:
        for host in (here, there):
            await host.hypervisor.start()
        yield here, there
    finally:
        for host in (here, there):
            for guest in await host.hypervisor.guests():
                await host.hypervisor.destroy(guest.id)
            await host.hypervisor.close()
            PrivateDaemon(host.state_dir / "libvirt", session=False).stop()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Host, Host]]:
    async with hosts(tmp_path) as made:
        yield made


def scribble(path: Path, pattern: int, at: tuple[str, str] = PLACE) -> None:
    command = ["qemu-io", "-c", f"write -P {pattern} {' '.join(at)}", str(path)]
    subprocess.run(command, check=True, capture_output=True)


def is_scribbled(path: Path, pattern: int) -> bool:
    command = ["qemu-io", "-r", "-U", "-c", f"read -P {pattern} {' '.join(PLACE)}", str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "Pattern verification failed" not in said


def roomy(image: Path, drive: Path) -> GuestSpec:
    """With a root, an ephemeral and a swap disk, and a config drive."""
    write_config_drive(drive, {"openstack/latest/meta_data.json": b"{}"})
    root = LocalDisk(size_gib=1, base=image, base_format="raw")
    extra = (LocalDisk(size_gib=1, role="ephemeral"), LocalDisk(size_gib=0, size_mib=64, role="swap"))
    return guest_spec(image, disks=(root, *extra), config_drive=drive)


async def running(host: Host, spec: GuestSpec) -> None:
    """Booted, with something in each of its disks that no image has."""
    await host.hypervisor.define(spec)
    for number, disk in enumerate(("root", "ephemeral0", "swap0"), start=1):
        path = host.file(spec, f"{disk}.qcow2")
        if path.exists():
            scribble(path, number)
    await host.hypervisor.power_on(spec.id)
    await says(host.hypervisor, spec.id, MARKER)


def assert_scribbled(host: Host, spec: GuestSpec) -> None:
    for number, disk in enumerate(("root", "ephemeral0", "swap0"), start=1):
        assert is_scribbled(host.file(spec, f"{disk}.qcow2"), number), disk


async def live(source: Host, target: Host, spec: GuestSpec) -> None:
    await target.hypervisor.expect(spec, source=source.name, address=source.address)
    await source.hypervisor.migrate_out(spec.id, to=target.name, address=target.address)


async def test_a_guest_that_is_off_comes_with_copies_of_its_disks(
    pair: tuple[Host, Host], image: Path, tmp_path: Path
) -> None:
    here, there = pair
    spec = roomy(image, tmp_path / "config.iso")
    await running(here, spec)
    await here.hypervisor.power_off(spec.id, grace_s=0)
    larger = LocalDisk(size_gib=2, base=image, base_format="raw")
    other_drive = tmp_path / "other.iso"
    write_config_drive(other_drive, {"openstack/latest/meta_data.json": b'{"new": 1}'})
    grown = replace(spec, disks=(larger, *spec.disks[1:]), config_drive=other_drive)
    for _ in range(2):
        await there.hypervisor.receive(grown, source=HERE, address=here.address)

    assert (await here.state(spec), await there.state(spec)) == (OFF, OFF)
    assert_scribbled(there, spec)
    assert image_info(there.file(spec, "root.qcow2"))["virtual-size"] == 2 << 30
    assert there.file(spec, "root.base").stat().st_ino == image.stat().st_ino
    assert there.file(spec, "config-2.iso").read_bytes() == here.file(spec, "config-2.iso").read_bytes()
    await there.hypervisor.power_on(spec.id)
    await says(there.hypervisor, spec.id, MARKER)
    await there.hypervisor.destroy(spec.id)
    assert_scribbled(here, spec)


async def test_what_a_disk_stands_on_comes_along_where_its_image_is_another_or_gone(
    pair: tuple[Host, Host], image: Path, tmp_path: Path
) -> None:
    here, there = pair
    wrong = tmp_path / "wrong.raw"
    wrong.write_bytes(bytes(4096))
    for offered in (None, wrong):
        spec = guest_spec(image)
        await running(here, spec)
        await here.hypervisor.power_off(spec.id, grace_s=0)
        disk = LocalDisk(size_gib=1, base=offered, base_format=None if offered is None else "raw")
        await there.hypervisor.receive(replace(spec, disks=(disk,)), source=HERE, address=here.address)
        await there.hypervisor.power_on(spec.id)
        await says(there.hypervisor, spec.id, MARKER)


@pytest.mark.parametrize("was", [RUNNING, PAUSED])
async def test_a_guest_that_moves_as_it_runs_goes_on_there_and_comes_back(
    pair: tuple[Host, Host], image: Path, tmp_path: Path, was: PowerState
) -> None:
    here, there = pair
    spec = roomy(image, tmp_path / "config.iso")
    await running(here, spec)
    if was is PAUSED:
        await here.hypervisor.pause(spec.id)
    await live(here, there, spec)
    assert (await here.state(spec), await there.state(spec)) == (OFF, was)
    # It did not boot again.
    assert MARKER not in await there.hypervisor.console_output(spec.id)
    await here.hypervisor.migrate_out(spec.id, to=THERE, address=there.address)

    for _ in range(2):
        await here.hypervisor.migrate_back(spec.id, other=THERE, address=there.address)
    assert (await here.state(spec), await there.state(spec)) == (was, OFF)
    assert (await here.hypervisor.console_output(spec.id)).count(MARKER) == 1
    await here.hypervisor.power_off(spec.id, grace_s=0)
    assert_scribbled(here, spec)


async def heavy(host: Host, image: Path, *, size: str) -> GuestSpec:
    """A running guest with so much on its disk."""
    spec = guest_spec(image, memory_mib=128)
    await host.hypervisor.define(spec)
    scribble(host.file(spec, "root.qcow2"), 9, at=("2M", size))
    await host.hypervisor.power_on(spec.id)
    await says(host.hypervisor, spec.id, MARKER)
    return spec


async def slowed(host: Host, **changes: Any) -> None:
    """Its guests leave at 1 MiB/s from now on."""
    host.settings = replace(host.settings, moves=replace(host.settings.moves, bandwidth_mib_s=1, **changes))
    await host.hypervisor.close()
    host.open()
    await host.hypervisor.start()


async def under_way(source: Host, target: Host, spec: GuestSpec) -> asyncio.Task[None]:
    """A move of which progress is told."""
    moving = asyncio.create_task(live(source, target, spec))
    async with asyncio.timeout(30):
        while (progress := await source.hypervisor.progress(spec.id)) is None:
            assert not moving.done()
            await asyncio.sleep(0.02)
    assert progress.disk_total + progress.memory_total > 0
    return moving


async def test_a_move_that_is_given_up_leaves_the_guest_where_it_is(pair: tuple[Host, Host], image: Path) -> None:
    here, there = pair
    await slowed(here)
    spec = await heavy(here, image, size="6M")
    moving = await under_way(here, there, spec)
    await here.hypervisor.migrate_back(spec.id, other=THERE, address=there.address)

    with pytest.raises(GuestOperationFailed):
        await moving
    assert (await here.state(spec), await there.state(spec)) == (RUNNING, OFF)
    assert await here.hypervisor.progress(spec.id) is None


async def test_a_host_goes_on_answering_while_a_guest_moves(pair: tuple[Host, Host], image: Path) -> None:
    here, there = pair
    await slowed(here)
    spec = await heavy(here, image, size="40M")
    moving = await under_way(here, there, spec)
    async with asyncio.timeout(20):
        for _ in range(200):
            assert await here.state(spec) is RUNNING

    assert not moving.done()
    await here.hypervisor.migrate_back(spec.id, other=THERE, address=there.address)
    await asyncio.gather(moving, return_exceptions=True)


@pytest.mark.parametrize("post_copy", [False, True])
async def test_a_slow_move_comes_to_its_end_when_told_and_the_guest_goes_on(
    pair: tuple[Host, Host], image: Path, post_copy: bool
) -> None:
    here, there = pair
    await slowed(here, post_copy=post_copy)
    spec = await heavy(here, image, size="2M")
    moving = await under_way(here, there, spec)
    await here.hypervisor.complete(spec.id)
    await moving

    assert (await here.state(spec), await there.state(spec)) == (OFF, RUNNING)


@pytest.mark.parametrize(("action", "ends"), [("abort", HERE), ("force_complete", THERE)])
async def test_a_move_that_takes_too_long_is_ended_as_configured(
    pair: tuple[Host, Host], image: Path, action: str, ends: HostName
) -> None:
    here, there = pair
    await slowed(here, completion_s_per_gib=0.1, timeout_action=action)
    spec = await heavy(here, image, size="4M")
    await asyncio.gather(live(here, there, spec), return_exceptions=True)

    assert [host.name for host in pair if await host.state(spec) is RUNNING] == [ends]


async def test_a_guest_nobody_knows_there_does_not_leave(pair: tuple[Host, Host], image: Path) -> None:
    here, there = pair
    spec = guest_spec(image)
    await running(here, spec)
    with pytest.raises(GuestNotFound):
        await here.hypervisor.migrate_out(spec.id, to=THERE, address=there.address)
    with pytest.raises(GuestNotFound):
        await there.hypervisor.receive(guest_spec(image), source=HERE, address=here.address)
    with pytest.raises(HypervisorUnavailable):
        await here.hypervisor.migrate_out(spec.id, to=THERE, address=own_loopback())

    assert await here.state(spec) is RUNNING


async def test_a_guest_whose_host_dies_under_a_move_runs_on_one_host_at_most(
    pair: tuple[Host, Host], image: Path
) -> None:
    here, there = pair
    spec = guest_spec(image)
    await running(here, spec)
    await there.hypervisor.expect(spec, source=HERE, address=here.address)
    moving = asyncio.create_task(here.hypervisor.migrate_out(spec.id, to=THERE, address=there.address))
    info = await here.hypervisor.info(spec.id)
    assert info.pid is not None
    await asyncio.sleep(0.2)
    os.kill(info.pid, signal.SIGKILL)
    await asyncio.gather(moving, return_exceptions=True)

    states = [await here.state(spec), await there.state(spec)]
    assert states.count(RUNNING) <= 1


async def test_only_a_host_that_others_reach_takes_guests(pair: tuple[Host, Host], libvirt_rig: LibvirtRig) -> None:
    here, _ = pair
    assert TAKES_GUESTS in (await here.hypervisor.facts()).traits
    assert TAKES_GUESTS not in (await libvirt_rig.hypervisor.facts()).traits


async def test_hosts_that_share_the_disks_copy_nothing_and_the_last_one_removes_them(
    image: Path, tmp_path: Path
) -> None:
    async with hosts(tmp_path, shared=tmp_path / "shared") as (here, there):
        spec = roomy(image, tmp_path / "config.iso")
        await running(here, spec)
        disk = here.file(spec, "root.qcow2")
        before = disk.stat().st_ino
        await live(here, there, spec)
        assert (await here.state(spec), await there.state(spec)) == (OFF, RUNNING)
        await here.hypervisor.destroy(spec.id)
        assert MARKER not in await there.hypervisor.console_output(spec.id)

        # Its host is lost: made anew from the same disks, while the other still knows it.
        await there.hypervisor.power_off(spec.id, grace_s=0)
        await here.hypervisor.define(spec)
        await there.hypervisor.destroy(spec.id)
        assert disk.stat().st_ino == before
        assert_scribbled(here, spec)
        grown = replace(spec, disks=(replace(spec.disks[0], size_gib=2), *spec.disks[1:]))
        await there.hypervisor.receive(grown, source=HERE, address=here.address)
        assert image_info(disk)["virtual-size"] == 2 << 30
        await there.hypervisor.destroy(spec.id)
        await here.hypervisor.power_on(spec.id)
        await says(here.hypervisor, spec.id, MARKER)
        await here.hypervisor.destroy(spec.id)
        assert not disk.parent.exists()


@pytest.mark.parametrize("victim", [HERE, THERE])
async def test_a_libvirtd_killed_under_a_move_leaves_the_guest_on_one_host_from_where_it_comes_back(
    pair: tuple[Host, Host], image: Path, victim: HostName
) -> None:
    here, there = pair
    await slowed(here)
    spec = await heavy(here, image, size="2M")
    moving = await under_way(here, there, spec)
    home = next(host for host in pair if host.name == victim).state_dir / "libvirt"
    os.kill(int((home / "run/libvirtd.pid").read_text()), signal.SIGKILL)
    await asyncio.gather(moving, return_exceptions=True)
    assert sorted([await here.state(spec), await there.state(spec)]) == [RUNNING, OFF]

    await here.hypervisor.migrate_back(spec.id, other=THERE, address=there.address)
    assert (await here.state(spec), await there.state(spec)) == (RUNNING, OFF)
