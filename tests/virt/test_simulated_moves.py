"""Simulated guests go from host to host, as they run or switched off; every call may come twice."""

import asyncio
from pathlib import Path

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.model.errors import GuestNotFound
from kilonova.model.ids import HostName
from kilonova.virt.guest import GuestSpec, PowerState
from kilonova.virt.simulated import SimulatedFleet
from kilonova.virt.simulated.host import SimulatedHypervisor
from tests.virt.guests import guest_spec

HERE, THERE = HostName("here"), HostName("there")


@pytest.fixture
def fleet(tmp_path: Path) -> SimulatedFleet:
    return SimulatedFleet(tmp_path / "guests.journal", clock=SystemClock())


async def running(host: SimulatedHypervisor) -> GuestSpec:
    spec = guest_spec(Path("/image"))
    await host.define(spec)
    await host.power_on(spec.id)
    return spec


async def state(host: SimulatedHypervisor, spec: GuestSpec) -> PowerState:
    return (await host.info(spec.id)).power_state


async def test_a_guest_is_received_with_its_disks_and_stays_off(fleet: SimulatedFleet) -> None:
    here, there = fleet.host(HERE), fleet.host(THERE)
    spec = await running(here)
    for _ in range(2):
        await there.receive(spec, source=HERE)

    assert await state(there, spec) is PowerState.SHUTDOWN
    assert await state(here, spec) is PowerState.RUNNING
    with pytest.raises(GuestNotFound):
        await there.receive(guest_spec(Path("/image")), source=HERE)


@pytest.mark.parametrize("was", [PowerState.RUNNING, PowerState.PAUSED])
async def test_a_guest_that_moves_live_goes_on_there_and_comes_back(fleet: SimulatedFleet, was: PowerState) -> None:
    here, there = fleet.host(HERE), fleet.host(THERE)
    spec = await running(here)
    if was is PowerState.PAUSED:
        await here.pause(spec.id)
    await there.receive(spec, source=HERE)
    for _ in range(2):
        await here.migrate_out(spec.id, to=THERE)
    assert (await state(here, spec), await state(there, spec)) == (PowerState.SHUTDOWN, was)

    for _ in range(2):
        await here.migrate_back(spec.id, other=THERE)
    assert (await state(here, spec), await state(there, spec)) == (was, PowerState.SHUTDOWN)


async def test_a_guest_moves_only_where_it_is_defined(fleet: SimulatedFleet) -> None:
    here = fleet.host(HERE)
    spec = await running(here)
    with pytest.raises(GuestNotFound):
        await here.migrate_out(spec.id, to=THERE)

    assert await state(here, spec) is PowerState.RUNNING


async def test_a_slow_move_comes_to_its_end_when_told(fleet: SimulatedFleet) -> None:
    here, there = fleet.host(HERE), fleet.host(THERE)
    spec = await running(here)
    await there.receive(spec, source=HERE)
    fleet.faults.set(operation="migrate_out", delay_s=600.0)
    moving = asyncio.create_task(here.migrate_out(spec.id, to=THERE))
    await asyncio.sleep(0)
    assert await state(here, spec) is PowerState.RUNNING
    await here.complete(spec.id)
    await moving

    assert await state(there, spec) is PowerState.RUNNING
