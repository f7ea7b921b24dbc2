"""A volume swap is accepted for volumes that the volume service is migrating, and for nobody else's wish."""

from typing import Any

import pytest

from kilonova.db.statement import insert_into
from kilonova.db.tables.sagas import sagas
from kilonova.db.tables.servers import block_devices
from tests.api.cloud import Cloud
from tests.api.neighbours import Held, Volume
from tests.api.rows import put_servers
from tests.api.test_server_create import rows

OLD = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
NEW = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"


async def attached(cloud: Cloud) -> str:
    """A server with the volume OLD, which is migrating to NEW."""
    (server,) = await put_servers(cloud.db, {})
    device = {"id": server, "server_id": server, "source_type": "volume", "destination_type": "volume"}
    async with cloud.db.begin() as tx:
        await tx.execute(insert_into(block_devices), volume_id=OLD, created_at="2026", **device)
    cloud.volumes.known[OLD] = Volume(OLD, "in-use", migration_status="migrating", attachments=(Held(server),))
    cloud.volumes.known[NEW] = Volume(NEW, migration_status=f"target:{OLD}")
    return server


async def swap(cloud: Cloud, server: str, **more: Any) -> Any:
    path = f"/servers/{server}/os-volume_attachments/{OLD}"
    given = {"role": "admin", "version": "2.85"} | more
    return await cloud.put(path, {"volumeAttachment": {"volumeId": NEW}}, **given)


@pytest.mark.parametrize("version", ["2.1", "2.85"])
async def test_it_is_stored_for_a_volume_that_is_migrating(cloud: Cloud, version: str) -> None:
    server = await attached(cloud)
    answer = await swap(cloud, server, version=version)
    assert answer.status_code == 202, answer.text
    assert [row["name"] for row in await rows(cloud, sagas)] == ["volume_swap"]


async def test_members_may_not(cloud: Cloud) -> None:
    assert (await swap(cloud, await attached(cloud), role="member")).status_code == 403


async def test_a_volume_that_is_not_migrating_stays(cloud: Cloud) -> None:
    server = await attached(cloud)
    cloud.volumes.known[OLD].migration_status = None
    answer = await swap(cloud, server)
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == (
        f"volume {OLD} is not migrating this api should only be called by Cinder"
    )


async def test_it_goes_only_where_it_is_migrating_to(cloud: Cloud) -> None:
    server = await attached(cloud)
    cloud.volumes.known[NEW].migration_status = None
    assert (await swap(cloud, server)).status_code == 409
    del cloud.volumes.known[NEW]
    assert (await swap(cloud, server)).status_code == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "Invalid volume: New volume must be the same size or larger."),
        ({"attachments": (Held("x"),)}, "Invalid volume: New volume must be detached in order to swap."),
    ],
)
async def test_what_does_not_fit_is_refused(cloud: Cloud, change: dict[str, Any], message: str) -> None:
    server = await attached(cloud)
    for name, value in change.items():
        setattr(cloud.volumes.known[NEW], name, value)
    answer = await swap(cloud, server)
    assert (answer.status_code, answer.json()["badRequest"]["message"]) == (400, message)
    assert await rows(cloud, sagas) == []


async def test_a_volume_of_several_servers_stays(cloud: Cloud) -> None:
    server = await attached(cloud)
    cloud.volumes.known[OLD].attachments = (Held(server), Held("another"))
    assert (await swap(cloud, server)).status_code == 400
