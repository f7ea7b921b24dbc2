"""The agent of a simulated host, in a whole cloud."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kilonova.compute.agent import ComputeAgent
from kilonova.contract.compute import Destroy, PowerOff, PowerOn
from kilonova.model.ids import GuestId, ServerId
from kilonova.virt.guest import GuestSpec
from kilonova.virt.simulated.host import SimulatedHypervisor
from tests.cloud.running import RunningCloud, running_cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state") as started:
        yield started


def agent_of(cloud: RunningCloud) -> ComputeAgent:
    assert cloud.cloud.hosts is not None
    return cloud.cloud.hosts.agents[0]


def hypervisor_of(cloud: RunningCloud) -> SimulatedHypervisor:
    hypervisor = agent_of(cloud).host.hypervisor
    assert isinstance(hypervisor, SimulatedHypervisor)
    return hypervisor


def faults_of(cloud: RunningCloud) -> Any:
    assert cloud.cloud.hosts is not None
    assert cloud.cloud.hosts.fleet is not None
    return cloud.cloud.hosts.fleet.faults


async def networked(cloud: RunningCloud, name: str = "one", **more: Any) -> dict[str, Any]:
    return await cloud.active(name, networks=[{"uuid": await cloud.network(), **more}])


async def ports_of(cloud: RunningCloud, server_id: str) -> list[dict[str, Any]]:
    answer = await cloud.admin.get("/network/v2.0/ports", params={"device_id": server_id})
    return list(answer.json()["ports"])


async def test_a_guest_that_goes_off_by_itself_is_shutoff(cloud: RunningCloud) -> None:
    server = await cloud.active()

    hypervisor_of(cloud).stop_from_inside(GuestId(server["id"]))

    assert (await cloud.until(server["id"], {"SHUTOFF"}))["OS-EXT-STS:power_state"] == 4


async def test_what_happened_while_the_agent_was_away_is_found_when_it_is_back(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with running_cloud(state) as cloud:
        server, other = await cloud.active("tired"), await cloud.active("awake")
        agent = agent_of(cloud)
        await agent._tasks.close()
        hypervisor_of(cloud).stop_from_inside(GuestId(server["id"]))
        assert (await cloud.show(server["id"]))["status"] == "ACTIVE"
    async with running_cloud(state) as cloud:
        await cloud.until(server["id"], {"SHUTOFF"})
        assert (await cloud.show(other["id"]))["status"] == "ACTIVE"


async def test_records_and_guests_are_compared_now_and_then(cloud: RunningCloud) -> None:
    server = await cloud.active()
    hypervisor = hypervisor_of(cloud)
    record = hypervisor._record(GuestId(server["id"]))
    # A change without an event, as when one got lost.
    record.state = type(record.state).SHUTDOWN

    await agent_of(cloud)._compare()

    await cloud.until(server["id"], {"SHUTOFF"})


async def test_the_guest_of_a_deleted_server_goes_and_a_strangers_stays(cloud: RunningCloud) -> None:
    server = await cloud.active()
    hypervisor = hypervisor_of(cloud)
    spec = hypervisor._record(GuestId(server["id"])).spec
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    stranger = GuestSpec(id=GuestId(str(uuid.uuid4())), name="stranger", vcpus=1, memory_mib=1, disks=(), nics=())
    for found in (spec, stranger):
        await hypervisor.define(found)

    await agent_of(cloud)._compare()

    assert await cloud.guests() == [stranger.id]


async def test_a_guest_that_goes_off_amid_an_order_is_shutoff_in_the_end(cloud: RunningCloud) -> None:
    server = await networked(cloud)
    faults_of(cloud).set(operation="attach_nic", delay_s=0.5, times=1)
    body = {"interfaceAttachment": {"net_id": await cloud.network()}}
    attaching = asyncio.create_task(cloud.http.post(f"/compute/v2.1/servers/{server['id']}/os-interface", json=body))
    async with asyncio.timeout(20):
        while not agent_of(cloud)._busy(ServerId(server["id"])):
            await asyncio.sleep(0.005)

    hypervisor_of(cloud).stop_from_inside(GuestId(server["id"]))

    assert (await attaching).status_code == 200
    await cloud.until(server["id"], {"SHUTOFF"})


async def test_orders_for_one_server_never_overlap(cloud: RunningCloud) -> None:
    server_id = ServerId((await cloud.active())["id"])
    agent, faults = agent_of(cloud), faults_of(cloud)
    faults.set(operation="power_off", delay_s=0.05)
    faults.set(operation="power_on", delay_s=0.05)
    began = time.monotonic()

    for index in range(3):
        for kind in (PowerOff, PowerOn):
            saga = str(uuid.uuid4())
            await agent.perform(kind(key=f"{saga}.{index}.1.do", epoch=1, server_id=server_id))
            await asyncio.sleep(0.01)
    async with asyncio.timeout(20):
        while agent._busy(server_id):
            await asyncio.sleep(0.01)

    # Six, one behind the other, of 50 ms each.
    assert time.monotonic() - began >= 0.3
    assert len(agent._locks) == 0


async def test_an_order_sent_again_while_it_is_under_way_is_done_once(cloud: RunningCloud) -> None:
    server_id = ServerId((await cloud.active())["id"])
    agent = agent_of(cloud)
    before = hypervisor_of(cloud)._record(GuestId(server_id)).boots
    faults_of(cloud).set(operation="power_off", delay_s=0.1)
    order = PowerOff(key=f"{uuid.uuid4()}.stop.1.do", epoch=1, server_id=server_id)

    for _ in range(5):
        await agent.perform(order)

    assert len(agent._under_way) == 1
    async with asyncio.timeout(20):
        while agent._busy(server_id):
            await asyncio.sleep(0.01)
    assert hypervisor_of(cloud)._record(GuestId(server_id)).boots == before


async def test_an_order_of_a_conductor_that_lost_its_lease_is_refused(cloud: RunningCloud) -> None:
    server_id = ServerId((await cloud.active())["id"])
    agent, saga = agent_of(cloud), str(uuid.uuid4())
    await agent.perform(PowerOn(key=f"{saga}.start.1.do", epoch=7, server_id=server_id))

    await agent.perform(Destroy(key=f"{saga}.undo.1.do", epoch=6, server_id=server_id))

    async with asyncio.timeout(20):
        while agent._busy(server_id):
            await asyncio.sleep(0.01)
    assert await cloud.guests() == [server_id]


async def test_a_host_builds_so_many_guests_at_a_time(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", max_concurrent_builds=2) as cloud:
        faults_of(cloud).set(operation="define", delay_s=0.3)
        made = [await cloud.create(f"s{index}") for index in range(5)]
        most = 0
        async with asyncio.timeout(60):
            while len(await cloud.guests()) < 5:
                most = max(most, 2 - agent_of(cloud)._room._value)  # type: ignore[union-attr]
                await asyncio.sleep(0.01)
        for server in made:
            await cloud.until(server["id"], {"ACTIVE"})

    assert most == 2


async def test_a_port_that_was_let_go_does_not_come_back_with_a_reboot(cloud: RunningCloud) -> None:
    server = await networked(cloud)
    (port,) = await ports_of(cloud, server["id"])
    path = f"/compute/v2.1/servers/{server['id']}/os-interface/{port['id']}"
    assert (await cloud.http.delete(path)).status_code == 202
    async with asyncio.timeout(20):
        while await ports_of(cloud, server["id"]):
            await asyncio.sleep(0.02)

    await cloud.act(server["id"], "reboot", {"type": "HARD"})
    shown = await cloud.until(server["id"], {"ACTIVE"})

    assert shown["addresses"] == {}
    assert await ports_of(cloud, server["id"]) == []


async def test_a_floating_address_is_still_shown_after_a_hard_reboot(cloud: RunningCloud) -> None:
    server = await networked(cloud)
    (port,) = await ports_of(cloud, server["id"])
    wanted = {"floating_network_id": await cloud.network("public"), "port_id": port["id"]}
    made = await cloud.http.post("/network/v2.0/floatingips", json={"floatingip": wanted})
    address = made.json()["floatingip"]["floating_ip_address"]

    await cloud.act(server["id"], "reboot", {"type": "HARD"})
    shown = await cloud.until(server["id"], {"ACTIVE"})

    assert [entry["addr"] for entry in shown["addresses"]["private"]][-1] == address
