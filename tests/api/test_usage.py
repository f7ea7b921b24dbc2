"""What servers used, by project and span of time."""

from typing import Any

import pytest

from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.hosts import put_host
from tests.api.rows import put_servers

_SPAN = "start=2026-01-01T00:00:00&end=2026-01-02T00:00:00"


async def some(cloud: Cloud) -> None:
    await put_servers(
        cloud.db,
        {"name": "old", "launched_at": "2025-12-31T00:00:00.000000"},
        {"name": "short", "launched_at": "2026-01-01T06:00:00.000000", "terminated_at": "2026-01-01T18:00:00.000000",
         "deleted": 1},
        {"name": "over", "launched_at": "2025-12-01T00:00:00.000000", "terminated_at": "2025-12-02T00:00:00.000000"},
        {"name": "later", "launched_at": "2026-02-01T00:00:00.000000"},
        {"name": "never", "launched_at": None},
        {"name": "theirs", "launched_at": "2026-01-01T12:00:00.000000", "project_id": OTHER_PROJECT},
    )  # fmt: skip


async def test_hours_are_those_within_the_span(cloud: Cloud) -> None:
    await some(cloud)
    used = (await cloud.get(f"/os-simple-tenant-usage/{PROJECT}?{_SPAN}")).json()["tenant_usage"]
    assert (used["total_hours"], used["total_memory_mb_usage"]) == (36.0, 36.0 * 512)
    by_name = {one["name"]: one for one in used["server_usages"]}
    assert by_name.keys() == {"old", "short"}
    assert (by_name["short"]["hours"], by_name["short"]["uptime"], by_name["short"]["state"]) == (
        12.0, 43200, "terminated",
    )  # fmt: skip
    assert (by_name["old"]["ended_at"], by_name["old"]["state"], by_name["old"]["local_gb"]) == (None, "active", 1)


async def test_operators_see_every_project_s(cloud: Cloud) -> None:
    await some(cloud)
    listed = (await cloud.get(f"/os-simple-tenant-usage?{_SPAN}", role="admin")).json()["tenant_usages"]
    assert {one["tenant_id"]: one["total_hours"] for one in listed} == {PROJECT: 36.0, OTHER_PROJECT: 12.0}
    assert not any("server_usages" in one for one in listed)
    detailed = await cloud.get(f"/os-simple-tenant-usage?{_SPAN}&detailed=1", role="admin")
    assert all("server_usages" in one for one in detailed.json()["tenant_usages"])
    assert (await cloud.get("/os-simple-tenant-usage")).status_code == 403
    assert (await cloud.get(f"/os-simple-tenant-usage/{OTHER_PROJECT}")).status_code == 403
    nothing = await cloud.get(f"/os-simple-tenant-usage/{'0' * 32}", role="admin")
    assert nothing.json() == {"tenant_usage": {}}


async def test_it_pages_by_server_from_2_40(cloud: Cloud) -> None:
    await some(cloud)
    seen: list[str] = []
    path = f"/os-simple-tenant-usage?{_SPAN}&detailed=1&limit=1"
    while path:
        page: dict[str, Any] = (await cloud.get(path, role="admin", version="2.40")).json()
        seen += [server["name"] for one in page["tenant_usages"] for server in one["server_usages"]]
        links = page.get("tenant_usages_links", [])
        path = links[0]["href"].removeprefix("http://cloud.example/compute/v2.1") if links else ""
    assert sorted(seen) == ["old", "short", "theirs"]
    assert (await cloud.get("/os-simple-tenant-usage?marker=x", role="admin", version="2.40")).status_code == 400


@pytest.mark.parametrize("query", ["start=yesterday", "start=2026-01-02T00:00:00&end=2026-01-01T00:00:00"])
async def test_a_span_must_be_one(cloud: Cloud, query: str) -> None:
    assert (await cloud.get(f"/os-simple-tenant-usage?{query}", role="admin")).status_code == 400


@pytest.mark.parametrize("form", ["2026-01-01T00:00:00", "2026-01-01T00:00:00.000001", "2026-01-01 00:00:00.000001"])
async def test_three_forms_of_time_are_taken(cloud: Cloud, form: str) -> None:
    assert (await cloud.get(f"/os-simple-tenant-usage?start={form}", role="admin")).status_code == 200


async def test_audits_name_the_hosts_that_ran_none(cloud: Cloud) -> None:
    await put_host(cloud.db, "host1")
    log = (await cloud.get("/os-instance_usage_audit_log", role="admin")).json()["instance_usage_audit_logs"]
    assert (log["hosts_not_run"], log["overall_status"]) == (["host1"], "0 of 1 hosts done. 0 errors.")
    shown = await cloud.get("/os-instance_usage_audit_log/2026-03-31 12:00:00", role="admin")
    log = shown.json()["instance_usage_audit_log"]
    assert (log["period_beginning"], log["period_ending"]) == ("2026-02-01 00:00:00", "2026-03-01 00:00:00")
    for text in ("soon", "0001-01-01 00:00:00"):
        assert (await cloud.get(f"/os-instance_usage_audit_log/{text}", role="admin")).status_code == 400
