"""Moves between hosts: what each call takes at which version, who may, and what is stored to be done."""

from typing import Any

import msgspec
import pytest

from kilonova.db.tables.sagas import sagas
from kilonova.db.tables.servers import migrations
from tests.api.cloud import Cloud
from tests.api.hosts import LONG_AGO, put_host
from tests.api.rows import put_servers
from tests.api.test_server_create import rows


async def act(cloud: Cloud, server_id: str, action: str, value: Any, **more: Any) -> Any:
    return await cloud.post(f"/servers/{server_id}/action", {action: value}, **more)


async def hosted(cloud: Cloud, **columns: Any) -> str:
    """A server on `here`; there is a host `there` too."""
    await put_host(cloud.db, "here")
    await put_host(cloud.db, "there")
    (server_id,) = await put_servers(cloud.db, {"host": "here", **columns})
    return server_id


async def stored(cloud: Cloud) -> tuple[str, dict[str, Any]]:
    """The last saga's name and parameters."""
    row = (await rows(cloud, sagas))[-1]
    return str(row["name"]), msgspec.json.decode(row["params"])


async def test_a_host_to_migrate_to_can_be_named_since_2_56(cloud: Cloud) -> None:
    server_id = await hosted(cloud)
    assert (await act(cloud, server_id, "migrate", {"name": "x"}, role="admin", version="2.56")).status_code == 400
    same = await act(cloud, server_id, "migrate", {"host": "here"}, role="admin", version="2.56")
    assert same.json()["badRequest"]["message"] == "Cannot migrate to the host where the server exists."
    unknown = await act(cloud, server_id, "migrate", {"host": "gone"}, role="admin", version="2.56")
    assert unknown.json()["badRequest"]["message"] == "Compute host gone could not be found."
    assert (await act(cloud, server_id, "migrate", {"host": "there"}, role="admin", version="2.56")).status_code == 202

    name, params = await stored(cloud)
    assert (name, params["host"]) == ("server_migrate", "there")
    (record,) = await rows(cloud, migrations)
    assert (record["migration_type"], record["status"], record["dest_compute"]) == ("migration", "pre-migrating", None)


async def test_members_may_not_migrate(cloud: Cloud) -> None:
    server_id = await hosted(cloud)
    assert (await act(cloud, server_id, "migrate", None)).status_code == 403
    body = {"host": None, "block_migration": "auto"}
    assert (await act(cloud, server_id, "os-migrateLive", body, version="2.25")).status_code == 403
    assert (await act(cloud, server_id, "evacuate", {}, version="2.29")).status_code == 403


@pytest.mark.parametrize(
    ("version", "value", "status"),
    [
        ("2.24", {"host": None, "block_migration": False}, 400),
        ("2.34", {"host": "there", "block_migration": "auto", "disk_over_commit": False}, 400),
        ("2.34", {"block_migration": "auto"}, 400),
        ("2.34", {"host": "there", "block_migration": "sometimes"}, 400),
        ("2.34", {"host": "here", "block_migration": "auto"}, 400),
        ("2.34", {"host": None, "block_migration": "auto", "force": True}, 400),
        ("2.68", {"host": "there", "block_migration": "auto", "force": True}, 400),
        ("2.67", {"host": "there", "block_migration": "auto", "force": True}, 202),
        ("2.104", {"host": "there", "block_migration": "auto"}, 202),
    ],
)
async def test_a_live_migration_says_what_its_version_asks(
    cloud: Cloud, version: str, value: dict[str, Any], status: int
) -> None:
    server_id = await hosted(cloud)
    answer = await act(cloud, server_id, "os-migrateLive", value, role="admin", version=version)
    assert answer.status_code == status, answer.text
    if status == 202:
        name, params = await stored(cloud)
        assert (name, params["host"], params["force"]) == ("server_live_migrate", "there", "force" in value)
        (record,) = await rows(cloud, migrations)
        assert (record["migration_type"], record["status"]) == ("live-migration", "queued")


@pytest.mark.parametrize(
    ("version", "value", "start"),
    [
        ("2.1", {"onSharedStorage": False, "adminPass": "secret"}, True),
        ("2.14", {"adminPass": "secret"}, True),
        ("2.29", {"host": "there", "force": True}, True),
        ("2.68", {"host": "there"}, True),
        ("2.95", {}, False),
    ],
)
async def test_an_evacuation_says_what_its_version_asks(
    cloud: Cloud, version: str, value: dict[str, Any], start: bool
) -> None:
    await put_host(cloud.db, "down", last_seen_at=LONG_AGO)
    await put_host(cloud.db, "there")
    (server_id,) = await put_servers(cloud.db, {"host": "down"})
    answer = await act(cloud, server_id, "evacuate", value, role="admin", version=version)

    assert answer.status_code == 200, answer.text
    if version == "2.1":
        assert answer.json() == {"adminPass": "secret"}
    name, params = await stored(cloud)
    assert (name, params.get("start", True)) == ("server_evacuate", start)


@pytest.mark.parametrize(
    ("version", "value"),
    [
        ("2.1", {}),
        ("2.14", {"onSharedStorage": False}),
        ("2.28", {"host": "there", "force": True}),
        ("2.68", {"host": "there", "force": True}),
        ("2.95", {"adminPass": "secret"}),
        ("2.67", {"force": True}),
        ("2.67", {"host": "down"}),
        ("2.67", {"host": "gone"}),
    ],
)
async def test_an_evacuation_that_asks_for_more_is_refused(cloud: Cloud, version: str, value: dict[str, Any]) -> None:
    await put_host(cloud.db, "down", last_seen_at=LONG_AGO)
    await put_host(cloud.db, "there")
    (server_id,) = await put_servers(cloud.db, {"host": "down"})
    assert (await act(cloud, server_id, "evacuate", value, role="admin", version=version)).status_code == 400


async def test_a_server_of_a_host_that_is_up_is_not_evacuated_and_one_of_a_lost_host_not_migrated(cloud: Cloud) -> None:
    server_id = await hosted(cloud)
    refused = await act(cloud, server_id, "evacuate", {}, role="admin", version="2.95")
    assert refused.json()["badRequest"]["message"] == "Compute service of here is still in use."
    await put_host(cloud.db, "down", last_seen_at=LONG_AGO)
    (lost,) = await put_servers(cloud.db, {"host": "down"})
    assert (await act(cloud, lost, "migrate", None, role="admin")).status_code == 409
    assert (await act(cloud, lost, "resize", {"flavorRef": "2"})).status_code == 409
