"""Answers have exactly the members and types of the API samples, at each version that has one.

`sample_shapes.txt` has a line per sample: name, minor version, shape (see `shapes`). Left out on purpose: power actions
and maintenance mode of hosts (no driver has them: 501), bare metal and shares (this cloud has no such service), lists
with services of a cell that is down (there are no cells), samples of what is gone, and the attachment of a volume that
was made just now.
"""

import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kilonova.bus.local import LocalBus
from kilonova.contract.console import ConsoleTarget
from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import block_devices
from kilonova.model.ids import ServerId
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.hosts import LONG_AGO, agent_of, put_host, put_service
from tests.api.rows import put_servers
from tests.api.sample_calls import BEFORE, Call, call_of
from tests.api.shapes import differences, shape_of
from tests.api.test_migrations import put as put_migration
from tests.api.test_proxies import OUTER, make_image, make_network, settled
from tests.api.whole import whole_cloud
from tests.counts import Count

_LINES = (Path(__file__).parent / "sample_shapes.txt").read_text().splitlines()
SAMPLES = [(name, int(version), json.loads(shape)) for name, version, shape in (line.split(" ", 2) for line in _LINES)]
HELD = "77777777-7777-4777-8777-777777777777"
_VERSIONS = {"v2-version-get-resp": "/v2/", "v21-version-get-resp": "/v2.1/", "versions-get-resp": "/"}


class Furnished(dict[str, str]):
    """A cloud with a bit of everything; ids by the names calls use."""


async def furnish(cloud: Cloud, bus: LocalBus) -> Furnished:
    ids = Furnished(project=PROJECT, held_volume=HELD)
    await put_service(cloud.db, "nova-scheduler", "control")
    ids["hypervisor_uuid"] = await put_host(cloud.db, "host1")
    await put_host(cloud.db, "host2")
    await agent_of(bus, "host1")
    await _servers(cloud, ids)
    await _token(cloud, ids)
    for number in (1, 2, 3):
        await _post(cloud, "/os-aggregates", {"aggregate": {"name": f"g{number}"}})
    await _post(cloud, "/os-aggregates/1/action", {"add_host": {"host": "host1"}})
    for name in ("private", "secret"):
        body = {"name": name, "id": name, "ram": 1, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}
        await _post(cloud, "/flavors", {"flavor": body})
    await _post(cloud, "/flavors/private/action", {"addTenantAccess": {"tenant": PROJECT}})
    for name in ("1", "2", "3", "described"):
        await _post(cloud, "/flavors", {"flavor": {"name": name, "id": name, "ram": 1, "vcpus": 1, "disk": 1}})
    await _post(cloud, "/flavors/1/os-extra_specs", {"extra_specs": {"hw:numa_nodes": "1"}})
    await _post(cloud, "/flavors/described/os-extra_specs", {"extra_specs": {"hw:numa_nodes": "1"}})
    for name in ("a", "b"):
        for role in ("admin", "member"):
            await cloud.post("/os-keypairs", {"keypair": {"name": name}}, role=role)
    body = {"name": "g", "policy": "anti-affinity", "rules": {"max_server_per_host": 3}}
    ids["group"] = (await _post(cloud, "/os-server-groups", {"server_group": body}, "2.64"))["server_group"]["id"]
    await _neighbours(cloud, ids)
    return ids


async def _servers(cloud: Cloud, ids: Furnished) -> None:
    launched = {"launched_at": "2026-01-01T00:00:00.000000"}
    mine, _ = await put_servers(
        cloud.db, {**launched, "task_state": "migrating"}, {**launched, "project_id": OTHER_PROJECT}
    )
    (holder,) = await put_servers(cloud.db, launched)
    ids["server"] = mine
    device = {"id": str(uuid.uuid4()), "server_id": holder, "volume_id": HELD, "created_at": LONG_AGO}
    async with cloud.db.begin() as tx:
        await tx.execute(insert_into(block_devices), source_type="volume", destination_type="volume", **device)
    live = {"server_id": mine, "migration_type": "live-migration", "status": "running"}
    amounts = {f"{what}_{part}": 1 for what in ("memory", "disk") for part in ("total", "processed", "remaining")}
    await put_migration(cloud, **live, updated_at="2026-01-01T00:00:00.000000")
    await put_migration(cloud, **live, **amounts, updated_at="2026-01-01T00:00:00.000000")
    ids["last_migration"] = await put_migration(cloud)


async def _token(cloud: Cloud, ids: Furnished) -> None:
    target = ConsoleTarget(
        server_id=ServerId(ids["server"]), console_type="vnc", host="h", port=1, internal_access_path="x"
    )
    ids["token"] = await cloud.world.consoleauth.authorize(target)


async def _neighbours(cloud: Cloud, ids: Furnished) -> None:
    ids["image"] = await make_image(cloud, kernel_id="nokernel", auto_disk_config="True")
    plain = await cloud.images.create(
        f"member:{PROJECT}", name="plain", disk_format="raw", container_format="bare", properties={"kernel_id": "x"}
    )
    assert plain.id
    token = f"admin:{PROJECT}"
    ids["network"] = (await make_network(cloud, token=token))["id"]
    await make_network(cloud, OUTER, token, name="public", router__external=True)
    made = await _post(cloud, "/os-floating-ips", {"pool": "public"})
    ids["floating_ip"] = made["floating_ip"]["id"]
    group = await _post(cloud, "/os-security-groups", {"security_group": {"name": "mine", "description": "d"}})
    ids["security_group"] = group["security_group"]["id"]
    await _volumes(cloud, ids, token)


async def _volumes(cloud: Cloud, ids: Furnished, token: str) -> None:
    """One at rest, with a snapshot, and one that a server has."""
    for name in ("loose_volume", "volume"):
        made = await _post(cloud, "/os-volumes", {"volume": {"size": 1, "metadata": {"a": "b"}}})
        ids[name] = made["volume"]["id"]
        await settled(cloud, f"/os-volumes/{ids[name]}", "volume")
    wanted = {"snapshot": {"volume_id": ids["loose_volume"], "display_name": "s"}}
    ids["snapshot"] = (await _post(cloud, "/os-snapshots", wanted))["snapshot"]["id"]
    volumes = cloud.world.volume
    attachment = await volumes.attachment_create(ids["volume"], ids["server"], token)
    await volumes.attachment_update(attachment.id, {"host": "host1", "mountpoint": "/dev/vdb"}, token)
    await volumes.attachment_complete(attachment.id, token)


async def _post(cloud: Cloud, path: str, body: Any, version: str = "2.1") -> Any:
    answer = await cloud.post(path, body, role="admin", version=version)
    assert answer.status_code < 300, (path, answer.text)
    return answer.json() if answer.content else None


def _call(name: str, version: int) -> Call:
    """Without quotas the same is asked: only what it means would differ."""
    return call_of(name.replace("os-quota-sets-noop", "os-quota-sets"), version)


async def answer_to(cloud: Cloud, ids: Furnished, name: str, version: int) -> Any:
    folder, _, sample = name.partition("/")
    if folder == "versions":
        return (await cloud.client.get(f"/compute{_VERSIONS[sample]}")).json()
    _, _, answer = await call_for(cloud, ids, name, version)
    return answer.json()


async def call_for(cloud: Cloud, ids: Furnished, name: str, version: int) -> tuple[str, str, httpx.Response]:
    """Method, path and answer of the call whose answer is that sample."""
    if name in BEFORE:
        await cloud.call(BEFORE[name][0], BEFORE[name][1], role="admin", json=BEFORE[name][2])
    method, path, body = _call(name, version)
    services = (await cloud.get("/os-services?host=host1", role="admin", version="2.53")).json()["services"]
    known = {
        **ids, "v": str(version), "service": services[0]["id"],
        "hypervisor": ids["hypervisor_uuid"] if version >= 53 else "1",
    }  # fmt: skip
    filled = json.loads(_filled(json.dumps(body), known))
    more = {} if body is None else {"json": filled}
    path = _filled(path, known)
    answer = await cloud.call(method, path, role="admin", version=f"2.{version}", **more)
    assert answer.status_code < 300, (name, version, answer.text)
    return method, path, answer


def _filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace("{" + name + "}", value)
    return text


@pytest.fixture
async def whole(tmp_path: Path, bus: LocalBus, database_url: str) -> AsyncIterator[Cloud]:
    """On each of the databases: these calls read and write every table of theirs."""
    async with whole_cloud(tmp_path, bus, database_url) as cloud:
        yield cloud


@pytest.fixture
async def furnished(whole: Cloud, bus: LocalBus) -> Furnished:
    return await furnish(whole, bus)


async def test_answers_have_the_members_and_types_of_the_samples(
    whole: Cloud, furnished: Furnished, count: Count
) -> None:
    wrong: dict[str, list[str]] = {}
    for name, version, expected in SAMPLES:
        found = shape_of(await answer_to(whole, furnished, name, version))
        if different := differences(expected, found):
            wrong[f"{name} at 2.{version}"] = different
    count(len(SAMPLES) - len(wrong), len(SAMPLES), "answers have the members and types of the samples")
    assert wrong == {}
    assert len(SAMPLES) == 239


async def test_what_was_made_can_be_taken_back(whole: Cloud, furnished: Furnished) -> None:
    for path, version, status in (
        ("/os-keypairs/a", "2.2", 204),
        ("/flavors/private", "2.1", 202),
        ("/flavors/described/os-extra_specs/hw:numa_nodes", "2.1", 200),
        (f"/os-quota-sets/{PROJECT}?user_id=anna", "2.1", 202),
        (f"/os-quota-sets/{PROJECT}", "2.1", 202),
        ("/os-aggregates/2", "2.1", 200),
        (f"/os-server-groups/{furnished['group']}", "2.1", 204),
        ("/os-services/1", "2.1", 204),
        (f"/os-floating-ips/{furnished['floating_ip']}", "2.1", 202),
        (f"/os-security-groups/{furnished['security_group']}", "2.1", 202),
        (f"/os-snapshots/{furnished['snapshot']}", "2.1", 202),
        (f"/images/{furnished['image']}", "2.1", 204),
    ):
        answer = await whole.delete(path, role="admin", version=version)
        assert answer.status_code == status, (path, answer.text)
    for path in ("/os-keypairs/a", "/flavors/private", "/os-aggregates/2", f"/os-server-groups/{furnished['group']}"):
        assert (await whole.get(path, role="admin")).status_code == 404


# These ask other services, which count on the same database here.
_PASSED_ON = ("images/", "os-networks/", "os-tenant-", "os-floating-", "os-security-", "os-volumes/", "os-snapshots/")


async def test_no_answer_costs_more_than_six_statements(whole: Cloud, furnished: Furnished) -> None:
    costs: dict[str, int] = {}
    for name, version, _ in SAMPLES:
        if name.startswith((*_PASSED_ON, "versions/")) or _call(name, version)[0] != "GET":
            continue
        # One of them finds the service that calls name.
        before = whole.db.executed + 1
        await answer_to(whole, furnished, name, version)
        costs[f"{name} at 2.{version}"] = whole.db.executed - before
    assert {name: cost for name, cost in costs.items() if cost > 6} == {}
    assert max(costs.values()) > 0
