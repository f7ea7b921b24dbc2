"""Hypervisors: what they have, what their servers take, found by page, by name, by id."""

import pytest

from kilonova.bus.local import LocalBus
from tests.api.cloud import Cloud
from tests.api.hosts import LONG_AGO, agent_of, put_host
from tests.api.rows import put_servers


async def test_a_host_s_servers_are_taken_from_what_it_has(cloud: Cloud) -> None:
    await put_host(cloud.db, "host1")
    await put_servers(cloud.db, {}, {"task_state": "rebooting"}, {"deleted": 1}, {"host": "elsewhere"})
    (shown,) = (await cloud.get("/os-hypervisors/detail", role="admin")).json()["hypervisors"]
    assert (shown["vcpus"], shown["vcpus_used"], shown["memory_mb_used"], shown["local_gb_used"]) == (4, 2, 1024, 2)
    assert (shown["free_ram_mb"], shown["running_vms"], shown["current_workload"]) == (7168, 2, 1)
    assert (shown["cpu_info"], shown["id"]) == ('{"arch":"x86_64"}', 1)
    sums = (await cloud.get("/os-hypervisors/statistics", role="admin")).json()["hypervisor_statistics"]
    assert (sums["count"], sums["vcpus_used"], sums["memory_mb"]) == (1, 2, 8192)
    assert (await cloud.get("/os-hypervisors/statistics", role="admin", version="2.88")).status_code == 404


async def test_states_follow_the_host_s_service(cloud: Cloud) -> None:
    await put_host(cloud.db, "silent", last_seen_at=LONG_AGO)
    await put_host(cloud.db, "resting", disabled=1, disabled_reason="repair")
    listed = (await cloud.get("/os-hypervisors", role="admin")).json()["hypervisors"]
    assert [(one["state"], one["status"]) for one in listed] == [("down", "enabled"), ("up", "disabled")]
    shown = (await cloud.get("/os-hypervisors/2", role="admin")).json()["hypervisor"]
    assert shown["service"]["disabled_reason"] == "repair"


async def test_ids_are_uuids_from_2_53(cloud: Cloud) -> None:
    node_id = await put_host(cloud.db, "host1")
    shown = (await cloud.get(f"/os-hypervisors/{node_id}", role="admin", version="2.53")).json()["hypervisor"]
    assert (shown["id"], shown["cpu_info"]) == (node_id, {"arch": "x86_64"})
    assert (await cloud.get("/os-hypervisors/1", role="admin", version="2.53")).status_code == 400
    missing = await cloud.get(f"/os-hypervisors/{node_id}", role="admin")
    assert missing.json()["itemNotFound"]["message"] == f"Hypervisor with ID '{node_id}' could not be found."


async def test_pages_follow_one_another(cloud: Cloud) -> None:
    ids = [await put_host(cloud.db, f"h{number}") for number in range(3)]
    first = (await cloud.get("/os-hypervisors?limit=2", role="admin", version="2.53")).json()
    assert [one["id"] for one in first["hypervisors"]] == ids[:2]
    assert first["hypervisors_links"][0]["href"].endswith(f"/os-hypervisors?limit=2&marker={ids[1]}")
    rest = await cloud.get(f"/os-hypervisors/detail?limit=2&marker={ids[1]}", role="admin", version="2.53")
    assert [one["id"] for one in rest.json()["hypervisors"]] == ids[2:]
    assert (await cloud.get("/os-hypervisors?limit=2&marker=99", role="admin", version="2.33")).status_code == 400
    assert "hypervisors_links" not in (await cloud.get("/os-hypervisors?limit=2", role="admin")).json()


async def test_they_are_found_by_a_part_of_their_name_with_their_servers(cloud: Cloud) -> None:
    await put_host(cloud.db, "host1")
    await put_host(cloud.db, "other")
    (server_id,) = await put_servers(cloud.db, {"name": "web"})
    (old,) = (await cloud.get("/os-hypervisors/host/servers", role="admin")).json()["hypervisors"]
    assert old["servers"] == [{"uuid": server_id, "name": "web"}]
    (bare,) = (await cloud.get("/os-hypervisors/other/servers", role="admin")).json()["hypervisors"]
    assert "servers" not in bare
    query = "?hypervisor_hostname_pattern=other&with_servers=true"
    for version, there in (("2.53", False), ("2.75", True)):
        (new,) = (await cloud.get(f"/os-hypervisors{query}", role="admin", version=version)).json()["hypervisors"]
        assert ("servers" in new) is there
    none = await cloud.get("/os-hypervisors/nope/search", role="admin")
    assert none.json()["itemNotFound"]["message"] == "No hypervisor matching 'nope' could be found."
    both = await cloud.get("/os-hypervisors?hypervisor_hostname_pattern=h&limit=1", role="admin", version="2.53")
    assert both.status_code == 400


async def test_uptime_is_asked_of_the_host(cloud: Cloud, bus: LocalBus) -> None:
    node_id = await put_host(cloud.db, "host1")
    await put_host(cloud.db, "silent", last_seen_at=LONG_AGO)
    await agent_of(bus, "host1")
    assert (await cloud.get("/os-hypervisors/1/uptime", role="admin")).json()["hypervisor"]["uptime"].startswith(" up")
    silent = await cloud.get("/os-hypervisors/2/uptime", role="admin")
    assert silent.json()["badRequest"]["message"] == "Compute service of silent is unavailable at this time."
    shown = (await cloud.get("/os-hypervisors/detail", role="admin", version="2.88")).json()["hypervisors"]
    assert [one["uptime"] for one in shown] == [" up 1 days, 02:03", None]
    assert (await cloud.get(f"/os-hypervisors/{node_id}/uptime", role="admin", version="2.88")).status_code == 404


@pytest.mark.parametrize("path", ["", "/detail", "/1", "/statistics"])
async def test_they_are_for_admins(cloud: Cloud, path: str) -> None:
    await put_host(cloud.db, "host1")
    assert (await cloud.get(f"/os-hypervisors{path}", role="manager")).status_code == 403


async def test_a_list_costs_the_same_however_long(cloud: Cloud) -> None:
    for number in range(20):
        await put_host(cloud.db, f"h{number}")
    before = cloud.db.executed
    answer = await cloud.get("/os-hypervisors/detail?with_servers=1", role="admin", version="2.87")
    assert len(answer.json()["hypervisors"]) == 20
    assert cloud.db.executed - before == 3
