"""Duties on a whole cloud with simulated hosts: what is left behind goes, what is in use stays."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from kilonova.contract.placement import ClaimRequest
from kilonova.db.statement import update_columns
from kilonova.db.tables.servers import servers
from kilonova.duty.late_builds import late_builds
from kilonova.duty.orphaned_allocations import orphaned_allocations
from kilonova.duty.orphaned_ports import orphaned_ports
from kilonova.duty.unaccepted import Unaccepted
from kilonova.peers.network import TO_BE_PLUGGED
from tests.cloud.running import RunningCloud, running_cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> Any:
    async with running_cloud(tmp_path / "state") as started:
        yield started


async def gone_server(cloud: RunningCloud) -> str:
    server = await cloud.active("gone")
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    return str(server["id"])


async def test_what_a_deleted_server_still_claims_is_released(cloud: RunningCloud) -> None:
    db, placement = cloud.cloud.db, cloud.cloud.placement
    assert db is not None
    await cloud.active("alive")
    dead, stranger = await gone_server(cloud), str(uuid.uuid4())
    before = await placement.consumers()
    host = next(iter(next(iter(before.values()))))
    for consumer in (dead, stranger):
        claim = ClaimRequest(consumer=consumer, host=host, resources={"VCPU": 1}, project_id="p", user_id="u")  # type: ignore[arg-type]
        await placement.claim(claim)

    assert await orphaned_allocations(db, placement) == [dead]

    assert set(await placement.consumers()) == {*before, stranger}
    assert await orphaned_allocations(db, placement) == []


async def test_ports_made_for_a_deleted_server_go_and_its_owners_are_free_again(cloud: RunningCloud) -> None:
    db = cloud.cloud.db
    assert db is not None
    network = await cloud.network()
    kept = (await cloud.http.post("/network/v2.0/ports", json={"port": {"network_id": network}})).json()["port"]["id"]
    alive = await cloud.active("alive", networks=[{"uuid": network}])
    server = await cloud.active("gone", networks=[{"port": kept}])
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    # As an undo that could not reach the network service leaves it.
    left = {"network_id": network, "device_id": server["id"], "device_owner": "compute:nova"}
    made = (await cloud.admin.post("/network/v2.0/ports", json={"port": left})).json()["port"]["id"]
    bound = {"device_id": server["id"], "device_owner": "compute:nova"}
    await cloud.admin.put(f"/network/v2.0/ports/{kept}", json={"port": bound})

    assert await orphaned_ports(db, cloud.cloud.conductor_service._world.neighbours) == [server["id"]]

    ports = {port["id"]: port for port in (await cloud.admin.get("/network/v2.0/ports")).json()["ports"]}
    assert made not in ports
    assert ports[kept]["device_id"] == ""
    assert alive["id"] in {port["device_id"] for port in ports.values()}


async def test_ports_and_images_of_operations_that_were_never_accepted_go_at_the_second_look(
    cloud: RunningCloud,
) -> None:
    db, neighbours = cloud.cloud.db, cloud.cloud.conductor_service._world.neighbours
    assert db is not None
    server = (await cloud.active("alive"))["id"]
    network = await cloud.network()
    path = f"/compute/v2.1/servers/{server}/os-interface"
    plugged = await cloud.http.post(path, json={"interfaceAttachment": {"net_id": network}})
    port = plugged.json()["interfaceAttachment"]["port_id"]
    await cloud.act(server, "createImage", {"name": "taken"})
    async with asyncio.timeout(60):
        while not (await cloud.show(server))["addresses"] or (await cloud.show(server))["OS-EXT-STS:task_state"]:
            await asyncio.sleep(0.02)
    before = await cloud.ledger()
    # As an api leaves it that dies before it has stored the saga.
    left = {"network_id": network, "device_id": server, "device_owner": "compute:nova", "description": TO_BE_PLUGGED}
    await cloud.http.post("/network/v2.0/ports", json={"port": left})
    image = {"name": "left", "disk_format": "qcow2", "container_format": "bare"}
    await cloud.http.post("/image/v2/images", json=image | {"image_type": "snapshot", "instance_uuid": server})
    own = (await cloud.http.post("/image/v2/images", json=image | {"name": "own"})).json()["id"]
    duty = Unaccepted(db, neighbours)

    assert await duty.look() == []
    assert len(await duty.look()) == 2
    assert await duty.look() == []

    after = await cloud.ledger()
    assert after == before | {"images": sorted([*before["images"], (own, "queued")])}
    shown = (await cloud.http.get(f"/network/v2.0/ports/{port}")).json()["port"]
    assert (shown["device_id"], shown["description"]) == (server, "")


async def test_a_resize_nobody_confirms_is_confirmed_in_its_owners_name(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", resize_confirm_window=1) as cloud:
        server = await cloud.active()
        body = {"flavorRef": await cloud.flavor("m1.micro")}
        await cloud.act(server["id"], "resize", body)
        keeper = cloud.cloud.conductor_service._keeper
        async with asyncio.timeout(60):
            while (await cloud.show(server["id"]))["status"] != "ACTIVE":
                await keeper.turn()
                await asyncio.sleep(0.2)

        shown = await cloud.show(server["id"])
        assert shown["flavor"]["original_name"] == "m1.micro"
        actions = (await cloud.http.get(f"/compute/v2.1/servers/{server['id']}/os-instance-actions")).json()
        (confirmed,) = [one for one in actions["instanceActions"] if one["action"] == "confirmResize"]
        assert confirmed["user_id"] == server["user_id"]
        assert len(await cloud.cloud.placement.consumers()) == 1


async def test_a_build_that_takes_too_long_gives_everything_back_and_says_why(cloud: RunningCloud) -> None:
    db, service = cloud.cloud.db, cloud.cloud.conductor_service
    assert db is not None
    assert cloud.cloud.hosts is not None
    assert cloud.cloud.hosts.fleet is not None
    before = await cloud.ledger()
    cloud.cloud.hosts.fleet.faults.set(operation="define", delay_s=600)
    server = await cloud.create("slow", imageRef=before["images"][0][0] if before["images"] else await cloud.image())
    async with asyncio.timeout(60):
        while (await cloud.show(server["id"]))["OS-EXT-STS:task_state"] != "spawning":
            await asyncio.sleep(0.02)
        async with db.begin() as tx:
            await tx.execute(
                update_columns(servers, ("created_at",)), created_at="2020-01-01T00:00:00.000000", by_id=server["id"]
            )
        while (await cloud.show(server["id"]))["status"] != "ERROR":
            await late_builds(db, cloud.cloud.clock, timeout_s=60, ring=service.executor.wake)
            await asyncio.sleep(0.05)

    assert (await cloud.show(server["id"]))["fault"]["message"] == "Instance failed to build within 60 seconds."
    after = await cloud.ledger()
    assert {name: after[name] for name in ("claims", "ports", "volumes", "guests")} == {
        name: before[name] for name in ("claims", "ports", "volumes", "guests")
    }
