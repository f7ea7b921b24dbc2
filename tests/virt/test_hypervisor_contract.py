"""What every hypervisor promises, asked of the simulated one and of real QEMU alike."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kilonova.model.errors import ConsoleUnavailable, GuestNotFound, GuestNotRunning
from kilonova.model.ids import GuestId
from kilonova.virt import hypervisor as abilities
from kilonova.virt.errors import GuestMustBeOff
from kilonova.virt.guest import GuestEventKind, GuestSpec, LocalDisk, PowerState
from tests.virt.conftest import Rig
from tests.virt.guests import event, guest_spec, image_info, nic, says, volume

NOBODY = GuestId(str(uuid.uuid4()))


async def running(rig: Rig, spec: GuestSpec) -> GuestId:
    await rig.hypervisor.define(spec)
    await rig.hypervisor.power_on(spec.id)
    return spec.id


async def state(rig: Rig, guest: GuestId) -> PowerState:
    return (await rig.hypervisor.info(guest)).power_state


def able(rig: Rig) -> Any:
    """The rig's hypervisor for calls of abilities, which `test_…_has_every_ability` shows it has."""
    return rig.hypervisor


async def test_it_has_every_ability(rig: Rig) -> None:
    for ability in (
        abilities.Pausing,
        abilities.Suspending,
        abilities.Snapshotting,
        abilities.Resizing,
        abilities.Rescuing,
        abilities.CrashDumping,
        abilities.PasswordSetting,
        abilities.Diagnosing,
        abilities.VolumeSwapping,
    ):
        assert isinstance(rig.hypervisor, ability)


async def test_a_defined_guest_is_off_until_it_is_powered_on(rig: Rig, image: Path) -> None:
    spec = guest_spec(image)
    events = rig.hypervisor.events()

    await rig.hypervisor.define(spec)
    assert await state(rig, spec.id) is PowerState.SHUTDOWN
    await rig.hypervisor.power_on(spec.id)

    await event(events, spec.id, GuestEventKind.STARTED)
    assert await state(rig, spec.id) is PowerState.RUNNING


async def test_powering_off_ends_the_guest_and_is_told(rig: Rig, image: Path) -> None:
    guest = await running(rig, guest_spec(image))
    events = rig.hypervisor.events()

    await rig.hypervisor.power_off(guest, grace_s=0.2)

    await event(events, guest, GuestEventKind.STOPPED)
    assert await state(rig, guest) is PowerState.SHUTDOWN


async def test_everything_may_be_said_twice(rig: Rig, image: Path, tmp_path: Path) -> None:
    spec, disk, card = guest_spec(image), volume(tmp_path), nic()
    hypervisor = rig.hypervisor
    for _ in range(2):
        await hypervisor.define(spec)
    for _ in range(2):
        await hypervisor.attach_volume(spec.id, disk)
    for _ in range(2):
        await hypervisor.attach_nic(spec.id, card)
    for _ in range(2):
        await hypervisor.power_on(spec.id)
    for call in (able(rig).pause, able(rig).unpause, able(rig).suspend, able(rig).resume):
        for _ in range(2):
            await call(spec.id)
    for _ in range(2):
        await hypervisor.power_off(spec.id, grace_s=0)
    for _ in range(2):
        await hypervisor.detach_volume(spec.id, disk.volume_id)
    for _ in range(2):
        await hypervisor.detach_nic(spec.id, card.port_id)
    for _ in range(2):
        await hypervisor.destroy(spec.id)

    assert spec.id not in {guest.id for guest in await hypervisor.guests()}


async def test_a_running_guests_volume_comes_to_lie_elsewhere_and_back(rig: Rig, image: Path, tmp_path: Path) -> None:
    disk, other = volume(tmp_path), volume(tmp_path)
    guest = await running(rig, guest_spec(image))
    await rig.hypervisor.attach_volume(guest, disk)
    for to in (other, other, disk):
        await able(rig).swap_volume(guest, disk.volume_id, to, size_gib=0)
    # It is the same disk for all who know it by its volume.
    await rig.hypervisor.attach_volume(guest, disk)
    await rig.hypervisor.power_off(guest, grace_s=0)
    await rig.hypervisor.detach_volume(guest, disk.volume_id)

    with pytest.raises(GuestNotRunning):
        await able(rig).swap_volume(guest, disk.volume_id, other, size_gib=0)


async def test_a_guest_that_does_not_exist_is_said_to(rig: Rig, tmp_path: Path) -> None:
    hypervisor = able(rig)
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: hypervisor.info(NOBODY),
        lambda: hypervisor.power_on(NOBODY),
        lambda: hypervisor.power_off(NOBODY, grace_s=1),
        lambda: hypervisor.attach_volume(NOBODY, volume(tmp_path)),
        lambda: hypervisor.attach_nic(NOBODY, nic()),
        lambda: hypervisor.console_output(NOBODY),
        lambda: hypervisor.console(NOBODY, "vnc"),
        lambda: hypervisor.swap_volume(NOBODY, volume(tmp_path).volume_id, volume(tmp_path), size_gib=1),
        lambda: hypervisor.pause(NOBODY),
        lambda: hypervisor.suspend(NOBODY),
        lambda: hypervisor.diagnostics(NOBODY),
    ]
    for attempt in attempts:
        with pytest.raises(GuestNotFound):
            await attempt()


async def test_destroying_is_happy_to_find_nothing(rig: Rig) -> None:
    await rig.hypervisor.destroy(NOBODY)


async def test_pausing_holds_the_guest_and_unpausing_lets_it_go(rig: Rig, image: Path) -> None:
    guest = await running(rig, guest_spec(image))

    await able(rig).pause(guest)
    assert await state(rig, guest) is PowerState.PAUSED
    await able(rig).unpause(guest)

    assert await state(rig, guest) is PowerState.RUNNING


async def test_only_a_running_guest_can_be_paused(rig: Rig, image: Path) -> None:
    spec = guest_spec(image)
    await rig.hypervisor.define(spec)

    with pytest.raises(GuestNotRunning):
        await able(rig).pause(spec.id)


async def test_a_suspended_guest_goes_on_where_it_was(rig: Rig, image: Path) -> None:
    guest = await running(rig, guest_spec(image))
    events = rig.hypervisor.events()

    await able(rig).suspend(guest)
    await event(events, guest, GuestEventKind.SUSPENDED)
    assert await state(rig, guest) is PowerState.SUSPENDED
    await able(rig).resume(guest)

    assert await state(rig, guest) is PowerState.RUNNING


async def test_powering_off_a_suspended_guest_forgets_its_memory(rig: Rig, image: Path) -> None:
    guest = await running(rig, guest_spec(image))
    await able(rig).suspend(guest)

    await rig.hypervisor.power_off(guest, grace_s=0)

    assert await state(rig, guest) is PowerState.SHUTDOWN


@pytest.mark.parametrize("runs", [True, False], ids=["running", "off"])
async def test_a_snapshot_stands_alone(rig: Rig, image: Path, tmp_path: Path, runs: bool) -> None:
    spec = guest_spec(image)
    await rig.hypervisor.define(spec)
    if runs:
        await rig.hypervisor.power_on(spec.id)

    for _ in range(2):
        await able(rig).snapshot(spec.id, tmp_path / "snapshot.qcow2")

    told = image_info(tmp_path / "snapshot.qcow2")
    assert told["format"] == "qcow2"
    assert told["virtual-size"] == 1 << 30
    assert "backing-filename" not in told


async def test_a_root_disk_kept_aside_comes_back(rig: Rig, image: Path, tmp_path: Path) -> None:
    spec = guest_spec(image)
    hypervisor = able(rig)
    await hypervisor.define(spec)

    for _ in range(2):
        await hypervisor.keep_root(spec.id)
        await hypervisor.grow_root(spec.id, size_gib=2)
    for _ in range(2):
        await hypervisor.restore_root(spec.id)

    await hypervisor.snapshot(spec.id, tmp_path / "snapshot.qcow2")
    told = image_info(tmp_path / "snapshot.qcow2")
    assert told["virtual-size"] == 1 << 30


async def test_a_root_disk_dropped_does_not_come_back(rig: Rig, image: Path, tmp_path: Path) -> None:
    spec = guest_spec(image)
    hypervisor = able(rig)
    await hypervisor.define(spec)
    await hypervisor.keep_root(spec.id)
    await hypervisor.grow_root(spec.id, size_gib=2)

    for _ in range(2):
        await hypervisor.drop_kept_root(spec.id)
    await hypervisor.restore_root(spec.id)

    await hypervisor.snapshot(spec.id, tmp_path / "snapshot.qcow2")
    told = image_info(tmp_path / "snapshot.qcow2")
    assert told["virtual-size"] == 2 << 30


async def test_the_root_disk_of_a_running_guest_is_not_swapped(rig: Rig, image: Path) -> None:
    guest = await running(rig, guest_spec(image))

    with pytest.raises(GuestMustBeOff):
        await able(rig).keep_root(guest)


async def test_rescue_starts_another_disk_and_unrescue_the_own_one(rig: Rig, image: Path) -> None:
    spec = guest_spec(image)
    guest = await running(rig, spec)
    rescue = replace(spec, disks=(LocalDisk(size_gib=0, base=image, base_format="raw"), *spec.disks))

    for _ in range(2):
        await able(rig).rescue(guest, rescue)
    assert await state(rig, guest) is PowerState.RUNNING
    for _ in range(2):
        await able(rig).unrescue(guest, spec)

    assert await state(rig, guest) is PowerState.RUNNING


async def test_a_console_is_offered_by_the_kinds_there_are_while_the_guest_runs(rig: Rig, image: Path) -> None:
    spec = guest_spec(image)
    await rig.hypervisor.define(spec)
    with pytest.raises(GuestNotRunning):
        await rig.hypervisor.console(spec.id, "vnc")
    await rig.hypervisor.power_on(spec.id)

    assert (await rig.hypervisor.console(spec.id, "vnc")).kind == "vnc"
    assert (await rig.hypervisor.console(spec.id, "serial")).kind == "serial"
    with pytest.raises(ConsoleUnavailable):
        await rig.hypervisor.console(spec.id, "xvpvnc")


async def test_the_console_log_ends_with_its_last_lines(rig: Rig, image: Path) -> None:
    guest = await running(rig, guest_spec(image))
    console = await says(rig.hypervisor, guest, "\n")

    assert await rig.hypervisor.console_output(guest, lines=1) == console.splitlines(keepends=True)[-1]
    assert await rig.hypervisor.console_output(guest, lines=0) == ""


async def test_diagnostics_count_what_the_guest_has(rig: Rig, image: Path, tmp_path: Path) -> None:
    spec = guest_spec(image, vcpus=2)
    guest = await running(rig, spec)
    await rig.hypervisor.attach_volume(guest, volume(tmp_path))

    told = await able(rig).diagnostics(guest)

    assert (told["state"], told["num_cpus"], told["num_nics"], told["num_disks"]) == ("running", 2, 1, 2)
    assert told["memory_details"]["maximum"] == 16
    assert told["nic_details"][0]["mac_address"] == spec.nics[0].mac


async def test_guests_outlive_their_hypervisor_and_are_found_again(rig: Rig, image: Path) -> None:
    on, off = guest_spec(image), guest_spec(image)
    await running(rig, on)
    await rig.hypervisor.define(off)
    before = await rig.hypervisor.info(on.id)

    again = await rig.reopen()

    assert await again.info(on.id) == before
    assert {guest.id: guest.power_state for guest in await again.guests()} == {
        on.id: PowerState.RUNNING,
        off.id: PowerState.SHUTDOWN,
    }


async def test_a_guest_that_ends_by_itself_is_told(rig: Rig, image: Path) -> None:
    guest = await running(rig, guest_spec(image))
    events = rig.hypervisor.events()

    await rig.stop_from_inside(guest)

    await event(events, guest, GuestEventKind.STOPPED)
    assert await state(rig, guest) is PowerState.SHUTDOWN


async def test_the_host_tells_what_it_has(rig: Rig) -> None:
    facts = await rig.hypervisor.facts()

    assert facts.hypervisor_hostname == "host-1"
    assert min(facts.vcpus, facts.memory_mib, facts.disk_gib) > 0
    assert "COMPUTE_NODE" in facts.traits
