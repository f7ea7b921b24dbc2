"""The simulated hypervisor's own gifts: it survives kills, and fails or dawdles on demand."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.model.errors import HypervisorUnavailable
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.guest import PowerState
from kilonova.virt.simulated import SimulatedFleet
from tests.virt.guests import guest_spec


@pytest.fixture
def fleet(tmp_path: Path) -> SimulatedFleet:
    return SimulatedFleet(tmp_path / "guests.journal", clock=SystemClock())


async def test_a_fault_meets_its_operation_as_often_as_told(fleet: SimulatedFleet) -> None:
    host, spec = fleet.host("host-1"), guest_spec(Path("/image"))
    await host.define(spec)
    fleet.faults.set(operation="power_on", error="no more smoke", times=2)

    for _ in range(2):
        with pytest.raises(GuestOperationFailed, match="no more smoke"):
            await host.power_on(spec.id)
    await host.power_on(spec.id)

    assert (await host.info(spec.id)).power_state is PowerState.RUNNING


async def test_a_fault_of_one_host_spares_the_others(fleet: SimulatedFleet) -> None:
    fleet.faults.set(host="host-1", error=HypervisorUnavailable("gone fishing"))

    with pytest.raises(HypervisorUnavailable):
        await fleet.host("host-1").guests()
    assert await fleet.host("host-2").guests() == []


class CountingClock(SystemClock):
    slept_s = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        await asyncio.sleep(0)


async def test_a_delay_is_slept_on_the_given_clock(tmp_path: Path) -> None:
    clock = CountingClock()
    fleet = SimulatedFleet(tmp_path / "guests.journal", clock=clock)
    fleet.faults.set(operation="define", delay_s=30)

    await fleet.host("host-1").define(guest_spec(Path("/image")))

    assert clock.slept_s == 30


async def test_cleared_faults_are_gone(fleet: SimulatedFleet) -> None:
    fleet.faults.set(error="everything fails")
    fleet.faults.clear()

    assert await fleet.host("host-1").guests() == []


_DEFINE_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from kilonova.aio.clock import SystemClock
from kilonova.virt.simulated import SimulatedFleet
from tests.virt.guests import guest_spec

async def main():
    host = SimulatedFleet(Path(sys.argv[1]), clock=SystemClock()).host("host-1")
    spec = guest_spec(Path("/image"))
    await host.define(spec)
    await host.power_on(spec.id)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def run_python(code: str, *arguments: str) -> int:
    return subprocess.run([sys.executable, "-c", code, *arguments], env={**os.environ, "PYTHONPATH": "."}).returncode


async def test_what_was_done_before_a_kill_is_still_done(tmp_path: Path) -> None:
    journal = tmp_path / "guests.journal"
    assert run_python(_DEFINE_AND_DIE, str(journal)) == -signal.SIGKILL

    [guest] = await SimulatedFleet(journal, clock=SystemClock()).host("host-1").guests()

    assert guest.power_state is PowerState.RUNNING


async def test_a_line_cut_short_by_a_kill_is_dropped(fleet: SimulatedFleet, tmp_path: Path) -> None:
    spec = guest_spec(Path("/image"))
    await fleet.host("host-1").define(spec)
    fleet.close()
    with (tmp_path / "guests.journal").open("ab") as journal:
        journal.write(b'{"host":"host-1","gue')

    again = SimulatedFleet(tmp_path / "guests.journal", clock=SystemClock())
    await again.host("host-1").power_on(spec.id)
    again.close()

    third = SimulatedFleet(tmp_path / "guests.journal", clock=SystemClock())
    assert [guest.power_state for guest in await third.host("host-1").guests()] == [PowerState.RUNNING]


async def test_a_long_journal_is_rewritten_without_losing_anything(fleet: SimulatedFleet, tmp_path: Path) -> None:
    host, stays, spec = fleet.host("host-1"), guest_spec(Path("/image")), guest_spec(Path("/image"))
    await host.define(stays)
    for _ in range(11_000):
        await host.define(spec)
        await host.destroy(spec.id)
    fleet.close()

    journal = tmp_path / "guests.journal"
    assert len(journal.read_bytes().splitlines()) < 10_000
    [guest] = await SimulatedFleet(journal, clock=SystemClock()).host("host-1").guests()
    assert guest.id == stays.id


async def test_two_processes_cannot_share_a_journal(fleet: SimulatedFleet, tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError):
        SimulatedFleet(tmp_path / "guests.journal", clock=SystemClock())
