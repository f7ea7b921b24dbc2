"""The server view: which members at which microversion for whom. The sets are those of the API samples."""

import pytest

from tests.api.cloud import Cloud
from tests.api.rows import put_servers

_BASE = frozenset(
    {
        "OS-DCF:diskConfig", "OS-EXT-AZ:availability_zone", "OS-EXT-STS:power_state", "OS-EXT-STS:task_state",
        "OS-EXT-STS:vm_state", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "accessIPv4", "accessIPv6",
        "addresses", "config_drive", "created", "flavor", "hostId", "id", "image", "key_name", "links", "metadata",
        "name",
        "os-extended-volumes:volumes_attached", "progress", "security_groups", "status", "tenant_id", "updated",
        "user_id",
    }
)  # fmt: skip
_SMALL = frozenset(
    {
        "OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "addresses", "created", "flavor", "hostId", "id", "image",
        "links", "metadata", "name", "progress", "status", "tenant_id", "updated", "user_id",
    }
)  # fmt: skip
# Version → members that come with it, for everybody and for admins only.
_OPEN = {
    9: {"locked"},
    19: {"description"},
    26: {"tags"},
    63: {"trusted_image_certificates"},
    73: {"locked_reason"},
    90: {"OS-EXT-SRV-ATTR:hostname"},
    96: {"pinned_availability_zone"},
    100: {"scheduler_hints"},
}
_ADMIN = {
    1: {"OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name"},
    3: {
        "OS-EXT-SRV-ATTR:hostname", "OS-EXT-SRV-ATTR:kernel_id", "OS-EXT-SRV-ATTR:launch_index",
        "OS-EXT-SRV-ATTR:ramdisk_id", "OS-EXT-SRV-ATTR:reservation_id", "OS-EXT-SRV-ATTR:root_device_name",
        "OS-EXT-SRV-ATTR:user_data",
    },
    16: {"host_status"},
}  # fmt: skip
_ONLY_SHOWN = {71: {"server_groups"}}
_VERSIONS = (
    1,
    2,
    3,
    8,
    9,
    15,
    16,
    18,
    19,
    25,
    26,
    46,
    47,
    62,
    63,
    70,
    71,
    72,
    73,
    74,
    75,
    89,
    90,
    95,
    96,
    97,
    98,
    99,
    100,
    104,
)


def _members(base: frozenset[str], version: int, *tables: dict[int, set[str]]) -> set[str]:
    return set(base).union(*(names for table in tables for since, names in table.items() if since <= version))


@pytest.mark.parametrize("version", _VERSIONS)
async def test_show_and_detail_have_exactly_the_members_of_their_version(cloud: Cloud, version: int) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    for role, tables in (("member", (_OPEN,)), ("admin", (_OPEN, _ADMIN))):
        shown = (await cloud.get(f"/servers/{server_id}", role=role, version=f"2.{version}")).json()["server"]
        assert set(shown) == _members(_BASE, version, *tables, _ONLY_SHOWN)
        (listed,) = (await cloud.get("/servers/detail", role=role, version=f"2.{version}")).json()["servers"]
        assert set(listed) == _members(_BASE, version, *tables)


async def test_the_flavor_is_a_reference_below_2_47_and_its_values_after(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    old = (await cloud.get(f"/servers/{server_id}", version="2.46")).json()["server"]["flavor"]
    assert old == {"id": "1", "links": [{"rel": "bookmark", "href": "http://cloud.example/compute/flavors/1"}]}
    new = (await cloud.get(f"/servers/{server_id}", version="2.47")).json()["server"]["flavor"]
    assert new == {
        "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "m1.tiny",
        "extra_specs": {"hw:cpu_policy": "shared"},
    }  # fmt: skip


async def test_types_and_times_are_nova_s_field_by_field(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"config_drive": 1})
    shown = (await cloud.get(f"/servers/{server_id}", version="2.1")).json()["server"]
    assert shown["created"] == "2013-09-03T04:01:32Z"
    assert shown["OS-SRV-USG:launched_at"] == "2013-09-23T13:37:00.880302"
    assert shown["config_drive"] == "True"
    assert shown["OS-EXT-STS:power_state"] == 1
    assert len(shown["hostId"]) == 56
    assert shown["os-extended-volumes:volumes_attached"] == [{"id": "volume_id1"}]
    assert shown["image"]["links"][0]["rel"] == "bookmark"
    assert shown["progress"] == 0


async def test_image_properties_are_shown_from_2_98(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    shown = (await cloud.get(f"/servers/{server_id}", version="2.98")).json()["server"]
    assert shown["image"]["properties"] == {"architecture": "x86_64"}
    shown = (await cloud.get(f"/servers/{server_id}", version="2.97")).json()["server"]
    assert "properties" not in shown["image"]


async def test_a_volume_backed_server_has_an_empty_text_as_image(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"image_id": None})
    assert (await cloud.get(f"/servers/{server_id}")).json()["server"]["image"] == ""


async def test_a_fault_shows_only_in_error_and_its_details_only_to_admins(cloud: Cloud) -> None:
    fault = {"code": 500, "created": "2013-09-03T04:01:32.123456", "message": "No valid host", "details": "secret"}
    (server_id,) = await put_servers(cloud.db, {"vm_state": "error", "fault": fault, "host": None})
    shown = (await cloud.get(f"/servers/{server_id}")).json()["server"]
    assert shown["status"] == "ERROR"
    assert shown["fault"] == {"code": 500, "created": "2013-09-03T04:01:32Z", "message": "No valid host"}
    assert "progress" not in shown
    assert shown["hostId"] == ""
    admin = (await cloud.get(f"/servers/{server_id}", role="admin")).json()["server"]
    assert admin["fault"]["details"] == "secret"
    (running,) = await put_servers(cloud.db, {"fault": fault})
    assert "fault" not in (await cloud.get(f"/servers/{running}")).json()["server"]


@pytest.mark.parametrize(
    ("vm_state", "task_state", "status"),
    [
        ("building", "scheduling", "BUILD"),
        ("active", None, "ACTIVE"),
        ("active", "deleting", "ACTIVE"),
        ("active", "powering-off", "ACTIVE"),
        ("active", "rebooting", "REBOOT"),
        ("active", "rebooting_hard", "HARD_REBOOT"),
        ("active", "updating_password", "PASSWORD"),
        ("stopped", "rebuilding", "REBUILD"),
        ("error", "rebuild_spawning", "REBUILD"),
        ("stopped", "resize_prep", "RESIZE"),
        ("resized", None, "VERIFY_RESIZE"),
        ("resized", "resize_reverting", "REVERT_RESIZE"),
        ("paused", "migrating", "MIGRATING"),
        ("stopped", None, "SHUTOFF"),
        ("rescued", None, "RESCUE"),
        ("soft-delete", None, "SOFT_DELETED"),
        ("shelved_offloaded", None, "SHELVED_OFFLOADED"),
        ("wonderful", None, "UNKNOWN"),
    ],
)
async def test_status_follows_from_state_and_task(
    cloud: Cloud, vm_state: str, task_state: str | None, status: str
) -> None:
    (server_id,) = await put_servers(cloud.db, {"vm_state": vm_state, "task_state": task_state})
    assert (await cloud.get(f"/servers/{server_id}")).json()["server"]["status"] == status


# What an update shows below 2.75 besides the base: no more than this.
_CHANGED = {version: names for version, names in _OPEN.items() if version != 90} | _ONLY_SHOWN


@pytest.mark.parametrize("version", [version for version in _VERSIONS if version < 75])
async def test_an_update_shows_less_than_a_get_below_2_75(cloud: Cloud, version: int) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    answer = await cloud.put(f"/servers/{server_id}", {"server": {"name": "n"}}, role="admin", version=f"2.{version}")
    assert set(answer.json()["server"]) == _members(_SMALL, version, _CHANGED)


@pytest.mark.parametrize("version", [version for version in _VERSIONS if version >= 75])
async def test_an_update_shows_what_a_get_does_from_2_75(cloud: Cloud, version: int) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    answer = await cloud.put(f"/servers/{server_id}", {"server": {"name": "n"}}, role="admin", version=f"2.{version}")
    assert set(answer.json()["server"]) == _members(_BASE, version, _OPEN, _ADMIN, _ONLY_SHOWN)
