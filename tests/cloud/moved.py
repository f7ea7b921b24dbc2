"""What administrators do to move servers, and where servers are."""

import asyncio
import uuid
from typing import Any

import httpx

from kilonova.compute.adoption import adopt
from kilonova.contract.work import Work
from kilonova.model.caller import Caller
from kilonova.model.ids import SagaId
from kilonova.saga.begin import begin as saga_begin
from tests.cloud.running import VERSION, RunningCloud

ANY_HOST = {"host": None, "block_migration": "auto"}


async def act(
    cloud: RunningCloud,
    server_id: str,
    action: str,
    value: Any = None,
    *,
    ok: int = 202,
    version: str = "2.100",
) -> httpx.Response:
    answer = await cloud.admin.post(
        f"/compute/v2.1/servers/{server_id}/action",
        json={action: value},
        headers={"OpenStack-API-Version": f"compute {version}"},
    )
    assert answer.status_code == ok, answer.text
    return answer


async def host_of(cloud: RunningCloud, server_id: str) -> str:
    shown = (await cloud.admin.get(f"/compute/v2.1/servers/{server_id}")).json()["server"]
    return str(shown["OS-EXT-SRV-ATTR:host"])


def host_names(cloud: RunningCloud) -> set[str]:
    assert cloud.cloud.hosts is not None
    return {agent.host.name for agent in cloud.cloud.hosts.agents}


async def change_service(cloud: RunningCloud, host: str, **changes: Any) -> None:
    """The host's compute service: `forced_down`, `status`."""
    found = (await cloud.admin.get("/compute/v2.1/os-services", params={"host": host}, headers=VERSION)).json()
    (service,) = [one for one in found["services"] if one["binary"] == "nova-compute"]
    answer = await cloud.admin.put(f"/compute/v2.1/os-services/{service['id']}", json=changes, headers=VERSION)
    assert answer.status_code == 200, answer.text


async def restart_agents(cloud: RunningCloud) -> None:
    """What every agent does with the guests it finds when it starts."""
    assert cloud.cloud.hosts is not None
    for agent in cloud.cloud.hosts.agents:
        await adopt(agent.host, busy=lambda _: False)


async def live_moves(cloud: RunningCloud, server_id: str, *, status: str) -> list[int]:
    answer = await cloud.admin.get(f"/compute/v2.1/servers/{server_id}/migrations", headers=VERSION)
    return [move["id"] for move in answer.json()["migrations"] if move["status"] == status]


async def migrate_live_slowly(cloud: RunningCloud, server_id: str) -> int:
    """A live migration that goes on until somebody ends it; its number."""
    assert cloud.cloud.hosts is not None
    assert cloud.cloud.hosts.fleet is not None
    cloud.cloud.hosts.fleet.faults.set(operation="migrate_out", delay_s=600.0, times=1)
    await act(cloud, server_id, "os-migrateLive", ANY_HOST)
    async with asyncio.timeout(30):
        while not (found := await live_moves(cloud, server_id, status="running")):
            await asyncio.sleep(0.005)
    return found[0]


async def abort(cloud: RunningCloud, server_id: str, number: int) -> None:
    answer = await cloud.admin.delete(f"/compute/v2.1/servers/{server_id}/migrations/{number}", headers=VERSION)
    assert answer.status_code == 202, answer.text


async def begin(cloud: RunningCloud, work: Work) -> None:
    """What no call of this cloud's api would begin, begun."""
    db, service = cloud.cloud.db, cloud.cloud.conductor_service
    assert db is not None
    caller = Caller(user_id="demo", user_name="demo", project_id="demo", expires_at=cloud.cloud.clock.now(), token="")
    async with db.begin() as tx:
        await saga_begin(
            tx,
            work,
            saga_id=SagaId(str(uuid.uuid4())),
            caller=caller,
            request_id=f"req-{uuid.uuid4()}",
            clock=cloud.cloud.clock,
            ring=lambda saga_id: service.executor.wake(saga_id),
        )
