"""Hostile input gets a 4xx on every database: never a 5xx, and nothing is left behind."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kilonova.bus.local import LocalBus
from tests.api.cloud import PROJECT, Cloud
from tests.api.hosts import put_host
from tests.api.whole import whole_cloud

_LONG = "x" * 300
_HUGE = "9" * 40


@pytest.fixture
async def whole(tmp_path: Path, bus: LocalBus, database_url: str) -> AsyncIterator[Cloud]:
    async with whole_cloud(tmp_path, bus, database_url) as cloud:
        await put_host(cloud.db, "host1")
        yield cloud


_GETS = (
    "/os-keypairs/%00", "/os-keypairs/%F0%9F%98%80", f"/os-keypairs/{_LONG}", "/os-keypairs?user_id=%00",
    "/os-keypairs?marker=%00", f"/os-keypairs?limit={_HUGE}", "/os-keypairs?limit=-1",
    f"/os-aggregates/{_HUGE}", f"/os-aggregates/-{_HUGE}", "/os-aggregates/%00",
    f"/os-hypervisors/{_HUGE}", f"/os-hypervisors?limit=1&marker={_HUGE}", "/os-hypervisors/%00/search",
    "/os-hypervisors/%D9%A3", "/os-hypervisors/%C2%B2",
    f"/os-server-groups?limit={_HUGE}&offset={_HUGE}", "/os-server-groups/%00", "/os-server-groups?offset=x",
    f"/os-quota-sets/{_LONG}", "/os-quota-sets/%00", "/os-quota-class-sets/%00",
    f"/os-quota-sets/{PROJECT}?user_id=%00",
    "/limits?tenant_id=%00", "/flavors/%00/os-flavor-access", "/flavors/1/os-extra_specs/%00",
    "/os-migrations?instance_uuid=%00&status=%00&host=%00", f"/os-migrations?status={_LONG}",
    "/os-simple-tenant-usage?start=0001-01-01T00:00:00", "/os-simple-tenant-usage?start=9999-12-31T23:59:59",
    "/os-simple-tenant-usage/%00", "/os-instance_usage_audit_log/9999-12-31 23:59:59",
    "/os-hosts/%00", "/os-hosts?zone=%00", "/images/%00", "/images?name=%00", "/images?changes-since=x",
    "/os-networks/%00", "/os-volumes/%00", f"/os-volumes?offset={_HUGE}", f"/os-security-groups?offset={_HUGE}",
    "/os-floating-ips/%00", "/os-snapshots/%00", "/extensions/%00", "/os-services?host=%00",
)  # fmt: skip
_NUL = "a\0b"
_WRITES: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/os-keypairs", {"keypair": {"name": _NUL}}),
    ("POST", "/os-keypairs", {"keypair": {"name": "k", "public_key": f"ssh-rsa {_NUL}"}}),
    ("POST", "/os-keypairs", {"keypair": []}),
    ("POST", "/os-keypairs", []),
    ("POST", "/os-keypairs", None),
    ("POST", "/os-aggregates", {"aggregate": {"name": _NUL}}),
    ("POST", "/os-aggregates", {"aggregate": {"name": _LONG}}),
    ("POST", "/os-aggregates/1/action", {"set_metadata": {"metadata": {"k": _NUL}}}),
    ("POST", "/os-aggregates/1/action", {"set_metadata": {"metadata": {"k": _LONG}}}),
    ("POST", "/os-aggregates/1/action", {"add_host": {"host": _LONG}}),
    ("POST", "/os-server-groups", {"server_group": {"name": _NUL, "policies": ["affinity"]}}),
    ("PUT", f"/os-quota-sets/{PROJECT}", {"quota_set": {"cores": int(_HUGE)}}),
    ("PUT", f"/os-quota-sets/{PROJECT}?user_id={_LONG}", {"quota_set": {"cores": 1}}),
    ("PUT", f"/os-quota-sets/{_LONG}", {"quota_set": {"cores": 1}}),
    ("PUT", f"/os-quota-class-sets/{_LONG}", {"quota_class_set": {"cores": 1}}),
    ("PUT", "/os-services/disable-log-reason", {"host": "host1", "binary": "nova-compute", "disabled_reason": _LONG}),
    ("PUT", "/os-services/disable-log-reason", {"host": "host1", "binary": "nova-compute", "disabled_reason": _NUL}),
    ("POST", "/flavors", {"flavor": {"name": _NUL, "ram": 1, "vcpus": 1, "disk": 1}}),
    ("POST", "/flavors", {"flavor": {"name": "f", "ram": int(_HUGE), "vcpus": 1, "disk": 1}}),
    ("POST", "/flavors", {"flavor": {"name": "f", "ram": 1e300, "vcpus": 1, "disk": 1}}),
    ("POST", "/flavors", {"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": 1, "rxtx_factor": 1e300}}),
    ("POST", "/flavors/1/action", {"addTenantAccess": {"tenant": _LONG}}),
    ("POST", "/flavors/1/action", {"addTenantAccess": {"tenant": _NUL}}),
    ("POST", "/flavors/1/os-extra_specs", {"extra_specs": {"k": _NUL}}),
    ("POST", "/flavors/1/os-extra_specs", {"extra_specs": {"k": _LONG}}),
    ("POST", "/os-security-groups", {"security_group": {"name": _NUL, "description": "d"}}),
    ("POST", "/os-security-group-rules", {"security_group_rule": {"parent_group_id": {}}}),
    ("POST", "/os-volumes", {"volume": {"size": 1, "metadata": {"k": _NUL}}}),
    ("POST", "/os-floating-ips", {"pool": _NUL}),
    ("POST", "/os-server-external-events", {"events": [{"name": "network-changed", "server_uuid": _NUL}]}),
    ("POST", "/os-assisted-volume-snapshots", {"snapshot": {"volume_id": _NUL, "create_info": {}}}),
    ("DELETE", f"/os-services/{_HUGE}", None),
    ("DELETE", "/os-keypairs/%00", None),
    ("DELETE", f"/os-quota-sets/{PROJECT}?user_id=%00", None),
    ("DELETE", "/os-assisted-volume-snapshots/x?delete_info=[", None),
)


async def test_strange_urls_are_no_trouble(whole: Cloud) -> None:
    statuses = {path: (await whole.get(path, role="admin", version="2.35")).status_code for path in _GETS}
    assert {path: status for path, status in statuses.items() if status >= 500} == {}


async def test_strange_bodies_are_refused(whole: Cloud) -> None:
    size = {"ram": 1, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}
    await whole.post("/flavors", {"flavor": {"name": "1", "id": "1", **size}}, role="admin")
    await whole.post("/os-aggregates", {"aggregate": {"name": "a"}}, role="admin")
    wrong = {}
    for method, path, body in _WRITES:
        answer = await whole.call(method, path, role="admin", version="2.35", json=body)
        if not 400 <= answer.status_code < 500:
            wrong[f"{method} {path} {body}"] = (answer.status_code, answer.text)
    assert wrong == {}
