"""What a call costs the database: at most six questions of the API's own, however many rows there are.

The API gets a connection of its own here, so that neither its neighbours' statements count nor those of the work that
goes on behind an accepted call.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from kilonova.api.version import HIGHEST
from kilonova.bus.local import LocalBus
from kilonova.db.connect import connect
from kilonova.db.database import Database
from tests.api.cloud import OTHER_PROJECT, Cloud
from tests.api.hosts import put_host, put_service
from tests.api.operations import OPERATIONS, Operation
from tests.api.rows import put_servers
from tests.api.sample_calls import call_of as call_of_sample
from tests.api.test_migrations import put as put_migration
from tests.api.test_samples import SAMPLES, Furnished, answer_to, furnish
from tests.api.whole import whole_cloud
from tests.conformance.calls import call_of
from tests.conformance.place import Place, place

# A call that changes something asks at most so much, too, and changes as much again: what it is about, its hold, its
# saga and its instance action, all before the answer.
MOST = 6

# Calls that need not succeed: there are no such services or drivers, and a snapshot may not be whole yet.
_REFUSED = ("/os-baremetal-nodes", "/os-hosts", "/servers/{server_id}/shares", "/os-snapshots")

_READS = [
    (name, version)
    for name, version, _ in SAMPLES
    if not name.startswith("versions/") and call_of_sample(name.replace("-noop", ""), version)[0] == "GET"
]


@asynccontextmanager
async def counted(here: Place) -> AsyncIterator[Database]:
    """The API's own database, over the same file as everybody's."""
    cloud = here.cloud.cloud
    api = cloud.apps["compute"]
    own = await connect(cloud.config.database.connection)
    shared, api.world = api.world, dataclasses.replace(api.world, db=own)
    try:
        yield own
    finally:
        api.world = shared
        await own.close()


class Cost(NamedTuple):
    """Statements that ask, and statements that change something."""

    asked: int
    changed: int


async def _cost(here: Place, db: Database, operation: Operation, version: int) -> tuple[int, Cost]:
    """Status and statements of a call of it that should succeed."""
    call = call_of(operation.method, operation.path, operation.action or "", version)
    path, body = await here.filled(call.path), await here.filled_body(call.body)
    executed, asked = db.executed, db.asked
    answer = await here.call(operation.method, path, version, body)
    # A transaction's statements are added when it ends, which may be just behind the answer.
    await asyncio.sleep(0)
    asked = db.asked - asked
    return answer.status_code, Cost(asked, db.executed - executed - asked)


async def test_no_operation_asks_or_changes_with_more_than_six_statements(tmp_path: Path) -> None:
    costs: dict[str, Cost] = {}
    failed: dict[str, int] = {}
    async with place(tmp_path / "state") as here, counted(here) as db:
        for operation in (one for one in OPERATIONS if one.low and one.path != "/"):
            version = operation.high or HIGHEST
            name = f"{operation.method} {operation.path} {operation.action or ''}".strip()
            status, costs[name] = await _cost(here, db, operation, version)
            if operation.success and status not in operation.success and not operation.path.startswith(_REFUSED):
                failed[name] = status
            if operation.action == "evacuate" or "os-services" in operation.path:
                await here.hosts_up()
    assert failed == {}
    assert {name: cost for name, cost in costs.items() if max(cost) > MOST} == {}
    assert {name: cost for name, cost in costs.items() if name.startswith("GET ") and cost.changed} == {}
    assert max(cost.asked for cost in costs.values()) > 1
    assert max(cost.changed for cost in costs.values()) > 1


async def test_an_answer_costs_the_same_however_many_rows_there_are(tmp_path: Path, bus: LocalBus) -> None:
    async with whole_cloud(tmp_path, bus, f"sqlite:///{tmp_path}/whole.db") as cloud:
        ids = await furnish(cloud, bus)
        few = await _costs_of_reads(cloud, ids)
        await _many_more(cloud)
        assert await _costs_of_reads(cloud, ids) == few
        assert len(few) > 100


async def _costs_of_reads(cloud: Cloud, ids: Furnished) -> dict[str, int]:
    """With what neighbours are asked, over the same database."""
    found = {}
    for name, version in _READS:
        before = cloud.db.executed
        await answer_to(cloud, ids, name, version)
        found[f"{name} at 2.{version}"] = cloud.db.executed - before
    return found


async def _many_more(cloud: Cloud) -> None:
    await put_servers(cloud.db, *({"name": f"more{n}", "host": f"more{n % 7}"} for n in range(30)))
    await put_servers(cloud.db, *({"project_id": OTHER_PROJECT} for _ in range(10)))
    for number in range(7):
        await put_host(cloud.db, f"more{number}")
        await put_service(cloud.db, "nova-scheduler", f"more{number}")
        await put_migration(cloud)
        for path, body in (
            ("/os-aggregates", {"aggregate": {"name": f"more{number}"}}),
            ("/flavors", {"flavor": {"name": f"more{number}", "ram": 1, "vcpus": 1, "disk": 1}}),
            ("/os-keypairs", {"keypair": {"name": f"more{number}"}}),
            ("/os-server-groups", {"server_group": {"name": f"more{number}", "policies": ["affinity"]}}),
        ):
            answer = await cloud.post(path, body, role="admin")
            assert answer.status_code == 200, answer.text
