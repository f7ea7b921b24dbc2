"""What other services ask of compute: tokens of consoles, help with snapshots; and shares, of which there are none."""

from typing import Any

from kilonova.bus.local import LocalBus
from kilonova.bus.proxy import serve
from kilonova.console.auth import ConsoleAuthService
from kilonova.contract.console import ConsoleAuth, ConsoleTarget
from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import block_devices
from kilonova.model.ids import ServerId
from tests.api.cloud import OTHER_PROJECT, Cloud
from tests.api.hosts import eventually
from tests.api.rows import put_servers

VOLUME = "77777777-7777-4777-8777-777777777777"
SNAPSHOT = "88888888-8888-4888-8888-888888888888"
SHARE = "99999999-9999-4999-8999-999999999999"


async def test_a_console_token_tells_where_its_console_is(cloud: Cloud, bus: LocalBus) -> None:
    service = ConsoleAuthService(cloud.db, cloud.world.clock, token_ttl_s=600)
    await serve(bus, "consoleauth", ConsoleAuth, service)
    target = ConsoleTarget(server_id=ServerId("s" * 36), console_type="serial", host="host1", port=1234)
    token = await service.authorize(target)
    path = f"/os-console-auth-tokens/{token}"
    old = (await cloud.get(path, role="admin", version="2.31")).json()["console"]
    assert old == {"instance_uuid": "s" * 36, "host": "host1", "port": 1234, "internal_access_path": None}
    new = (await cloud.get(path, role="admin", version="2.99")).json()["console"]
    assert new == {**old, "tls_port": None}
    assert (await cloud.get(path, role="admin", version="2.30")).status_code == 401
    assert (await cloud.get(f"{path}?x=1", role="admin", version="2.99")).status_code == 400
    assert (await cloud.get(f"{path}x", role="admin", version="2.31")).status_code == 404
    assert (await cloud.get(path, role="manager", version="2.31")).status_code == 403


async def attached(cloud: Cloud, **server: Any) -> None:
    (server_id,) = await put_servers(cloud.db, server)
    async with cloud.db.begin() as tx:
        await tx.execute(
            insert_into(block_devices),
            id=server_id,
            server_id=server_id,
            source_type="volume",
            destination_type="volume",
            volume_id=VOLUME,
            created_at="2026-01-01T00:00:00.000000",
        )


def snapshot(**info: str) -> dict[str, Any]:
    wanted = {"snapshot_id": SNAPSHOT, "type": "qcow2", "new_file": "new", **info}
    return {"snapshot": {"volume_id": VOLUME, "create_info": wanted}}


async def test_snapshots_are_asked_of_servers_that_have_the_volume(cloud: Cloud) -> None:
    path = "/os-assisted-volume-snapshots"
    nobody = await cloud.post(path, snapshot(), role="service")
    assert nobody.json()["badRequest"]["message"] == f"No volume Block Device Mapping with id {VOLUME}."
    await attached(cloud)
    taken = await cloud.post(path, snapshot(), role="service")
    assert taken.status_code == 200
    assert taken.json() == {"snapshot": {"id": SNAPSHOT, "volumeId": VOLUME}}
    assert (await cloud.post(path, snapshot(type="raw"), role="service")).status_code == 400
    assert (await cloud.post(path, snapshot(), role="member")).status_code == 403
    info = f'{{"volume_id": "{VOLUME}"}}'
    assert (await cloud.delete(f"{path}/{SNAPSHOT}?delete_info={info}", role="service")).status_code == 204
    # No host here can take one, and the volume service is to hear of it.
    await eventually(lambda: cloud.volumes.told == [(SNAPSHOT, "error"), (SNAPSHOT, "error_deleting")])
    assert (await cloud.delete(f"{path}/{SNAPSHOT}", role="service")).status_code == 400
    unknown = f'{{"volume_id": "{SHARE}"}}'
    assert (await cloud.delete(f"{path}/{SNAPSHOT}?delete_info={unknown}", role="service")).status_code == 404


async def test_a_busy_server_takes_no_snapshot(cloud: Cloud) -> None:
    await attached(cloud, task_state="rebooting")
    assert (await cloud.post("/os-assisted-volume-snapshots", snapshot(), role="service")).status_code == 400


async def test_shares_are_answered_as_in_a_cloud_without_any(cloud: Cloud) -> None:
    running, stopped, theirs = await put_servers(cloud.db, {}, {"vm_state": "stopped"}, {"project_id": OTHER_PROJECT})
    body = {"share": {"share_id": SHARE}}
    assert (await cloud.get(f"/servers/{running}/shares", version="2.97")).json() == {"shares": []}
    assert (await cloud.get(f"/servers/{running}/shares", version="2.96")).status_code == 404
    assert (await cloud.get(f"/servers/{theirs}/shares", version="2.97")).status_code == 403
    assert (await cloud.post(f"/servers/{running}/shares", body, version="2.97")).status_code == 409
    refused = await cloud.post(f"/servers/{stopped}/shares", body, version="2.97")
    assert refused.json()["itemNotFound"]["message"] == f"Share {SHARE} could not be found."
    assert (await cloud.post(f"/servers/{stopped}/shares", {"share": {}}, version="2.97")).status_code == 400
    for method in ("GET", "DELETE"):
        assert (await cloud.call(method, f"/servers/{stopped}/shares/{SHARE}", version="2.97")).status_code == 404
