"""Every way a server gets to a host asks the scheduler, whose filters may be one's own; and what it says of why."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kilonova.api.openapi.document import document
from kilonova.api.routes.table import ROUTES
from tests.api.described import misfits
from tests.cloud import veto
from tests.cloud.moved import ANY_HOST, act, change_service, host_names, host_of
from tests.cloud.running import VERSION, RunningCloud, running_cloud

FILTERS = {
    "filter_scheduler": {
        "available_filters": ("nova.scheduler.filters.all_filters", "tests.cloud.veto.VETO"),
        "enabled_filters": ("ComputeFilter", "ImagePropertiesFilter", "VetoFilter"),
    }
}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    veto.refused.clear()
    async with running_cloud(tmp_path / "state", hosts=3, sections=FILTERS) as started:
        yield started
    veto.refused.clear()


async def events(cloud: RunningCloud, server_id: str, action: str) -> list[dict[str, Any]]:
    """Those of the newest action of that name, as administrators see them."""
    path = f"/compute/v2.1/servers/{server_id}/os-instance-actions"
    actions = (await cloud.admin.get(path, headers=VERSION)).json()["instanceActions"]
    request_id = next(one["request_id"] for one in actions if one["action"] == action)
    shown = (await cloud.admin.get(f"{path}/{request_id}", headers=VERSION)).json()["instanceAction"]
    return list(shown["events"])


async def only(cloud: RunningCloud, *hosts: str) -> None:
    veto.refused.clear()
    veto.refused.update(host_names(cloud) - set(hosts))


@pytest.mark.parametrize("way", ["migrate", "os-migrateLive", "evacuate", "resize", "unshelve"])
async def test_a_move_goes_where_the_filters_let_it_and_is_refused_where_they_do_not(
    cloud: RunningCloud, way: str
) -> None:
    server = (await cloud.active())["id"]
    source = await host_of(cloud, server)
    target = sorted(host_names(cloud) - {source})[1]
    if way == "unshelve":
        await act(cloud, server, "shelve")
        await cloud.until(server, {"SHELVED_OFFLOADED"})
    if way == "evacuate":
        await change_service(cloud, source, forced_down=True)

    await only(cloud)
    await _move(cloud, server, way)
    kept = await cloud.until(server, {"ACTIVE", "ERROR", "SHELVED_OFFLOADED"})
    assert kept["status"] == {"unshelve": "SHELVED_OFFLOADED", "evacuate": "ERROR"}.get(way, "ACTIVE")
    (refusal,) = [one for one in await events(cloud, server, _action(way)) if one["result"] == "Error"]
    assert "→0 (vetoed" in refusal["details"]
    assert "The nearest host is " in refusal["details"]

    await only(cloud, target)
    await _move(cloud, server, way)
    await cloud.until(server, {"ACTIVE", "SHUTOFF", "VERIFY_RESIZE"})
    assert await host_of(cloud, server) == target
    told = [one["details"] for one in await events(cloud, server, _action(way)) if one["details"]]
    assert any(details.startswith(f"{target}; best of: {target} ") and "RAMWeigher" in details for details in told)


async def _move(cloud: RunningCloud, server: str, way: str) -> None:
    values: dict[str, Any] = {"os-migrateLive": ANY_HOST, "evacuate": {}}
    if way == "resize":
        values["resize"] = {"flavorRef": await cloud.flavor("m1.micro")}
    await act(cloud, server, way, values.get(way), ok=200 if way == "evacuate" else 202)


def _action(way: str) -> str:
    return {"os-migrateLive": "live-migration"}.get(way, way)


async def test_a_rebuild_from_another_image_asks_the_servers_own_host_and_no_other(cloud: RunningCloud) -> None:
    server = await cloud.active()
    host = await host_of(cloud, server["id"])
    other = await cloud.image("other")
    await only(cloud, *(host_names(cloud) - {host}))
    veto.images_asked.clear()

    await cloud.act(server["id"], "rebuild", {"imageRef": server["image"]["id"]})
    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert veto.images_asked == []

    await cloud.act(server["id"], "rebuild", {"imageRef": other})
    refused = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
    assert set(veto.images_asked) == {other}
    assert refused["status"] == "ERROR"
    assert refused["fault"]["message"] == (
        "No valid host was found. ImagePropertiesFilter 1→1, VetoFilter 1→0 (vetoed (1 host))"
    )
    assert refused["image"]["id"] == server["image"]["id"]

    await only(cloud, host)
    await cloud.act(server["id"], "rebuild", {"imageRef": other})
    rebuilt = await cloud.until(server["id"], {"ACTIVE"})
    assert rebuilt["image"]["id"] == other
    assert await host_of(cloud, server["id"]) == host


async def test_a_requested_host_is_filtered_and_a_forced_one_is_not(cloud: RunningCloud) -> None:
    cloud = RunningCloud(cloud.cloud, cloud.admin, cloud.admin)
    first, second, _ = sorted(host_names(cloud))
    await only(cloud, first)
    body = {"name": "one", "flavorRef": await cloud.flavor("m1.nano"), "networks": "none"}
    body["imageRef"] = await cloud.image()

    asked = body | {"host": second}
    told = await explained(cloud, {"server": asked})
    assert (told["placed"], told["reason"]) == (0, "own_filter")
    made = await create(cloud, asked)
    assert (await cloud.until(made, {"ACTIVE", "ERROR"}))["status"] == "ERROR"

    forced = body | {"availability_zone": f"nova:{second}"}
    told = await explained(cloud, {"server": forced})
    assert (told["placed"], told["hosts"]) == (1, [second])
    made = await create(cloud, forced)
    assert (await cloud.until(made, {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
    assert await host_of(cloud, made) == second


async def explained(cloud: RunningCloud, body: dict[str, Any]) -> dict[str, Any]:
    answer = await cloud.admin.post("/compute/v2.1/servers/explain", json=body, headers=VERSION)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["explanation"])


async def create(cloud: RunningCloud, server: dict[str, Any]) -> str:
    answer = await cloud.admin.post("/compute/v2.1/servers", json={"server": server}, headers=VERSION)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["server"]["id"])


async def test_a_server_stays_in_the_zone_it_was_created_for(cloud: RunningCloud) -> None:
    one, two, three = sorted(host_names(cloud))
    made = await cloud.admin.post(
        "/compute/v2.1/os-aggregates", json={"aggregate": {"name": "west", "availability_zone": "west"}}
    )
    number = made.json()["aggregate"]["id"]
    for host in (two, three):
        body = {"add_host": {"host": host}}
        assert (await cloud.admin.post(f"/compute/v2.1/os-aggregates/{number}/action", json=body)).status_code == 200
    server = (await cloud.active(availability_zone="west"))["id"]
    source = await host_of(cloud, server)
    (other,) = {two, three} - {source}
    await act(cloud, server, "migrate")
    await cloud.until(server, {"VERIFY_RESIZE", "ERROR"})
    assert await host_of(cloud, server) == other
    await act(cloud, server, "confirmResize", ok=204)
    await cloud.until(server, {"ACTIVE"})
    await only(cloud, one)
    await act(cloud, server, "migrate")
    await cloud.until(server, {"ACTIVE", "ERROR"})
    assert await host_of(cloud, server) == other

    await cloud.act(server, "shelve")
    await cloud.until(server, {"SHELVED_OFFLOADED"})
    await act(cloud, server, "unshelve", {"availability_zone": "nova"})
    await cloud.until(server, {"ACTIVE"})
    assert await host_of(cloud, server) == one
    await only(cloud, one, two, three)
    await act(cloud, server, "migrate")
    await cloud.until(server, {"ACTIVE"})
    assert await host_of(cloud, server) == one
    await cloud.act(server, "shelve")
    await cloud.until(server, {"SHELVED_OFFLOADED"})
    await only(cloud, two, three)
    await act(cloud, server, "unshelve", {"availability_zone": None, "host": two})
    await cloud.until(server, {"ACTIVE"})
    assert await host_of(cloud, server) == two


async def test_a_host_that_was_forced_at_the_create_binds_no_later_move(cloud: RunningCloud) -> None:
    first = sorted(host_names(cloud))[0]
    admin = RunningCloud(cloud.cloud, cloud.admin, cloud.admin)
    server = (await admin.active(availability_zone=f"nova:{first}"))["id"]
    assert await host_of(cloud, server) == first
    await admin.act(server, "shelve")
    await admin.until(server, {"SHELVED_OFFLOADED"})
    await only(cloud, *(host_names(cloud) - {first}))
    await act(cloud, server, "unshelve")
    await admin.until(server, {"ACTIVE"})
    assert await host_of(cloud, server) != first


async def test_explaining_makes_nothing_and_says_to_tenants_no_host_names(cloud: RunningCloud) -> None:
    body = {
        "server": {
            "name": "many",
            "flavorRef": await cloud.flavor("m1.large"),
            "imageRef": await cloud.image(),
            "networks": "none",
            "min_count": 2000,
        }
    }
    before = await cloud.ledger()
    answer = await cloud.http.post("/compute/v2.1/servers/explain", json=body, headers=VERSION)
    told = answer.json()["explanation"]

    assert misfits(document(ROUTES, 100), "POST", "/servers/explain", answer) == ""
    assert await cloud.ledger() == before
    assert (await cloud.http.get("/compute/v2.1/servers")).json()["servers"] == []
    assert told["count"] == 2000
    assert 0 < told["placed"] < 2000
    assert (told["reason"], told["filters"][-1]["passed"]) == ("resources", 0)
    assert told["filters"][-1]["lacks"]
    assert len(told["candidates"]) == 3
    assert {share["name"] for share in told["candidates"][0]["weights"]} >= {"RAMWeigher", "CPUWeigher"}
    assert not any(name in answer.text for name in host_names(cloud))
    shown = await explained(cloud, body)
    assert shown["filters"][-1]["nearest"] in host_names(cloud)
    assert shown["candidates"][0]["host"] in host_names(cloud)
    assert shown["message"] == told["message"]


async def test_explaining_checks_the_body_the_policy_and_the_quota_as_a_create_does(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", quota=1) as cloud:
        good = {"name": "x", "flavorRef": await cloud.flavor("m1.nano"), "networks": "none"}
        good["imageRef"] = await cloud.image()
        for server in (
            good | {"nonsense": 1},
            good | {"imageRef": "00000000-0000-4000-8000-000000000000"},
            good | {"min_count": 2},
            good | {"availability_zone": "nova:somewhere"},
        ):
            asked = await cloud.http.post("/compute/v2.1/servers/explain", json={"server": server}, headers=VERSION)
            made = await cloud.http.post("/compute/v2.1/servers", json={"server": server}, headers=VERSION)
            assert (asked.status_code, asked.json()) == (made.status_code, made.json())
            assert asked.status_code in (400, 403)


async def test_a_server_there_is_can_be_explained_too(cloud: RunningCloud) -> None:
    server = (await cloud.active())["id"]
    answer = await cloud.admin.get(f"/compute/v2.1/servers/{server}/explain", headers=VERSION)
    told = answer.json()["explanation"]
    assert (told["placed"], told["passed"], told["message"]) == (1, 3, None)
    assert {one["host"] for one in told["candidates"]} == host_names(cloud)
    assert (await cloud.http.get(f"/compute/v2.1/servers/{server}/explain", headers=VERSION)).status_code == 200


async def test_metrics_hosts_report_reach_the_scheduler(tmp_path: Path) -> None:
    sections = {"metrics": {"weight_setting": ("cpu.percent=-1.0",)}}
    monitored = {"compute_monitors": ("cpu.virt_driver",), "report_interval": 1}
    async with running_cloud(tmp_path / "state", hosts=2, sections=sections, **monitored) as cloud:
        body = {"name": "one", "flavorRef": await cloud.flavor("m1.nano"), "networks": "none"}
        body["imageRef"] = await cloud.image()
        async with asyncio.timeout(30):
            # Shares of time are known from the second report on; until then hosts are left out.
            while (told := await explained(cloud, {"server": body}))["passed"] < 2:
                assert told["reason"] in ("metrics_missing", None)
                await asyncio.sleep(0.1)
        shares = [share for one in told["candidates"] for share in one["weights"] if share["name"] == "MetricsWeigher"]
        assert len(shares) == 2
        assert all(-1.0 <= share["weight"] <= 0.0 for share in shares)


async def test_a_host_that_fails_three_builds_is_set_aside_at_once(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", hosts=2, report_interval=600) as cloud:
        assert cloud.cloud.hosts is not None
        assert cloud.cloud.hosts.fleet is not None
        bad = sorted(host_names(cloud))[0]
        cloud.cloud.hosts.fleet.faults.set(operation="define", host=bad, error="the disk is broken")
        cloud = RunningCloud(cloud.cloud, cloud.admin, cloud.admin)
        for number in range(3):
            made = await cloud.create(f"s-{number}", availability_zone=f"nova:{bad}")
            assert (await cloud.until(made["id"], {"ACTIVE", "ERROR"}))["status"] == "ERROR"
        body = {"name": "next", "flavorRef": await cloud.flavor("m1.nano"), "networks": "none"}
        body |= {"imageRef": await cloud.image(), "host": bad}
        async with asyncio.timeout(30):
            while (told := await explained(cloud, {"server": body}))["placed"]:
                await asyncio.sleep(0.02)
        assert told["reason"] == "not_in_service"
        assert told["filters"][-1]["short"] == "set aside after 3 failed builds (1 host)"
        figures = (await cloud.http.get("/metrics")).text
        assert 'kilonova_scheduler_hosts{state="set_aside"} 1.0' in figures


async def test_a_server_is_tried_on_as_many_hosts_as_are_allowed(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", hosts=4, sections={"scheduler": {"max_attempts": 2}}) as cloud:
        assert cloud.cloud.hosts is not None
        assert cloud.cloud.hosts.fleet is not None
        assert cloud.cloud.scheduler_service is not None
        cloud.cloud.hosts.fleet.faults.set(operation="define", error="the disk is broken")
        made = await cloud.create()
        assert (await cloud.until(made["id"], {"ACTIVE", "ERROR"}))["status"] == "ERROR"
        assert cloud.cloud.scheduler_service.counts.placed == 2


async def test_builds_that_are_over_do_not_count_as_going_on(tmp_path: Path) -> None:
    sections = {"filter_scheduler": {"enabled_filters": ("ComputeFilter", "IoOpsFilter")}}
    async with running_cloud(tmp_path / "state", hosts=1, sections=sections, report_interval=600) as cloud:
        for number in range(10):
            server = await cloud.active(f"s-{number}")
            await cloud.delete(server["id"])
