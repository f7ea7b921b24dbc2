"""Servers move: resized, migrated, live migrated and evacuated between two simulated hosts, and back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kilonova.compute.adoption import adopt
from tests.cloud.running import RunningCloud, running_cloud

LIVE = {"host": None, "block_migration": "auto"}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", hosts=2) as started:
        yield started


async def act(
    cloud: RunningCloud,
    server: dict[str, Any],
    action: str,
    value: Any = None,
    *,
    ok: int = 202,
    version: str = "2.100",
) -> Any:
    """As the administrator."""
    answer = await cloud.admin.post(
        f"/compute/v2.1/servers/{server['id']}/action",
        json={action: value},
        headers={"OpenStack-API-Version": f"compute {version}"},
    )
    assert answer.status_code == ok, answer.text
    return answer


async def host_of(cloud: RunningCloud, server: dict[str, Any]) -> str:
    shown = (await cloud.admin.get(f"/compute/v2.1/servers/{server['id']}")).json()["server"]
    return str(shown["OS-EXT-SRV-ATTR:host"])


async def where(cloud: RunningCloud, server: dict[str, Any]) -> dict[str, int]:
    """The hosts that have the server's guest, with its power state."""
    hosts = cloud.cloud.hosts
    assert hosts is not None
    found = [(agent.host.name, info) for agent in hosts.agents for info in await agent.host.hypervisor.guests()]
    return {name: int(info.power_state) for name, info in found if info.id == server["id"]}


async def claims(cloud: RunningCloud, server: dict[str, Any]) -> tuple[list[str], int]:
    """The hosts the server claims on, and how many consumers there are in all."""
    consumers = await cloud.cloud.placement.consumers()
    return list(consumers[server["id"]]), len(consumers)


async def migration(cloud: RunningCloud, server: dict[str, Any]) -> dict[str, Any]:
    """The newest."""
    answer = await cloud.admin.get(
        "/compute/v2.1/os-migrations",
        params={"instance_uuid": server["id"]},
        headers={"OpenStack-API-Version": "compute 2.80"},
    )
    return dict(answer.json()["migrations"][0])


async def with_everything(cloud: RunningCloud) -> dict[str, Any]:
    """A server with a port and a volume."""
    disk = {"boot_index": 0, "uuid": await cloud.image(), "source_type": "image", "destination_type": "local"}
    volume = {"boot_index": -1, "volume_size": 1, "source_type": "blank", "destination_type": "volume"}
    goes = {"delete_on_termination": True}
    return await cloud.active(
        "mover",
        networks=[{"uuid": await cloud.network()}],
        block_device_mapping_v2=[disk | goes, volume | goes],
    )


async def force_down(cloud: RunningCloud, host: str, *, down: bool) -> None:
    headers = {"OpenStack-API-Version": "compute 2.53"}
    found = (await cloud.admin.get("/compute/v2.1/os-services", params={"host": host}, headers=headers)).json()
    (service,) = [one for one in found["services"] if one["binary"] == "nova-compute"]
    path = f"/compute/v2.1/os-services/{service['id']}"
    answer = await cloud.admin.put(path, json={"forced_down": down}, headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("end", ["confirmResize", "revertResize"])
async def test_a_migrated_server_has_everything_on_the_new_host_until_its_owner_decides(
    cloud: RunningCloud, end: str
) -> None:
    await cloud.image()
    before = await cloud.ledger()
    server = await with_everything(cloud)
    source = await host_of(cloud, server)
    await act(cloud, server, "migrate")
    moved = await cloud.until(server["id"], {"VERIFY_RESIZE", "ERROR"})
    target = await host_of(cloud, server)

    assert moved["status"] == "VERIFY_RESIZE"
    assert moved["addresses"] == server["addresses"]
    assert target != source
    assert await where(cloud, server) == {source: 4, target: 1}
    assert await claims(cloud, server) == ([target], 2)
    assert {port[2] for port in (await cloud.ledger())["ports"]} == {target}
    shown = await migration(cloud, server)
    assert (shown["status"], shown["migration_type"]) == ("finished", "migration")
    assert (shown["source_compute"], shown["dest_compute"]) == (source, target)

    await act(cloud, server, end, ok=204 if end == "confirmResize" else 202)
    settled = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
    stays = target if end == "confirmResize" else source
    assert settled["status"] == "ACTIVE"
    assert await host_of(cloud, server) == stays
    assert await where(cloud, server) == {stays: 1}
    assert await claims(cloud, server) == ([stays], 1)
    assert {port[2] for port in (await cloud.ledger())["ports"]} == {stays}
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    assert await cloud.ledger() == before


async def test_a_migration_goes_to_the_host_that_is_named_and_to_no_other(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server)
    names = {agent.host.name for agent in cloud.cloud.hosts.agents}  # type: ignore[union-attr]
    (target,) = names - {source}

    await act(cloud, server, "migrate", {"host": source}, ok=400)
    await act(cloud, server, "migrate", {"host": "nowhere"}, ok=400)
    await act(cloud, server, "migrate", {"host": target})
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    assert await host_of(cloud, server) == target


async def test_a_migration_for_which_there_is_no_host_leaves_the_server_as_it_was(cloud: RunningCloud) -> None:
    server = await with_everything(cloud)
    source = await host_of(cloud, server)
    names = {agent.host.name for agent in cloud.cloud.hosts.agents}  # type: ignore[union-attr]
    before = await cloud.ledger()
    await force_down(cloud, (names - {source}).pop(), down=True)
    await act(cloud, server, "migrate")

    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert await cloud.ledger() == before
    assert (await migration(cloud, server))["status"] == "error"


async def test_an_unconfirmed_move_survives_the_restart_of_its_old_host(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server)
    await act(cloud, server, "migrate")
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    for agent in cloud.cloud.hosts.agents:  # type: ignore[union-attr]
        await adopt(agent.host)
    await act(cloud, server, "revertResize")

    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert await where(cloud, server) == {source: 1}


async def test_a_server_deleted_before_its_move_is_confirmed_leaves_nothing_on_either_host(
    cloud: RunningCloud,
) -> None:
    await cloud.image()
    before = await cloud.ledger()
    server = await with_everything(cloud)
    await act(cloud, server, "migrate")
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])

    assert await where(cloud, server) == {}
    assert await cloud.ledger() == before


async def test_a_resize_goes_to_another_host_where_it_must(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", hosts=2, allow_resize_to_same_host=False) as cloud:
        server = await cloud.active()
        source = await host_of(cloud, server)
        await cloud.act(server["id"], "resize", {"flavorRef": await cloud.flavor("m1.micro")})
        resized = await cloud.until(server["id"], {"VERIFY_RESIZE", "ERROR"})

        assert resized["flavor"]["original_name"] == "m1.micro"
        assert await host_of(cloud, server) != source
        await cloud.act(server["id"], "revertResize")
        reverted = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
        assert reverted["flavor"]["original_name"] == "m1.nano"
        assert await host_of(cloud, server) == source


@pytest.mark.parametrize("paused", [False, True])
async def test_a_server_moves_live_with_all_it_has(cloud: RunningCloud, paused: bool) -> None:
    server = await with_everything(cloud)
    if paused:
        await cloud.act(server["id"], "pause")
        await cloud.until(server["id"], {"PAUSED"})
    source = await host_of(cloud, server)
    await act(cloud, server, "os-migrateLive", LIVE)
    moved = await cloud.until(server["id"], {"ACTIVE", "PAUSED", "ERROR"})
    target = await host_of(cloud, server)

    assert moved["status"] == ("PAUSED" if paused else "ACTIVE")
    assert target != source
    assert await where(cloud, server) == {target: 3 if paused else 1}
    assert await claims(cloud, server) == ([target], 1)
    assert {port[2] for port in (await cloud.ledger())["ports"]} == {target}
    shown = await migration(cloud, server)
    assert (shown["status"], shown["migration_type"]) == ("completed", "live-migration")
    assert shown["dest_compute"] == target


async def test_a_running_live_migration_is_shown_and_can_be_aborted(cloud: RunningCloud) -> None:
    server = await with_everything(cloud)
    source = await host_of(cloud, server)
    before = await cloud.ledger()
    fleet = cloud.cloud.hosts.fleet  # type: ignore[union-attr]
    assert fleet is not None
    fleet.faults.set(operation="migrate_out", delay_s=60.0)
    await act(cloud, server, "os-migrateLive", LIVE)
    path = f"/compute/v2.1/servers/{server['id']}/migrations"
    headers = {"OpenStack-API-Version": "compute 2.80"}
    async with asyncio.timeout(10):
        while True:
            moves = (await cloud.admin.get(path, headers=headers)).json()["migrations"]
            if moves and moves[0]["status"] == "running":
                break
            await asyncio.sleep(0.02)
    assert (await cloud.show(server["id"]))["status"] == "MIGRATING"
    answer = await cloud.admin.delete(f"{path}/{moves[0]['id']}", headers=headers)

    assert answer.status_code == 202, answer.text
    await cloud.until(server["id"], {"ACTIVE"})
    assert await where(cloud, server) == {source: 1}
    assert await cloud.ledger() == before
    assert (await migration(cloud, server))["status"] == "cancelled"


async def test_a_live_migration_can_be_forced_to_its_end(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server)
    fleet = cloud.cloud.hosts.fleet  # type: ignore[union-attr]
    assert fleet is not None
    fleet.faults.set(operation="migrate_out", delay_s=600.0)
    await act(cloud, server, "os-migrateLive", LIVE)
    path = f"/compute/v2.1/servers/{server['id']}/migrations"
    headers = {"OpenStack-API-Version": "compute 2.80"}
    async with asyncio.timeout(10):
        while not [one for one in (await cloud.admin.get(path, headers=headers)).json()["migrations"]
                   if one["status"] == "running"]:  # fmt: skip
            await asyncio.sleep(0.02)
        number = (await cloud.admin.get(path, headers=headers)).json()["migrations"][0]["id"]
        while (await host_of(cloud, server)) == source:
            answer = await cloud.admin.post(f"{path}/{number}/action", json={"force_complete": None}, headers=headers)
            assert answer.status_code in (202, 400, 404, 409), answer.text
            await asyncio.sleep(0.05)
    assert (await cloud.until(server["id"], {"ACTIVE"}))["status"] == "ACTIVE"


async def test_a_server_of_a_lost_host_is_evacuated_and_its_old_guest_goes_when_the_host_is_back(
    cloud: RunningCloud,
) -> None:
    server = await with_everything(cloud)
    source = await host_of(cloud, server)
    await act(cloud, server, "evacuate", {}, ok=400)
    await force_down(cloud, source, down=True)
    await act(cloud, server, "evacuate", {}, ok=200)
    saved = await cloud.until(server["id"], {"SHUTOFF", "ERROR"})
    target = await host_of(cloud, server)

    assert saved["status"] == "SHUTOFF"
    assert saved["addresses"] == server["addresses"]
    assert target != source
    assert await where(cloud, server) == {source: 1, target: 4}
    assert await claims(cloud, server) == ([target], 1)
    await force_down(cloud, source, down=False)
    for agent in cloud.cloud.hosts.agents:  # type: ignore[union-attr]
        await adopt(agent.host)
    assert await where(cloud, server) == {target: 4}


async def test_below_2_95_an_evacuated_server_runs_again(cloud: RunningCloud) -> None:
    server = await cloud.active()
    await force_down(cloud, await host_of(cloud, server), down=True)
    answer = await act(cloud, server, "evacuate", {"onSharedStorage": False}, ok=200, version="2.1")

    assert answer.json()["adminPass"]
    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
