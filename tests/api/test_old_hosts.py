"""Hosts as they were managed until 2.42."""

import pytest

from kilonova.bus.local import LocalBus
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.hosts import eventually, put_host, put_service, scheduler_on
from tests.api.rows import put_servers


async def test_services_in_use_are_listed_by_host(cloud: Cloud) -> None:
    await put_service(cloud.db, "nova-conductor", "control")
    await put_host(cloud.db, "host1")
    await put_host(cloud.db, "host2", disabled=1)
    listed = (await cloud.get("/os-hosts", role="admin")).json()["hosts"]
    assert listed == [
        {"host_name": "control", "service": "conductor", "zone": "internal"},
        {"host_name": "host1", "service": "compute", "zone": "nova"},
    ]
    assert len((await cloud.get("/os-hosts?zone=nova", role="admin")).json()["hosts"]) == 1
    assert (await cloud.get("/os-hosts", role="admin", version="2.43")).status_code == 404


async def test_a_host_s_amounts_are_told_by_project(cloud: Cloud) -> None:
    await put_host(cloud.db, "host1")
    await put_servers(cloud.db, {}, {}, {"project_id": OTHER_PROJECT})
    rows = [one["resource"] for one in (await cloud.get("/os-hosts/host1", role="admin")).json()["host"]]
    assert [(one["project"], one["cpu"], one["memory_mb"]) for one in rows] == [
        ("(total)", 4, 8192),
        ("(used_now)", 3, 1536),
        ("(used_max)", 3, 1536),
        (PROJECT, 2, 1024),
        (OTHER_PROJECT, 1, 512),
    ]
    assert (await cloud.get("/os-hosts/nowhere", role="admin")).status_code == 404


async def test_a_host_is_disabled_and_enabled(cloud: Cloud, bus: LocalBus) -> None:
    scheduler = await scheduler_on(bus)
    await put_host(cloud.db, "host1")
    off = await cloud.put("/os-hosts/host1", {"status": "disable"}, role="admin")
    assert off.json() == {"host": "host1", "status": "disabled"}
    assert (await cloud.get("/os-hosts", role="admin")).json() == {"hosts": []}
    on = await cloud.put("/os-hosts/host1", {"status": "Enable"}, role="admin")
    assert on.json() == {"host": "host1", "status": "enabled"}
    await eventually(lambda: scheduler.heard == [("host1",), ("host1",)])


@pytest.mark.parametrize(
    ("body", "status"), [({}, 400), ({"status": "maybe"}, 400), ({"maintenance_mode": "enable"}, 501)]
)
async def test_what_a_host_cannot_be_told(cloud: Cloud, body: dict[str, str], status: int) -> None:
    await put_host(cloud.db, "host1")
    assert (await cloud.put("/os-hosts/host1", body, role="admin")).status_code == status


@pytest.mark.parametrize("action", ["reboot", "shutdown", "startup"])
async def test_no_driver_switches_hosts(cloud: Cloud, action: str) -> None:
    await put_host(cloud.db, "host1")
    assert (await cloud.get(f"/os-hosts/host1/{action}", role="admin")).status_code == 501
    assert (await cloud.get(f"/os-hosts/nowhere/{action}", role="admin")).status_code == 404
