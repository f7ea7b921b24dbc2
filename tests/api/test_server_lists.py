"""Lists of servers: filters, order, pages, isolation, and how many statements they cost."""

from typing import Any

import pytest

from tests.api.cloud import OTHER_PROJECT, Cloud
from tests.api.rows import put_servers

_LATER = "2026-02-01T00:00:00.000000"


async def _names(cloud: Cloud, query: str = "", **more: Any) -> list[str]:
    answer = await cloud.get(f"/servers{query}", **more)
    assert answer.status_code == 200, answer.text
    return [server["name"] for server in answer.json()["servers"]]


async def _some(cloud: Cloud) -> None:
    await put_servers(
        cloud.db,
        {"name": "web-1", "created_at": "2026-01-01T00:00:01.000000", "tags": ["red", "blue"], "host": "host1"},
        {"name": "web-2", "created_at": "2026-01-01T00:00:02.000000", "tags": ["red"], "vm_state": "stopped"},
        {"name": "db-1", "created_at": "2026-01-01T00:00:03.000000", "locked_by": "owner", "task_state": "rebooting"},
        {"name": "gone", "created_at": "2026-01-01T00:00:04.000000", "deleted": 1, "updated_at": _LATER},
        {"name": "theirs", "created_at": "2026-01-01T00:00:05.000000", "project_id": OTHER_PROJECT},
    )  # fmt: skip


async def test_newest_come_first_and_only_one_s_own(cloud: Cloud) -> None:
    await _some(cloud)
    assert await _names(cloud) == ["db-1", "web-2", "web-1"]
    assert await _names(cloud, role="admin") == ["db-1", "web-2", "web-1"]
    assert await _names(cloud, "?all_tenants=1", role="admin") == ["theirs", "db-1", "web-2", "web-1"]


@pytest.mark.parametrize(
    ("query", "version", "expected"),
    [
        ("?name=web", "2.1", ["web-2", "web-1"]),
        ("?name=^WEB-1$", "2.1", ["web-1"]),
        ("?name=1$", "2.1", ["db-1", "web-1"]),
        ("?status=SHUTOFF", "2.1", ["web-2"]),
        ("?status=shutoff&status=REBOOT", "2.1", ["db-1", "web-2", "web-1"]),
        ("?status=REBOOT", "2.1", ["db-1"]),
        ("?status=nonsense", "2.37", []),
        ("?host=nowhere", "2.1", ["db-1", "web-2", "web-1"]),
        ("?tags=red", "2.26", ["web-2", "web-1"]),
        ("?tags=red,blue", "2.26", ["web-1"]),
        ("?tags-any=blue,green", "2.26", ["web-1"]),
        ("?not-tags=red,blue", "2.26", ["db-1", "web-2"]),
        ("?not-tags-any=red,blue", "2.26", ["db-1"]),
        ("?locked=true", "2.73", ["db-1"]),
        ("?locked=false", "2.73", ["web-2", "web-1"]),
        ("?ip=192.168", "2.1", ["db-1", "web-2", "web-1"]),
        ("?ip=^168", "2.1", []),
        ("?ip=30$", "2.1", ["db-1", "web-2", "web-1"]),
        ("?flavor=nope", "2.1", []),
        ("?changes-since=2026-01-15T00:00:00Z", "2.1", ["gone"]),
        ("?sort_key=display_name&sort_dir=asc", "2.1", ["db-1", "web-1", "web-2"]),
        ("?sort_key=task_state&sort_dir=desc", "2.1", ["db-1", "web-2", "web-1"]),
        ("?vm_state=stopped", "2.83", ["web-2"]),
        ("?vm_state=stopped", "2.82", ["db-1", "web-2", "web-1"]),
        ("?limit=0", "2.1", []),
    ],
)
async def test_filters_mean_what_they_mean_in_nova(cloud: Cloud, query: str, version: str, expected: list[str]) -> None:
    await _some(cloud)
    assert await _names(cloud, query, version=version) == expected


@pytest.mark.parametrize(
    ("query", "version", "role", "status"),
    [
        ("?status=nonsense", "2.38", "member", 400),
        ("?status=DELETED", "2.1", "member", 403),
        ("?all_tenants=1", "2.1", "member", 403),
        ("?all_tenants=perhaps", "2.1", "member", 400),
        ("?sort_key=host", "2.1", "member", 403),
        ("?sort_key=nonsense", "2.1", "member", 400),
        ("?sort_key=vcpus", "2.75", "member", 400),
        ("?metadata=x", "2.1", "admin", 400),
        ("?name=[", "2.1", "member", 400),
        ("?limit=x", "2.1", "member", 400),
        ("?marker=nope", "2.1", "member", 400),
        ("?changes-since=2026-02-01T00:00:00Z&changes-before=2026-01-01T00:00:00Z", "2.66", "member", 400),
        ("?changes-since=yesterday", "2.1", "member", 400),
        ("?colour=red", "2.75", "member", 400),
    ],
)
async def test_what_a_list_refuses(cloud: Cloud, query: str, version: str, role: str, status: int) -> None:
    answer = await cloud.get(f"/servers{query}", version=version, role=role)
    assert answer.status_code == status, answer.text


async def test_pages_follow_one_another_by_their_links(cloud: Cloud) -> None:
    await put_servers(cloud.db, *({"name": f"s{n}", "created_at": "2026-01-01T00:00:00.000000"} for n in range(7)))
    seen: list[str] = []
    path = "/servers?limit=3&sort_key=display_name&sort_dir=asc"
    while path:
        page = (await cloud.get(path)).json()
        seen += [server["name"] for server in page["servers"]]
        links = page.get("servers_links", [])
        path = links[0]["href"].removeprefix("http://cloud.example/compute/v2.1") if links else ""
    assert seen == [f"s{n}" for n in range(7)]


async def test_a_list_costs_the_same_number_of_statements_however_long(cloud: Cloud) -> None:
    await put_servers(cloud.db, *({"name": f"s{n}", "host": f"h{n}"} for n in range(30)))
    for role, most in (("member", 1), ("admin", 2)):
        before = cloud.db.executed
        assert len((await cloud.get("/servers/detail", role=role, version="2.100")).json()["servers"]) == 30
        assert cloud.db.executed - before == most


@pytest.mark.parametrize(
    ("query", "role", "expected"),
    [
        ("", "member", ["runs"]),
        ("", "admin", ["runs"]),
        ("?status=SOFT_DELETED", "member", ["restorable"]),
        ("?vm_state=soft-delete", "admin", ["restorable"]),
        ("?soft_deleted=true", "admin", ["restorable", "runs"]),
        ("?soft_deleted=true", "member", ["runs"]),
        ("?deleted=true", "admin", ["gone", "restorable"]),
        ("?deleted=true&soft_deleted=false", "admin", ["gone"]),
        ("?deleted=false", "admin", ["runs"]),
        ("?changes-since=2001-01-01T00:00:00Z", "member", ["gone", "restorable", "runs"]),
    ],
)
async def test_what_can_be_restored_shows_to_who_asks_for_it(
    cloud: Cloud, query: str, role: str, expected: list[str]
) -> None:
    await put_servers(
        cloud.db,
        {"name": "runs"},
        {"name": "restorable", "vm_state": "soft-delete"},
        {"name": "gone", "vm_state": "deleted", "deleted": 1},
    )
    assert sorted(await _names(cloud, query, role=role)) == expected


async def test_others_servers_are_not_found(cloud: Cloud) -> None:
    (theirs,) = await put_servers(cloud.db, {"project_id": OTHER_PROJECT})
    answer = await cloud.get(f"/servers/{theirs}")
    assert answer.status_code == 404
    assert answer.json()["itemNotFound"]["message"] == f"Instance {theirs} could not be found."
    assert (await cloud.get(f"/servers/{theirs}", role="admin")).status_code == 200
    assert (await cloud.get("/servers/not-a-uuid")).status_code == 404


async def test_without_a_role_policy_forbids(cloud: Cloud) -> None:
    answer = await cloud.get("/servers", role="nobody")
    assert answer.status_code == 403
    assert answer.json()["forbidden"]["message"] == "Policy doesn't allow os_compute_api:servers:index to be performed."
