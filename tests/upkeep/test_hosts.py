"""Hosts of a running cloud drained, brought back, evened out and asked how much they still take."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.simulation.balance import deviation, propose
from kilonova.simulation.capacity import capacity
from kilonova.simulation.evacuation import empty
from kilonova.simulation.placing import Wanted
from kilonova.upkeep.admin import Admin
from kilonova.upkeep.copy import copied, flavor_named
from kilonova.upkeep.drain import Drained, Progress, drain
from kilonova.upkeep.rebalance import carry_out
from kilonova.upkeep.services import NoSuchHost, enable, service_of
from tests.cloud.moved import act, change_service, host_names, host_of
from tests.cloud.running import VERSION, RunningCloud, running_cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", hosts=3) as started:
        yield started


@pytest.fixture
async def admin(cloud: RunningCloud) -> AsyncIterator[Admin]:
    domain = {"name": "Default"}
    user = {"name": "admin", "domain": domain, "password": cloud.cloud.passwords["admin"]}
    made = Admin(cloud.url, user, {"name": "admin", "domain": domain})
    yield made
    await made.close()


async def drained(admin: Admin, host: str, *, wait: bool = False, told: list[Progress] | None = None) -> Drained:
    service = await service_of(admin, host)
    tell = [].append if told is None else told.append
    return await drain(admin, SystemClock(), service, tell, reason="new disks", at_once=2, wait=wait, again_s=0.1)


async def on(cloud: RunningCloud, host: str, count: int, **more: Any) -> list[str]:
    """Servers made on the one host: the others are out meanwhile."""
    others = host_names(cloud) - {host}
    for other in others:
        await change_service(cloud, other, status="disabled")
    made = [await cloud.create(f"s{number}", **more) for number in range(count)]
    for server in made:
        assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    for other in others:
        await change_service(cloud, other, status="enabled")
    return [server["id"] for server in made]


async def where(cloud: RunningCloud, servers: list[str]) -> dict[str, str]:
    return {server_id: await host_of(cloud, server_id) for server_id in servers}


async def status_of(cloud: RunningCloud, server_id: str) -> str:
    return str((await cloud.show(server_id))["status"])


async def shown_service(cloud: RunningCloud, host: str) -> Mapping[str, Any]:
    found = await cloud.admin.get("/compute/v2.1/os-services", params={"host": host}, headers=VERSION)
    return next(one for one in found.json()["services"] if one["binary"] == "nova-compute")


async def test_a_drained_host_is_empty_and_its_servers_are_as_they_were(cloud: RunningCloud, admin: Admin) -> None:
    source = sorted(host_names(cloud))[0]
    servers = await on(cloud, source, 3)
    await cloud.act(servers[0], "os-stop")
    await cloud.until(servers[0], {"SHUTOFF"})
    told: list[Progress] = []
    found = await drained(admin, source, told=told)

    assert (found.empty, found.left) == (True, ())
    assert {one.server.id: one.how for one in found.moved} == {
        servers[0]: "cold",
        servers[1]: "live",
        servers[2]: "live",
    }
    places = await where(cloud, servers)
    assert {one.server.id: one.to for one in found.moved} == places
    assert source not in places.values()
    assert [await status_of(cloud, one) for one in servers] == ["SHUTOFF", "ACTIVE", "ACTIVE"]
    service = await shown_service(cloud, source)
    assert (service["status"], service["disabled_reason"]) == ("disabled", "new disks")
    claims = await cloud.cloud.placement.consumers()
    assert sorted(claims) == sorted(servers)
    assert {one.outcome.server.id for one in told if one.outcome is not None} == set(servers)

    again = await drained(admin, source)
    assert (again.empty, again.moved) == (True, ())
    await enable(admin, await service_of(admin, source))
    assert (await shown_service(cloud, source))["status"] == "enabled"


async def test_what_no_other_host_takes_stays_and_is_named_with_the_reason(cloud: RunningCloud, admin: Admin) -> None:
    source, *others = sorted(host_names(cloud))
    servers = await on(cloud, source, 2)
    await cloud.act(servers[0], "pause")
    await cloud.until(servers[0], {"PAUSED"})
    await cloud.act(servers[1], "suspend")
    await cloud.until(servers[1], {"SUSPENDED"})
    for other in others:
        await change_service(cloud, other, status="disabled")
    found = await drained(admin, source)

    assert not found.empty
    why = {one.server.id: one.why for one in found.left}
    assert "No valid host was found" in why[servers[0]]
    assert "in status SUSPENDED" in why[servers[1]]
    assert set((await where(cloud, servers)).values()) == {source}

    await change_service(cloud, others[0], status="enabled")
    await cloud.act(servers[1], "resume")
    await cloud.until(servers[1], {"ACTIVE"})
    assert (await drained(admin, source)).empty


async def test_where_a_live_migration_fails_the_server_is_moved_cold(cloud: RunningCloud, admin: Admin) -> None:
    source = sorted(host_names(cloud))[0]
    (server,) = await on(cloud, source, 1)
    assert cloud.cloud.hosts is not None
    assert cloud.cloud.hosts.fleet is not None
    cloud.cloud.hosts.fleet.faults.set(operation="migrate_out", error="the link is broken", times=1)
    found = await drained(admin, source)

    assert [(one.server.id, one.how) for one in found.moved] == [(server, "cold")]
    assert await status_of(cloud, server) == "ACTIVE"
    assert await host_of(cloud, server) != source


async def test_a_drain_that_was_interrupted_is_taken_up_by_the_next(cloud: RunningCloud, admin: Admin) -> None:
    source = sorted(host_names(cloud))[0]
    servers = await on(cloud, source, 4)
    for server in servers[:2]:
        await cloud.act(server, "os-stop")
        await cloud.until(server, {"SHUTOFF"})
    begun = asyncio.Event()

    def tell(progress: Progress) -> None:
        if progress.words in ("cold", "live"):
            begun.set()

    service = await service_of(admin, source)
    task = asyncio.create_task(drain(admin, SystemClock(), service, tell, reason="x", at_once=2, wait=False))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # One was moved cold and left to be confirmed, as by an end between the move and its confirmation.
    await cloud.until(servers[0], {"SHUTOFF", "VERIFY_RESIZE"})
    if await host_of(cloud, servers[0]) == source:
        await act(cloud, servers[0], "migrate")
        await cloud.until(servers[0], {"VERIFY_RESIZE"})
    found = await drained(admin, source)

    assert found.empty
    assert source not in (await where(cloud, servers)).values()
    assert sorted([await status_of(cloud, one) for one in servers]) == ["ACTIVE", "ACTIVE", "SHUTOFF", "SHUTOFF"]
    assert sorted(await cloud.cloud.placement.consumers()) == sorted(servers)


async def test_a_resize_that_its_user_has_not_confirmed_is_left_to_the_user(cloud: RunningCloud, admin: Admin) -> None:
    source = sorted(host_names(cloud))[0]
    (server,) = await on(cloud, source, 1)
    await change_service(cloud, source, status="disabled")
    await cloud.act(server, "resize", {"flavorRef": await cloud.flavor("m1.micro")})
    await cloud.until(server, {"VERIFY_RESIZE"})
    found = await drained(admin, source)

    assert [one.server.id for one in found.left] == [server]
    assert "neither confirmed nor reverted" in found.left[0].why
    assert await status_of(cloud, server) == "VERIFY_RESIZE"

    waiting = asyncio.create_task(drained(admin, source, wait=True))
    await cloud.act(server, "confirmResize", ok=204)
    async with asyncio.timeout(60):
        assert (await waiting).empty


async def test_hosts_there_are_not_are_told(admin: Admin) -> None:
    with pytest.raises(NoSuchHost, match="no compute host nowhere"):
        await service_of(admin, "nowhere")


async def test_as_many_fit_as_were_told_and_not_one_more(cloud: RunningCloud, admin: Admin) -> None:
    first, second, _ = sorted(host_names(cloud))
    # A third of a host's memory, and what others hold counts.
    body = {"flavor": {"name": "huge", "vcpus": 1, "ram": 80_000, "disk": 1}}
    assert (await cloud.admin.post("/compute/v2.1/flavors", json=body)).status_code == 200
    await on(cloud, first, 1, flavor="huge")
    await change_service(cloud, second, status="disabled")
    spec = await flavor_named(admin, "huge")
    copy = await copied(admin, SchedulerSettings())
    found = capacity(copy.placing, Wanted(0, "huge", spec))

    assert [(zone.name, zone.hosts, zone.suitable, zone.more) for zone in found.zones] == [("nova", 3, 2, 5)]
    made = [await cloud.create(f"more{number}", flavor="huge") for number in range(6)]
    ends = [(await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] for server in made]
    assert sorted(ends) == ["ACTIVE"] * 5 + ["ERROR"]


async def test_a_drain_plan_is_what_a_drain_does(cloud: RunningCloud, admin: Admin) -> None:
    source = sorted(host_names(cloud))[0]
    servers = await on(cloud, source, 3)
    copy = await copied(admin, SchedulerSettings())
    plan = empty(copy.placing, [copy.placing.stock.host(source)], copy.placed, 0.0)

    assert {one.placed.name for one in plan} == set(servers)
    assert all(one.target is not None for one in plan)
    assert set((await where(cloud, servers)).values()) == {source}
    assert (await drained(admin, source)).empty


async def test_a_drain_plan_heeds_what_servers_said_of_their_hosts(cloud: RunningCloud, admin: Admin) -> None:
    source = sorted(host_names(cloud))[0]
    body = {"name": "choosy", "flavorRef": await cloud.flavor("m1.nano"), "networks": "none"}
    body["imageRef"] = await cloud.image()
    hints = {"query": json.dumps(["=", "$host", source])}
    wanted = {"server": body | {"availability_zone": f"nova:{source}"}, "os:scheduler_hints": hints}
    answer = await cloud.admin.post("/compute/v2.1/servers", json=wanted, headers=VERSION)
    server = answer.json()["server"]["id"]
    await RunningCloud(cloud.cloud, cloud.admin, cloud.admin).until(server, {"ACTIVE"})

    copy = await copied(admin, SchedulerSettings(enabled_filters=("ComputeFilter", "JsonFilter")))
    (left,) = empty(copy.placing, [copy.placing.stock.host(source)], copy.placed, 0.0)
    assert (left.placed.name, left.target) == (server, None)
    assert "JsonFilter" in left.why


async def test_rebalancing_moves_servers_as_proposed_and_evens_hosts_out(cloud: RunningCloud, admin: Admin) -> None:
    source = sorted(host_names(cloud))[0]
    servers = await on(cloud, source, 4, flavor="m1.large")
    copy = await copied(admin, SchedulerSettings())
    before = deviation(copy.placing.fleet)
    moves = propose(copy.placing, copy.placed, 10, 0.0)
    wanted = [(copy.records[one.placed.name], str(one.target.name)) for one in moves]
    outcomes = await carry_out(admin, SystemClock(), wanted, [].append, at_once=2)

    assert moves
    assert all(one.moved for one in outcomes)
    places = await where(cloud, servers)
    assert {record.id: target for record, target in wanted}.items() <= places.items()
    after = deviation((await copied(admin, SchedulerSettings())).placing.fleet)
    assert after == pytest.approx(deviation(copy.placing.fleet))
    assert after < before
