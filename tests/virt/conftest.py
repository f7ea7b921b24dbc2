"""The two hypervisors, each as a rig that can also be left and come back to."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.model.ids import GuestId, HostName
from kilonova.virt.hypervisor import Hypervisor
from kilonova.virt.libvirt.daemon import PrivateDaemon
from kilonova.virt.libvirt.driver import LibvirtHypervisor
from kilonova.virt.libvirt.settings import LibvirtSettings
from kilonova.virt.simulated import SimulatedFleet
from tests.virt.guests import write_boot_image

# Refusals are awaited in full, so they had better be quick.
QUICK = LibvirtSettings(detach_attempts=1, detach_wait_s=0.2)


class Rig(Protocol):
    """A hypervisor of either kind, and what a test may do to it from outside."""

    @property
    def hypervisor(self) -> Hypervisor: ...

    async def reopen(self) -> Hypervisor:
        """Leave it, guests and all, and start another on the same state."""

    async def stop_from_inside(self, guest: GuestId) -> None:
        """End the guest behind the hypervisor's back."""


class SimulatedRig:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self.fleet = SimulatedFleet(self._path, clock=SystemClock())
        self.hypervisor = self.fleet.host("host-1", vcpus=8, memory_mib=16384, disk_gib=100)

    async def reopen(self) -> Hypervisor:
        self.fleet.close()
        self._open()
        await self.hypervisor.start()
        return self.hypervisor

    async def stop_from_inside(self, guest: GuestId) -> None:
        self.hypervisor.stop_from_inside(guest)


class LibvirtRig:
    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._open()

    def _open(self) -> None:
        self.hypervisor = LibvirtHypervisor(self.state_dir, HostName("host-1"), settings=QUICK)

    async def reopen(self) -> Hypervisor:
        await self.hypervisor.close()
        self._open()
        await self.hypervisor.start()
        return self.hypervisor

    async def stop_from_inside(self, guest: GuestId) -> None:
        info = await self.hypervisor.info(guest)
        assert info.pid is not None
        os.kill(info.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Leave nothing behind: no guest, and in the end no daemon."""
        for guest in await self.hypervisor.guests():
            await self.hypervisor.destroy(guest.id)
        await self.hypervisor.close()


@pytest.fixture(scope="session")
def libvirt_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for all tests: libvirt examines QEMU anew (0.9 s) for each state directory."""
    if os.geteuid() != 0:
        pytest.skip("a private libvirtd for the whole host needs root")
    state = tmp_path_factory.mktemp("libvirt")
    yield state
    PrivateDaemon(state / "libvirt", session=False).stop()


@pytest.fixture
async def libvirt_rig(libvirt_state: Path) -> AsyncIterator[LibvirtRig]:
    async with libvirt(libvirt_state) as rig:
        yield rig


@asynccontextmanager
async def libvirt(state_dir: Path) -> AsyncIterator[LibvirtRig]:
    rig = LibvirtRig(state_dir)
    await rig.hypervisor.start()
    try:
        yield rig
    finally:
        await rig.close()


@pytest.fixture(params=["simulated", pytest.param("libvirt", marks=pytest.mark.root)])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "simulated":
        simulated = SimulatedRig(tmp_path / "guests.journal")
        await simulated.hypervisor.start()
        yield simulated
    else:
        async with libvirt(request.getfixturevalue("libvirt_state")) as real:
            yield real


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_boot_image(tmp_path)
