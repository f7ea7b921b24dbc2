"""Services and the zones they are in."""

from typing import Any

import pytest

from kilonova.bus.local import LocalBus
from tests.api.cloud import Cloud
from tests.api.hosts import LONG_AGO, eventually, put_host, put_service, scheduler_on
from tests.api.rows import put_servers


async def listed(cloud: Cloud, query: str = "", version: str = "2.53") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await cloud.get(f"/os-services{query}", role="admin", version=version)).json()[
        "services"
    ]
    return found


async def test_a_list_tells_states_and_zones(cloud: Cloud) -> None:
    await put_service(cloud.db, "nova-scheduler", "control")
    await put_host(cloud.db, "silent", last_seen_at=LONG_AGO)
    await put_host(cloud.db, "held", forced_down=1, disabled=1, disabled_reason="x")
    shown = await listed(cloud)
    assert [(one["zone"], one["state"], one["status"]) for one in shown] == [
        ("internal", "up", "enabled"),
        ("nova", "down", "enabled"),
        ("nova", "down", "disabled"),
    ]
    assert [one["host"] for one in await listed(cloud, "?binary=nova-compute&host=held")] == ["held"]
    assert [one["id"] for one in await listed(cloud, version="2.52")] == [1, 2, 3]


async def test_below_2_53_a_verb_in_the_url_changes_a_service(cloud: Cloud, bus: LocalBus) -> None:
    scheduler = await scheduler_on(bus)
    await put_host(cloud.db, "host1")
    body = {"host": "host1", "binary": "nova-compute"}

    async def put(verb: str, version: str = "2.11", **more: Any) -> Any:
        return await cloud.put(f"/os-services/{verb}", {**body, **more}, role="admin", version=version)

    assert (await put("disable")).json() == {"service": {**body, "status": "disabled"}}
    reasoned = await put("disable-log-reason", disabled_reason="why")
    assert reasoned.json() == {"service": {**body, "status": "disabled", "disabled_reason": "why"}}
    assert (await listed(cloud))[0]["disabled_reason"] == "why"
    assert (await put("disable-log-reason")).status_code == 400
    assert (await put("enable")).json() == {"service": {**body, "status": "enabled"}}
    assert (await put("force-down", forced_down=True)).json() == {"service": {**body, "forced_down": True}}
    assert (await put("force-down", version="2.10")).status_code == 404
    assert (await put("explode")).status_code == 404
    assert (await put("enable", host="nowhere")).json()["itemNotFound"]["message"] == (
        "Could not find binary nova-compute on host nowhere."
    )
    await eventually(lambda: scheduler.heard == [("host1",)] * 4)


async def test_from_2_53_on_a_service_is_changed_by_its_id(cloud: Cloud, bus: LocalBus) -> None:
    scheduler = await scheduler_on(bus)
    await put_host(cloud.db, "host1")
    other = await put_service(cloud.db, "nova-scheduler", "control")
    service_id = (await listed(cloud))[0]["id"]

    async def put(body: dict[str, Any], identifier: str = service_id) -> Any:
        return await cloud.put(f"/os-services/{identifier}", body, role="admin", version="2.53")

    changed = await put({"status": "disabled", "disabled_reason": "why"})
    assert changed.json()["service"]["disabled_reason"] == "why"
    assert changed.json()["service"].keys() == (await listed(cloud))[0].keys()
    assert (await put({"forced_down": "true"})).json()["service"]["state"] == "down"
    assert (await put({})).status_code == 400
    assert (await put({"disabled_reason": "why"})).status_code == 400
    assert (await put({"status": "enabled"}, other)).json()["badRequest"]["message"] == (
        "Updating a nova-scheduler service is not supported. Only nova-compute services can be updated."
    )
    assert (await put({"status": "enabled"}, "1")).status_code == 400
    missing = "00000000-0000-4000-8000-000000000000"
    assert (await put({"status": "enabled"}, missing)).status_code == 404
    await eventually(lambda: scheduler.heard == [("host1",), ("host1",)])


async def test_a_host_with_servers_keeps_its_service(cloud: Cloud) -> None:
    await put_host(cloud.db, "host1")
    await put_host(cloud.db, "empty")
    made = await cloud.post("/os-aggregates", {"aggregate": {"name": "a"}}, role="admin")
    path = f"/os-aggregates/{made.json()['aggregate']['id']}"
    await cloud.post(f"{path}/action", {"add_host": {"host": "empty"}}, role="admin")
    await put_servers(cloud.db, {})
    assert (await cloud.delete("/os-services/1", role="admin")).status_code == 409
    assert (await cloud.delete("/os-services/2", role="admin")).status_code == 204
    assert [one["host"] for one in await listed(cloud)] == ["host1"]
    assert (await cloud.get(path, role="admin")).json()["aggregate"]["hosts"] == []
    hypervisors = (await cloud.get("/os-hypervisors", role="admin")).json()["hypervisors"]
    assert [one["hypervisor_hostname"] for one in hypervisors] == ["host1.example"]
    for identifier, status in (("2", 404), ("two", 400)):
        assert (await cloud.delete(f"/os-services/{identifier}", role="admin")).status_code == status


async def test_zones_are_those_of_hosts_in_service(cloud: Cloud) -> None:
    await put_service(cloud.db, "nova-conductor", "control")
    await put_host(cloud.db, "host1")
    await put_host(cloud.db, "host2", disabled=1)
    made = await cloud.post("/os-aggregates", {"aggregate": {"name": "a", "availability_zone": "far"}}, role="admin")
    path = f"/os-aggregates/{made.json()['aggregate']['id']}/action"
    await cloud.post(path, {"add_host": {"host": "host2"}}, role="admin")
    shown = (await cloud.get("/os-availability-zone", role="nobody")).json()["availabilityZoneInfo"]
    assert shown == [
        {"zoneName": "nova", "zoneState": {"available": True}, "hosts": None},
        {"zoneName": "far", "zoneState": {"available": False}, "hosts": None},
    ]
    detail = (await cloud.get("/os-availability-zone/detail", role="admin")).json()["availabilityZoneInfo"]
    assert [one["zoneName"] for one in detail] == ["internal", "nova", "far"]
    assert detail[1]["hosts"] == {
        "host1": {"nova-compute": {"active": True, "available": True, "updated_at": LONG_AGO}}
    }


@pytest.mark.parametrize("path", ["/os-services", "/os-availability-zone/detail", "/os-aggregates"])
async def test_they_are_for_admins(cloud: Cloud, path: str) -> None:
    assert (await cloud.get(path, role="manager")).status_code == 403
