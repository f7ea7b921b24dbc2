"""Migrations: the record of all moves, and a server's running ones."""

import uuid
from typing import Any

from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import migrations
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.rows import put_servers

_FLAVOR = '{"id":"%s","name":"x","vcpus":1,"memory_mib":1,"root_gib":1}'


async def put(cloud: Cloud, **changes: Any) -> str:
    row = {
        "id": str(uuid.uuid4()),
        "server_id": str(uuid.uuid4()),
        "project_id": PROJECT,
        "user_id": "user-member",
        "migration_type": "resize",
        "status": "finished",
        "source_compute": "host1",
        "source_node": "node1",
        "dest_compute": "host2",
        "dest_node": "node2",
        "dest_host": "192.0.2.2",
        "old_flavor": _FLAVOR % "1",
        "new_flavor": _FLAVOR % "3",
        "created_at": "2026-01-01T00:00:00.000000",
        "updated_at": "2026-01-02T00:00:00.000000",
        **changes,
    }
    async with cloud.db.begin() as tx:
        await tx.execute(insert_into(migrations), **row)
    return str(row["id"])


async def ids(cloud: Cloud, query: str = "", role: str = "admin", version: str = "2.80") -> list[int]:
    answer = await cloud.get(f"/os-migrations{query}", role=role, version=version)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["migrations"]]


async def test_managers_see_their_project_s_without_hosts_admins_all(cloud: Cloud) -> None:
    await put(cloud)
    await put(cloud, project_id=OTHER_PROJECT)
    assert await ids(cloud) == [2, 1]
    assert await ids(cloud, version="2.58") == [1, 2]
    assert await ids(cloud, role="manager") == [1]
    (seen,) = (await cloud.get("/os-migrations", role="manager")).json()["migrations"]
    assert (seen["source_compute"], seen["dest_host"], seen["old_instance_type_id"]) == (None, None, 1)
    (shown, _) = (await cloud.get("/os-migrations", role="admin")).json()["migrations"]
    assert (shown["source_compute"], shown["new_instance_type_id"]) == ("host1", 3)
    assert (await cloud.get("/os-migrations", role="member")).status_code == 403
    query = f"/os-migrations?project_id={OTHER_PROJECT}"
    assert (await cloud.get(query, role="manager", version="2.80")).status_code == 403
    assert (await cloud.get("/os-migrations?host=host1", role="manager")).status_code == 403


async def test_filters_narrow_it(cloud: Cloud) -> None:
    server_id = str(uuid.uuid4())
    await put(cloud, server_id=server_id, status="error", migration_type="evacuation")
    await put(cloud, source_compute="host3", dest_compute="host4", user_id="anna")
    await put(cloud, updated_at="2026-03-01T00:00:00.000000")
    for query, expected in (
        (f"?instance_uuid={server_id}", [1]),
        ("?status=error", [1]),
        ("?migration_type=evacuation", [1]),
        ("?host=host4", [2]),
        ("?source_compute=host3", [2]),
        ("?user_id=anna", [2]),
        ("?changes-since=2026-02-01T00:00:00Z", [3]),
        ("?changes-before=2026-02-01T00:00:00Z", [2, 1]),
        ("?changes-since=2026-01-01T00:00:00Z&changes-before=2026-02-01T00:00:00Z&status=error", [1]),
    ):
        assert await ids(cloud, query) == expected, query


async def test_it_pages_from_2_59(cloud: Cloud) -> None:
    first, second, third = [await put(cloud) for _ in range(3)]
    page = (await cloud.get("/os-migrations?limit=2", role="admin", version="2.59")).json()
    assert [one["uuid"] for one in page["migrations"]] == [third, second]
    assert page["migrations_links"][0]["href"].endswith(f"/os-migrations?limit=2&marker={second}")
    rest = (await cloud.get(f"/os-migrations?marker={second}", role="admin", version="2.59")).json()
    assert [one["uuid"] for one in rest["migrations"]] == [first]
    for query in (f"marker={uuid.uuid4()}", "marker=1", "colour=red", "limit=1&limit=2", "changes-since=soon"):
        assert (await cloud.get(f"/os-migrations?{query}", role="admin", version="2.59")).status_code == 400, query
    assert (await cloud.get("/os-migrations?colour=red", role="admin", version="2.58")).status_code == 200


async def test_a_server_shows_its_running_live_migrations(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"task_state": "migrating"})
    await put(cloud, server_id=server_id)
    await put(cloud, server_id=server_id, migration_type="live-migration", status="running", memory_total=7)
    await put(cloud, server_id=server_id, migration_type="live-migration", status="completed")
    path = f"/servers/{server_id}/migrations"
    (running,) = (await cloud.get(path, role="manager", version="2.80")).json()["migrations"]
    assert (running["id"], running["memory_total_bytes"], running["source_compute"]) == (2, 7, None)
    shown = (await cloud.get(f"{path}/2", role="admin", version="2.23")).json()["migration"]
    assert shown["source_compute"] == "host1"
    for identifier in ("1", "3", "99", "x"):
        assert (await cloud.get(f"{path}/{identifier}", role="admin", version="2.23")).status_code == 404
    listed = (await cloud.get("/os-migrations", role="admin", version="2.23")).json()["migrations"]
    assert ["links" in one for one in listed] == [False, True, False]


async def test_only_what_runs_can_be_aborted_or_forced(cloud: Cloud) -> None:
    (idle,) = await put_servers(cloud.db, {})
    (moving,) = await put_servers(cloud.db, {"task_state": "migrating"})
    await put(cloud, server_id=moving, migration_type="live-migration", status="queued")
    force = {"force_complete": None}
    path = f"/servers/{idle}/migrations/1"
    assert (await cloud.delete(path, role="manager", version="2.24")).status_code == 409
    assert (await cloud.post(f"{path}/action", force, role="manager", version="2.22")).status_code == 409
    path = f"/servers/{moving}/migrations"
    assert (await cloud.delete(f"{path}/99", role="manager", version="2.24")).status_code == 404
    refused = await cloud.delete(f"{path}/1", role="manager", version="2.24")
    assert refused.json()["badRequest"]["message"] == (
        f"Migration 1 state of instance {moving} is queued. "
        "Cannot abort live migration while the migration is in this state."
    )
    assert (await cloud.post(f"{path}/1/action", force, role="manager", version="2.22")).status_code == 400
    wrong = {"force_complete": {}}
    assert (await cloud.post(f"{path}/1/action", wrong, role="manager", version="2.22")).status_code == 400
    assert (await cloud.delete(f"{path}/1", role="member", version="2.24")).status_code == 403
