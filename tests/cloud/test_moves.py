"""Servers move: resized, migrated, live migrated and evacuated between two simulated hosts, and back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from kilonova.db.statement import update_columns
from kilonova.db.tables.hosts import compute_nodes
from kilonova.model.ids import ServerId
from kilonova.model.move_progress import MoveProgress
from tests.cloud.moved import (
    ANY_HOST,
    abort,
    act,
    change_service,
    host_names,
    host_of,
    live_moves,
    migrate_live_slowly,
    restart_agents,
)
from tests.cloud.running import VERSION, RunningCloud, running_cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", hosts=2) as started:
        yield started


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


@pytest.mark.parametrize("end", ["confirmResize", "revertResize"])
async def test_a_migrated_server_has_everything_on_the_new_host_until_its_owner_decides(
    cloud: RunningCloud, end: str
) -> None:
    await cloud.image()
    before = await cloud.ledger()
    server = await with_everything(cloud)
    source = await host_of(cloud, server["id"])
    await act(cloud, server["id"], "migrate")
    moved = await cloud.until(server["id"], {"VERIFY_RESIZE", "ERROR"})
    target = await host_of(cloud, server["id"])

    assert moved["status"] == "VERIFY_RESIZE"
    assert moved["addresses"] == server["addresses"]
    assert target != source
    assert await where(cloud, server) == {source: 4, target: 1}
    assert await claims(cloud, server) == ([target], 2)
    assert {port[2] for port in (await cloud.ledger())["ports"]} == {target}
    shown = await migration(cloud, server)
    assert (shown["status"], shown["migration_type"]) == ("finished", "migration")
    assert (shown["source_compute"], shown["dest_compute"]) == (source, target)

    await act(cloud, server["id"], end, ok=204 if end == "confirmResize" else 202)
    settled = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
    stays = target if end == "confirmResize" else source
    assert settled["status"] == "ACTIVE"
    assert await host_of(cloud, server["id"]) == stays
    assert await where(cloud, server) == {stays: 1}
    assert await claims(cloud, server) == ([stays], 1)
    assert {port[2] for port in (await cloud.ledger())["ports"]} == {stays}
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    assert await cloud.ledger() == before


async def test_a_migration_goes_to_the_host_that_is_named_and_to_no_other(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server["id"])
    (target,) = host_names(cloud) - {source}

    await act(cloud, server["id"], "migrate", {"host": source}, ok=400)
    await act(cloud, server["id"], "migrate", {"host": "nowhere"}, ok=400)
    await act(cloud, server["id"], "migrate", {"host": target})
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    assert await host_of(cloud, server["id"]) == target


async def test_a_migration_for_which_there_is_no_host_leaves_the_server_as_it_was(cloud: RunningCloud) -> None:
    server = await with_everything(cloud)
    source = await host_of(cloud, server["id"])
    before = await cloud.ledger()
    await change_service(cloud, (host_names(cloud) - {source}).pop(), forced_down=True)
    await act(cloud, server["id"], "migrate")

    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert await cloud.ledger() == before
    assert (await migration(cloud, server))["status"] == "error"


async def test_an_unconfirmed_move_survives_the_restart_of_its_old_host(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server["id"])
    await act(cloud, server["id"], "migrate")
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    await restart_agents(cloud)
    await act(cloud, server["id"], "revertResize")

    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert await where(cloud, server) == {source: 1}


async def test_a_server_deleted_before_its_move_is_confirmed_leaves_nothing_on_either_host(
    cloud: RunningCloud,
) -> None:
    await cloud.image()
    before = await cloud.ledger()
    server = await with_everything(cloud)
    await act(cloud, server["id"], "migrate")
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])

    assert await where(cloud, server) == {}
    assert await cloud.ledger() == before


async def test_a_resize_goes_to_another_host_where_it_must(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", hosts=2, allow_resize_to_same_host=False) as cloud:
        server = await cloud.active()
        source = await host_of(cloud, server["id"])
        await cloud.act(server["id"], "resize", {"flavorRef": await cloud.flavor("m1.micro")})
        resized = await cloud.until(server["id"], {"VERIFY_RESIZE", "ERROR"})

        assert resized["flavor"]["original_name"] == "m1.micro"
        assert await host_of(cloud, server["id"]) != source
        await cloud.act(server["id"], "revertResize")
        reverted = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
        assert reverted["flavor"]["original_name"] == "m1.nano"
        assert await host_of(cloud, server["id"]) == source


@pytest.mark.parametrize("paused", [False, True])
async def test_a_server_moves_live_with_all_it_has(cloud: RunningCloud, paused: bool) -> None:
    server = await with_everything(cloud)
    if paused:
        await cloud.act(server["id"], "pause")
        await cloud.until(server["id"], {"PAUSED"})
    source = await host_of(cloud, server["id"])
    await act(cloud, server["id"], "os-migrateLive", ANY_HOST)
    moved = await cloud.until(server["id"], {"ACTIVE", "PAUSED", "ERROR"})
    target = await host_of(cloud, server["id"])

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
    source = await host_of(cloud, server["id"])
    before = await cloud.ledger()
    number = await migrate_live_slowly(cloud, server["id"])
    assert (await cloud.show(server["id"]))["status"] == "MIGRATING"
    done = MoveProgress(memory_total=100, memory_processed=70, memory_remaining=30, disk_total=5)
    await cloud.cloud.conductor_service.live_progress(ServerId(server["id"]), done)
    path = f"/compute/v2.1/servers/{server['id']}/migrations/{number}"
    shown = (await cloud.admin.get(path, headers=VERSION)).json()["migration"]
    assert {name: shown[f"{name}_bytes"] for name in structs.asdict(done)} == structs.asdict(done)
    await abort(cloud, server["id"], number)

    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert await where(cloud, server) == {source: 1}
    assert await cloud.ledger() == before
    assert (await migration(cloud, server))["status"] == "cancelled"


async def test_where_disks_are_on_no_shared_storage_a_resize_stays_and_a_move_says_why_not(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server["id"])
    assert cloud.cloud.db is not None
    async with cloud.cloud.db.begin() as tx:
        for name in host_names(cloud):
            await tx.execute(update_columns(compute_nodes, ("traits",), ("host",)), by_host=name, traits="[]")
    before = await cloud.ledger()
    for action, value in (("migrate", None), ("os-migrateLive", ANY_HOST)):
        await act(cloud, server["id"], action, value)
        assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
        assert await cloud.ledger() == before
        assert "No other host can reach" in await why(cloud, server)
    await cloud.act(server["id"], "resize", {"flavorRef": await cloud.flavor("m1.micro")})
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    assert await where(cloud, server) == {source: 1}


async def why(cloud: RunningCloud, server: dict[str, Any]) -> str:
    """What the events of the server's last action say."""
    path = f"/compute/v2.1/servers/{server['id']}/os-instance-actions"
    last = (await cloud.admin.get(path, headers=VERSION)).json()["instanceActions"][0]
    shown = (await cloud.admin.get(f"{path}/{last['request_id']}", headers=VERSION)).json()["instanceAction"]
    return " ".join(event["details"] or "" for event in shown["events"])


async def test_a_server_deleted_while_it_moves_leaves_nothing_on_either_host(cloud: RunningCloud) -> None:
    await cloud.image()
    before = await cloud.ledger()
    server = await with_everything(cloud)
    await migrate_live_slowly(cloud, server["id"])
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])

    assert await cloud.ledger() == before
    assert (await migration(cloud, server))["status"] == "cancelled"


async def test_below_2_34_one_hears_at_once_that_no_host_takes_the_server(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server["id"])
    (other,) = host_names(cloud) - {source}
    body = {"host": None, "block_migration": False, "disk_over_commit": False}
    await change_service(cloud, other, status="disabled")
    answer = await act(cloud, server["id"], "os-migrateLive", body, ok=400, version="2.1")
    assert answer.json()["badRequest"]["message"].startswith("No valid host was found.")
    await act(cloud, server["id"], "os-migrateLive", body | {"host": source}, ok=400, version="2.1")
    await change_service(cloud, other, status="enabled")
    await act(cloud, server["id"], "os-migrateLive", body, version="2.1")
    await cloud.until(server["id"], {"ACTIVE"})
    assert await host_of(cloud, server["id"]) == other


async def test_a_live_migration_can_be_forced_to_its_end(cloud: RunningCloud) -> None:
    server = await cloud.active()
    source = await host_of(cloud, server["id"])
    number = await migrate_live_slowly(cloud, server["id"])
    path = f"/compute/v2.1/servers/{server['id']}/migrations/{number}/action"
    async with asyncio.timeout(30):
        # The host may not have begun yet when the migration shows as running.
        while await live_moves(cloud, server["id"], status="running"):
            answer = await cloud.admin.post(path, json={"force_complete": None}, headers=VERSION)
            assert answer.status_code in (202, 400, 404, 409), answer.text
            await asyncio.sleep(0.05)

    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert await host_of(cloud, server["id"]) != source


async def test_a_server_of_a_lost_host_is_evacuated_and_its_old_guest_goes_when_the_host_is_back(
    cloud: RunningCloud,
) -> None:
    server = await with_everything(cloud)
    source = await host_of(cloud, server["id"])
    await act(cloud, server["id"], "evacuate", {}, ok=400)
    await change_service(cloud, source, forced_down=True)
    await act(cloud, server["id"], "evacuate", {}, ok=200)
    saved = await cloud.until(server["id"], {"SHUTOFF", "ERROR"})
    target = await host_of(cloud, server["id"])

    assert saved["status"] == "SHUTOFF"
    assert saved["addresses"] == server["addresses"]
    assert target != source
    assert await where(cloud, server) == {source: 1, target: 4}
    assert await claims(cloud, server) == ([target], 1)
    await change_service(cloud, source, forced_down=False)
    await restart_agents(cloud)
    assert await where(cloud, server) == {target: 4}


async def test_a_server_that_no_host_can_take_ends_in_error_and_may_be_evacuated_again(cloud: RunningCloud) -> None:
    server = (await cloud.active())["id"]
    source = await host_of(cloud, server)
    (other,) = host_names(cloud) - {source}
    await change_service(cloud, other, status="disabled")
    await change_service(cloud, source, forced_down=True)
    await act(cloud, server, "evacuate", {}, ok=200)
    lost = await cloud.until(server, {"SHUTOFF", "ERROR"})

    assert lost["status"] == "ERROR"
    assert lost["fault"]["message"].startswith("No valid host was found.")
    assert await host_of(cloud, server) == source
    shown = (await cloud.admin.get("/compute/v2.1/os-migrations", headers=VERSION)).json()["migrations"]
    assert [one["status"] for one in shown if one["instance_uuid"] == server] == ["error"]
    events = await events_of(cloud, server, "evacuate")
    assert [(one["event"], one["result"]) for one in events] == [("conductor_rebuild_instance", "Error")]

    await change_service(cloud, other, status="enabled")
    await act(cloud, server, "evacuate", {}, ok=200)
    await cloud.until(server, {"SHUTOFF"})
    assert await host_of(cloud, server) == other


async def events_of(cloud: RunningCloud, server: str, action: str) -> list[dict[str, Any]]:
    """What happened in the first action of that name."""
    path = f"/compute/v2.1/servers/{server}/os-instance-actions"
    actions = (await cloud.admin.get(path, headers=VERSION)).json()["instanceActions"]
    request_id = next(one["request_id"] for one in reversed(actions) if one["action"] == action)
    shown = (await cloud.admin.get(f"{path}/{request_id}", headers=VERSION)).json()["instanceAction"]
    return list(shown["events"])


async def test_below_2_95_an_evacuated_server_runs_again(cloud: RunningCloud) -> None:
    server = await cloud.active()
    await change_service(cloud, await host_of(cloud, server["id"]), forced_down=True)
    answer = await act(cloud, server["id"], "evacuate", {"onSharedStorage": False}, ok=200, version="2.1")

    assert answer.json()["adminPass"]
    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
