"""Host aggregates: hosts come and go, and no server changes its zone by it."""

from typing import Any

import pytest

from kilonova.bus.local import LocalBus
from tests.api.cloud import Cloud
from tests.api.hosts import agent_of, eventually, put_host, scheduler_on
from tests.api.rows import put_servers

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"


async def make(cloud: Cloud, name: str, zone: str | None = None) -> str:
    answer = await cloud.post("/os-aggregates", {"aggregate": {"name": name, "availability_zone": zone}}, role="admin")
    assert answer.status_code == 200, answer.text
    return f"/os-aggregates/{answer.json()['aggregate']['id']}"


async def act(cloud: Cloud, path: str, action: str, **value: Any) -> Any:
    return await cloud.post(f"{path}/action", {action: value}, role="admin")


async def test_hosts_come_and_go_and_schedulers_hear_of_it(cloud: Cloud, bus: LocalBus) -> None:
    scheduler = await scheduler_on(bus)
    await put_host(cloud.db, "host1")
    path = await make(cloud, "fast")
    assert (await act(cloud, path, "add_host", host="host1")).json()["aggregate"]["hosts"] == ["host1"]
    again = await act(cloud, path, "add_host", host="host1")
    assert again.json()["conflictingRequest"]["message"] == "Aggregate 1 already has host host1."
    assert (await act(cloud, path, "add_host", host="nowhere")).json()["itemNotFound"]["message"] == (
        "Compute host nowhere could not be found."
    )
    assert (await cloud.delete(path, role="admin")).status_code == 400
    assert (await act(cloud, path, "remove_host", host="host1")).json()["aggregate"]["hosts"] == []
    assert (await act(cloud, path, "remove_host", host="host1")).status_code == 404
    assert (await cloud.delete(path, role="admin")).status_code == 200
    assert (await cloud.get(path, role="admin")).status_code == 404
    await eventually(lambda: scheduler.heard == [("host1",), ("host1",)])


async def test_metadata_is_merged_and_null_takes_away(cloud: Cloud) -> None:
    path = await make(cloud, "fast", "london")
    changed = await act(cloud, path, "set_metadata", metadata={"ssd": "true", "old": "1"})
    assert changed.json()["aggregate"]["metadata"] == {"availability_zone": "london", "ssd": "true", "old": "1"}
    changed = await act(cloud, path, "set_metadata", metadata={"old": None})
    assert changed.json()["aggregate"]["metadata"] == {"availability_zone": "london", "ssd": "true"}
    renamed = await cloud.put(path, {"aggregate": {"name": "slow", "availability_zone": "paris"}}, role="admin")
    shown = renamed.json()["aggregate"]
    assert (shown["name"], shown["availability_zone"], shown["metadata"]["ssd"]) == ("slow", "paris", "true")
    assert shown["updated_at"] is not None


async def test_names_are_taken_once(cloud: Cloud) -> None:
    await make(cloud, "a")
    path = await make(cloud, "b")
    answer = await cloud.post("/os-aggregates", {"aggregate": {"name": "a"}}, role="admin")
    assert answer.json()["conflictingRequest"]["message"] == "Aggregate a already exists."
    assert (await cloud.put(path, {"aggregate": {"name": "a"}}, role="admin")).status_code == 409


async def test_a_host_is_in_one_zone_at_most(cloud: Cloud) -> None:
    await put_host(cloud.db, "host1")
    london, paris, plain = await make(cloud, "l", "london"), await make(cloud, "p", "paris"), await make(cloud, "x")
    await act(cloud, london, "add_host", host="host1")
    assert (await act(cloud, paris, "add_host", host="host1")).status_code == 409
    assert (await act(cloud, plain, "add_host", host="host1")).status_code == 200
    assert (await act(cloud, plain, "set_metadata", metadata={"availability_zone": "paris"})).status_code == 400
    assert (await act(cloud, plain, "set_metadata", metadata={"availability_zone": "london"})).status_code == 200


async def test_servers_are_not_moved_to_another_zone_under_their_owners_feet(cloud: Cloud) -> None:
    await put_host(cloud.db, "host1")
    london, other = await make(cloud, "l", "london"), await make(cloud, "o", "other")
    await act(cloud, london, "add_host", host="host1")
    await put_servers(cloud.db, {})
    assert (await act(cloud, london, "remove_host", host="host1")).status_code == 409
    assert (await act(cloud, other, "add_host", host="host1")).status_code == 409
    moved = await cloud.put(london, {"aggregate": {"availability_zone": "paris"}}, role="admin")
    assert moved.status_code == 400


async def test_images_are_had_ready_on_all_hosts(cloud: Cloud, bus: LocalBus) -> None:
    agent = await agent_of(bus, "host1")
    await put_host(cloud.db, "host1")
    path = await make(cloud, "fast")
    await act(cloud, path, "add_host", host="host1")
    answer = await cloud.post(f"{path}/images", {"cache": [{"id": IMAGE}]}, role="admin", version="2.81")
    assert (answer.status_code, answer.content) == (202, b"")
    await eventually(lambda: agent.cached == [IMAGE])
    twice = {"cache": [{"id": IMAGE}, {"id": IMAGE}]}
    assert (await cloud.post(f"{path}/images", twice, role="admin", version="2.81")).status_code == 400
    assert (await cloud.post(f"{path}/images", twice, role="admin", version="2.80")).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("/os-aggregates/x", 400), ("/os-aggregates/99", 404), ("/os-aggregates/99999999999999999999", 400)],
)
async def test_ids_are_numbers(cloud: Cloud, path: str, status: int) -> None:
    assert (await cloud.get(path, role="admin")).status_code == status
