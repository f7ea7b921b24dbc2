"""What only real QEMU under a private libvirtd can show."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from kilonova.aio.clock import SystemClock
from kilonova.image.tiny.build import cached_tiny
from kilonova.model.errors import DetachRefused
from kilonova.model.fitting.host import Fit, FittedCell
from kilonova.model.ids import GuestId, HostName
from kilonova.virt.config_drive import write_config_drive
from kilonova.virt.errors import GuestAgentMissing
from kilonova.virt.guest import GuestEventKind, GuestSpec, LocalDisk, PowerState
from kilonova.virt.image_cache import ImageCache
from kilonova.virt.libvirt.daemon import PrivateDaemon
from kilonova.virt.libvirt.disks import ImageTooLarge
from kilonova.virt.libvirt.driver import LibvirtHypervisor
from tests.images.store import image_store
from tests.virt.conftest import QUICK, LibvirtRig, libvirt
from tests.virt.guests import MARKER, event, guest_spec, nic, says, volume

pytestmark = pytest.mark.root


async def booted(rig: LibvirtRig, spec: GuestSpec) -> GuestId:
    await rig.hypervisor.define(spec)
    await rig.hypervisor.power_on(spec.id)
    await says(rig.hypervisor, spec.id, MARKER)
    return spec.id


async def pid_of(rig: LibvirtRig, guest: GuestId) -> int:
    pid = (await rig.hypervisor.info(guest)).pid
    assert pid is not None
    return pid


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def daemon_pid(rig: LibvirtRig) -> int:
    return int((rig.state_dir / "libvirt/run/libvirtd.pid").read_text())


def reaper_pid(rig: LibvirtRig) -> int:
    return int((rig.state_dir / "libvirt/reaper.pid").read_text())


async def test_a_real_guest_boots_and_says_so(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))

    assert os.readlink(f"/proc/{await pid_of(libvirt_rig, guest)}/exe").endswith("qemu-system-x86_64")


async def test_the_console_log_survives_power_off_and_suspend(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))

    await libvirt_rig.hypervisor.power_off(guest, grace_s=0)
    await libvirt_rig.hypervisor.power_on(guest)
    await says(libvirt_rig.hypervisor, guest, MARKER, times=2)
    await libvirt_rig.hypervisor.suspend(guest)
    await libvirt_rig.hypervisor.resume(guest)

    assert (await libvirt_rig.hypervisor.console_output(guest)).count(MARKER) == 2


async def test_a_killed_libvirtd_comes_back_and_finds_its_guests(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))
    pid = await pid_of(libvirt_rig, guest)
    events = libvirt_rig.hypervisor.events()

    os.kill(daemon_pid(libvirt_rig), signal.SIGKILL)

    await event(events, guest, GuestEventKind.STARTED)  # told anew over the new connection
    assert await pid_of(libvirt_rig, guest) == pid
    os.kill(pid, signal.SIGKILL)
    await event(events, guest, GuestEventKind.STOPPED)


async def test_a_call_during_the_daemons_absence_waits_for_its_return(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))

    os.kill(daemon_pid(libvirt_rig), signal.SIGKILL)

    assert (await libvirt_rig.hypervisor.info(guest)).power_state is PowerState.RUNNING


async def test_guests_outlive_the_death_of_everything_above_them(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))
    pid = await pid_of(libvirt_rig, guest)

    os.kill(reaper_pid(libvirt_rig), signal.SIGKILL)

    events = libvirt_rig.hypervisor.events()
    await event(events, guest, GuestEventKind.STARTED)
    assert await pid_of(libvirt_rig, guest) == pid


async def test_guests_outlive_a_stopped_daemon(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))
    pid = await pid_of(libvirt_rig, guest)
    reaper = reaper_pid(libvirt_rig)

    await libvirt_rig.hypervisor.close()
    os.kill(reaper, signal.SIGTERM)
    await libvirt_rig.reopen()

    assert await pid_of(libvirt_rig, guest) == pid
    assert reaper_pid(libvirt_rig) == reaper


async def test_nothing_is_left_running_after_the_last_guest(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))
    daemon, files = daemon_pid(libvirt_rig), libvirt_rig.state_dir / "instances" / guest
    assert files.exists()

    await libvirt_rig.hypervisor.destroy(guest)
    await libvirt_rig.hypervisor.close()

    assert not is_alive(daemon)
    assert not files.exists()
    await libvirt_rig.reopen()


async def test_the_screen_speaks_rfb(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))
    address = await libvirt_rig.hypervisor.console(guest, "vnc")

    reader, writer = await asyncio.open_unix_connection(address.unix_path)
    greeting = await reader.readexactly(12)
    writer.close()

    assert greeting.startswith(b"RFB 003.")


async def test_a_guest_that_ignores_the_request_keeps_its_volume(
    libvirt_rig: LibvirtRig, image: Path, tmp_path: Path
) -> None:
    guest, disk = await booted(libvirt_rig, guest_spec(image)), volume(tmp_path)
    await libvirt_rig.hypervisor.attach_volume(guest, disk)

    with pytest.raises(DetachRefused):
        await libvirt_rig.hypervisor.detach_volume(guest, disk.volume_id)

    assert (await libvirt_rig.hypervisor.diagnostics(guest))["num_disks"] == 2
    await libvirt_rig.hypervisor.power_off(guest, grace_s=0)
    await libvirt_rig.hypervisor.detach_volume(guest, disk.volume_id)
    await libvirt_rig.hypervisor.power_on(guest)
    assert (await libvirt_rig.hypervisor.diagnostics(guest))["num_disks"] == 1


async def test_a_password_needs_the_agent_in_the_guest(libvirt_rig: LibvirtRig, image: Path) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))

    with pytest.raises(GuestAgentMissing):
        await libvirt_rig.hypervisor.set_password(guest, user="root", password="s3cret")


async def test_a_disk_smaller_than_its_image_is_refused(libvirt_rig: LibvirtRig, tmp_path: Path) -> None:
    large = tmp_path / "large.raw"
    with large.open("wb") as file:
        file.truncate(2 << 30)

    with pytest.raises(ImageTooLarge):
        await libvirt_rig.hypervisor.define(guest_spec(large))


async def test_the_cache_keeps_what_a_guest_stands_on(libvirt_rig: LibvirtRig, image: Path, tmp_path: Path) -> None:
    cache = ImageCache(libvirt_rig.state_dir / "cache", clock=SystemClock())

    async def write(path: Path) -> None:
        shutil.copy(image, path)

    base = await cache.fetch(str(tmp_path), write)
    spec = guest_spec(base)
    await libvirt_rig.hypervisor.define(spec)

    assert await cache.expire(unused_for_s=-1) == []
    await libvirt_rig.hypervisor.destroy(spec.id)
    assert await cache.expire(unused_for_s=-1) == [base]


async def test_an_image_on_another_file_system_is_copied(libvirt_rig: LibvirtRig, image: Path) -> None:
    elsewhere = Path("/dev/shm") / f"kilonova-test-{os.getpid()}.raw"
    shutil.copy(image, elsewhere)
    try:
        spec = guest_spec(elsewhere)
        await libvirt_rig.hypervisor.define(spec)
    finally:
        elsewhere.unlink()

    await libvirt_rig.hypervisor.power_on(spec.id)
    await says(libvirt_rig.hypervisor, spec.id, MARKER)


async def test_a_deep_state_directory_is_no_hindrance(tmp_path: Path, image: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-for-a-directory"] * 4)

    async with libvirt(deep) as rig:
        guest = await booted(rig, guest_spec(image))
        address = await rig.hypervisor.console(guest, "serial")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(address.unix_path))


async def test_hostile_names_do_not_hinder_a_guest(libvirt_rig: LibvirtRig, image: Path) -> None:
    await booted(libvirt_rig, guest_spec(image, display_name="<b>\x00 &amp; ]]> \ud83d\ude00" + "x" * 255))


async def test_all_kinds_of_disks_at_once(libvirt_rig: LibvirtRig, image: Path, tmp_path: Path) -> None:
    drive = tmp_path / "config.iso"
    write_config_drive(drive, {"openstack/latest/meta_data.json": b"{}"})
    root = LocalDisk(size_gib=1, base=image, base_format="raw")
    extra = (LocalDisk(size_gib=1, role="ephemeral"), LocalDisk(size_gib=1, role="swap"), volume(tmp_path))
    for properties in ({}, {"hw_disk_bus": "scsi"}, {"hw_machine_type": "q35"}, {"hw_disk_bus": "ide"}):
        spec = guest_spec(image, disks=(root, *extra), config_drive=drive, properties=properties)
        if properties.get("hw_disk_bus") == "ide":
            spec = replace(spec, disks=(root, extra[0]))
        guest = await booted(libvirt_rig, spec)
        await libvirt_rig.hypervisor.destroy(guest)


async def test_a_rescued_guest_has_its_own_disk_behind_the_rescue_disk(libvirt_rig: LibvirtRig, image: Path) -> None:
    spec = guest_spec(image)
    guest = await booted(libvirt_rig, spec)
    rescue = replace(spec, disks=(LocalDisk(size_gib=2, base=image, base_format="raw"),))

    await libvirt_rig.hypervisor.rescue(guest, rescue)
    await says(libvirt_rig.hypervisor, guest, MARKER, times=2)
    assert (await libvirt_rig.hypervisor.diagnostics(guest))["num_disks"] == 2
    await libvirt_rig.hypervisor.unrescue(guest, spec)

    await says(libvirt_rig.hypervisor, guest, MARKER, times=3)
    assert (await libvirt_rig.hypervisor.diagnostics(guest))["num_disks"] == 1
    assert not list((libvirt_rig.state_dir / "instances" / guest).glob("rescue*"))


async def test_a_swapped_volume_has_the_content_and_may_be_larger(
    libvirt_rig: LibvirtRig, image: Path, tmp_path: Path
) -> None:
    disk, larger = volume(tmp_path), volume(tmp_path)
    content = b"kept" * 1000
    with disk.path.open("r+b") as file:
        file.write(content)
    os.truncate(larger.path, 1 << 30)
    spec = guest_spec(image)
    await libvirt_rig.hypervisor.define(spec)
    await libvirt_rig.hypervisor.power_on(spec.id)
    await libvirt_rig.hypervisor.attach_volume(spec.id, disk)

    await libvirt_rig.hypervisor.swap_volume(spec.id, disk.volume_id, larger, size_gib=1)

    with larger.path.open("rb") as file:
        assert file.read(len(content)) == content
    assert larger.path.stat().st_size == 1 << 30


async def test_guests_share_a_volume_that_allows_it(libvirt_rig: LibvirtRig, image: Path, tmp_path: Path) -> None:
    shared = replace(volume(tmp_path), shared=True)
    for spec in (guest_spec(image, disks=(guest_spec(image).disks[0], shared)), guest_spec(image)):
        guest = await booted(libvirt_rig, spec)
        await libvirt_rig.hypervisor.attach_volume(guest, shared)
        assert (await libvirt_rig.hypervisor.diagnostics(guest))["num_disks"] == 2


async def test_a_volume_comes_to_a_guest_whose_config_drive_is_on_the_same_bus(
    libvirt_rig: LibvirtRig, image: Path, tmp_path: Path
) -> None:
    drive = tmp_path / "config.iso"
    write_config_drive(drive, {"openstack/latest/meta_data.json": b"{}"})
    for machine in ("pc", "q35"):
        properties = {"hw_machine_type": machine, "hw_disk_bus": "scsi", "hw_cdrom_bus": "scsi"}
        guest = await booted(libvirt_rig, guest_spec(image, config_drive=drive, properties=properties))
        await libvirt_rig.hypervisor.attach_volume(guest, volume(tmp_path, device="/dev/sdb"))
        assert (await libvirt_rig.hypervisor.diagnostics(guest))["num_disks"] == 3


async def test_what_is_plugged_in_later_is_of_the_kind_the_image_asks_for(
    libvirt_rig: LibvirtRig, image: Path, tmp_path: Path
) -> None:
    spec = guest_spec(image, properties={"hw_disk_bus": "scsi", "hw_vif_model": "e1000"})
    guest = await booted(libvirt_rig, spec)

    await libvirt_rig.hypervisor.attach_volume(guest, volume(tmp_path))
    await libvirt_rig.hypervisor.attach_nic(guest, nic())

    settings = (libvirt_rig.state_dir / f"libvirt/etc/qemu/{spec.name}.xml").read_text()
    assert settings.count("<target dev='sdb' bus='scsi'/>") == 1
    assert settings.count("<model type='e1000'/>") == 2


async def test_nothing_of_a_destroyed_guest_is_left_on_disk(
    libvirt_rig: LibvirtRig, image: Path, tmp_path: Path
) -> None:
    spec = guest_spec(image)
    guest = await booted(libvirt_rig, spec)
    await libvirt_rig.hypervisor.suspend(guest)
    await libvirt_rig.hypervisor.keep_root(guest)

    await libvirt_rig.hypervisor.destroy(guest)

    left = [path for path in libvirt_rig.state_dir.rglob("*") if spec.name in path.name or spec.id in path.name]
    assert left == []


@pytest.fixture
def tap() -> Iterator[str]:
    name = f"kvt{os.getpid() % 100000}"
    subprocess.run(["ip", "tuntap", "add", "dev", name, "mode", "tap"], check=True)
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    yield name
    subprocess.run(["ip", "link", "del", name], check=True)


async def test_a_guest_is_plugged_into_the_tap_it_was_given(libvirt_rig: LibvirtRig, image: Path, tap: str) -> None:
    carrier = Path("/sys/class/net") / tap / "carrier"
    assert carrier.read_text().strip() == "0"

    guest = await booted(libvirt_rig, guest_spec(image, nics=(nic(tap),)))

    assert carrier.read_text().strip() == "1"
    await libvirt_rig.hypervisor.destroy(guest)
    assert carrier.read_text().strip() == "0"


_AS_NOBODY = """
import asyncio, sys
from pathlib import Path
from kilonova.model.ids import HostName
from kilonova.virt.libvirt.driver import LibvirtHypervisor
from tests.virt.guests import MARKER, guest_spec, says

async def main():
    hypervisor = LibvirtHypervisor(Path(sys.argv[1]), HostName("host-1"))
    await hypervisor.start()
    spec = guest_spec(Path(sys.argv[2]))
    await hypervisor.define(spec)
    await hypervisor.power_on(spec.id)
    print((await says(hypervisor, spec.id, MARKER)).strip())
    await hypervisor.destroy(spec.id)
    await hypervisor.close()

asyncio.run(main())
"""


def run_as_nobody(code: str, *arguments: str) -> str:
    """What Python prints for somebody without any rights; skips where nobody can read the interpreter."""
    drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"]
    paths = ":".join([str(Path.cwd() / "src"), str(Path.cwd()), *(p for p in sys.path if p.endswith("site-packages"))])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        # In two steps: setpriv itself may still enter directories that nobody may not.
        can_run = f"import kilonova, subprocess; subprocess.check_call([{python!r}, '-c', ''])"
        if subprocess.run([*drop, python, "-c", can_run], env=environment, capture_output=True).returncode == 0:
            return subprocess.check_output([*drop, python, "-c", code, *arguments], env=environment, text=True)
    pytest.skip("nobody can run this Python")


def test_without_root_guests_run_too(image: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Path("/tmp") / f"kilonova-test-{os.getpid()}"
    place.mkdir()
    try:
        shutil.copy(image, place / "image.raw")
        shutil.chown(place, "nobody")
        shutil.chown(place / "image.raw", "nobody")
        assert run_as_nobody(_AS_NOBODY, str(place / "state"), str(place / "image.raw")) == f"{MARKER}\n"
    finally:
        PrivateDaemon(place / "state/libvirt", session=True).stop()
        shutil.rmtree(place)


_START_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from kilonova.model.ids import HostName
from kilonova.virt.libvirt.driver import LibvirtHypervisor
from tests.virt.guests import guest_spec

async def main():
    hypervisor = LibvirtHypervisor(Path(sys.argv[1]), HostName("host-1"))
    await hypervisor.start()
    spec = guest_spec(Path(sys.argv[2]))
    await hypervisor.define(spec)
    await hypervisor.power_on(spec.id)
    print(spec.id, (await hypervisor.info(spec.id)).pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def start_and_die(state_dir: Path, image: Path) -> tuple[str, int]:
    """Start a guest and be killed; its id and pid."""
    environment = {**os.environ, "PYTHONPATH": "."}
    command = [sys.executable, "-c", _START_AND_DIE, str(state_dir), str(image)]
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert ended.returncode == -signal.SIGKILL
    guest, pid = ended.stdout.split()
    return guest, int(pid)


async def test_guests_of_a_killed_process_run_on_and_are_found(image: Path, tmp_path: Path) -> None:
    guest, pid = start_and_die(tmp_path, image)

    async with libvirt(tmp_path) as rig:
        [found] = await rig.hypervisor.guests()

    assert (found.id, found.power_state, found.pid) == (guest, PowerState.RUNNING, pid)


# A whole Linux, for what only a guest with an operating system can do


@pytest.fixture
async def linux(libvirt_rig: LibvirtRig) -> GuestSpec:
    """A tiny Linux at its login prompt."""
    tiny = await cached_tiny(image_store())
    disk = LocalDisk(size_gib=1, base=tiny, base_format="qcow2")
    spec = guest_spec(tiny, memory_mib=128, disks=(disk,))
    await libvirt_rig.hypervisor.define(spec)
    await libvirt_rig.hypervisor.power_on(spec.id)
    await says(libvirt_rig.hypervisor, spec.id, "login:", within_s=120)
    return spec


@pytest.mark.slow
async def test_linux_lets_devices_come_and_go_and_obeys_the_power_button(
    libvirt_rig: LibvirtRig, linux: GuestSpec, tmp_path: Path
) -> None:
    hypervisor, disk, card = libvirt_rig.hypervisor, volume(tmp_path), nic()
    for _ in range(2):
        await hypervisor.attach_volume(linux.id, disk)
        await hypervisor.detach_volume(linux.id, disk.volume_id)
    await hypervisor.attach_nic(linux.id, card)
    await hypervisor.detach_nic(linux.id, card.port_id)

    began = time.monotonic()
    await hypervisor.power_off(linux.id, grace_s=120)

    assert time.monotonic() - began < 120  # it went by itself, nobody pulled the plug
    assert (await hypervisor.info(linux.id)).power_state is PowerState.SHUTDOWN


@pytest.mark.slow
async def test_linux_keeps_its_data_through_a_live_snapshot(
    libvirt_rig: LibvirtRig, linux: GuestSpec, tmp_path: Path
) -> None:
    snapshot = tmp_path / "snapshot.qcow2"
    await libvirt_rig.hypervisor.snapshot(linux.id, snapshot)
    await libvirt_rig.hypervisor.destroy(linux.id)

    copy = guest_spec(snapshot, memory_mib=128, disks=(LocalDisk(size_gib=1, base=snapshot, base_format="qcow2"),))
    await libvirt_rig.hypervisor.define(copy)
    await libvirt_rig.hypervisor.power_on(copy.id)

    await says(libvirt_rig.hypervisor, copy.id, "login:", within_s=120)


async def test_two_state_directories_do_not_see_each_other(
    libvirt_rig: LibvirtRig, image: Path, tmp_path: Path
) -> None:
    guest = await booted(libvirt_rig, guest_spec(image))

    other = LibvirtHypervisor(tmp_path, HostName("host-2"), settings=QUICK)
    await other.start()
    try:
        assert await other.guests() == []
        daemon = int((tmp_path / "libvirt/run/libvirtd.pid").read_text())
    finally:
        await other.close()
    assert not is_alive(daemon)
    assert (await libvirt_rig.hypervisor.info(guest)).power_state is PowerState.RUNNING


async def test_a_guest_has_the_cells_it_was_given_and_stays_on_their_cpus(libvirt_rig: LibvirtRig, image: Path) -> None:
    cells = tuple(
        FittedCell(host_cell=0, pinning={cpu: cpu % (os.cpu_count() or 1)}, memory_mib=32) for cpu in range(2)
    )
    fit = Fit(cells=cells, emulator=frozenset({0}))
    guest = await booted(libvirt_rig, guest_spec(image, vcpus=2, memory_mib=64, fit=fit))

    pid = await pid_of(libvirt_rig, guest)
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    nodes = [words[index + 1] for index, word in enumerate(words) if word == "-numa"]
    assert [node.split(",")[:3] for node in nodes] == [["node", "nodeid=0", "cpus=0"], ["node", "nodeid=1", "cpus=1"]]
    threads = {(path / "comm").read_text().strip(): int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()}
    for number, cell in enumerate(cells):
        assert os.sched_getaffinity(threads[f"CPU {number}/TCG"]) == {cell.pinning[number]}


async def test_this_machine_tells_of_its_cells(libvirt_rig: LibvirtRig) -> None:
    hardware = (await libvirt_rig.hypervisor.facts()).hardware

    assert hardware is not None
    assert hardware.topology is not None
    cells = hardware.topology.cells
    online = {int(path.name.removeprefix("node")) for path in Path("/sys/devices/system/node").glob("node[0-9]*")}
    assert {cell.id for cell in cells} == online
    assert sum(len(cell.shared) for cell in cells) == os.cpu_count()
    assert all(cell.memory_mib > 0 and 4 in {pages.size_kib for pages in cell.pages} for cell in cells)
