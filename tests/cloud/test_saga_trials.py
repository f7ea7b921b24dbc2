"""Every saga, failed, killed and run twice at every step: the ledger is as before, or as if all was well."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kilonova.conductor.definitions import DEFINITIONS
from kilonova.saga.trial import Fault, faults_of
from tests.cloud.running import ENDED, VERSION, RunningCloud, running_cloud


@pytest.fixture(scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCloud]:
    state: Path = tmp_path_factory.mktemp("trials") / "state"
    async with running_cloud(state) as started:
        yield started


async def _with(cloud: RunningCloud, fault: Fault, server_id: str) -> dict[str, Any] | None:
    """Let the fault strike, bring back who died, and wait until the server rests; None when it is gone."""
    service = cloud.cloud.conductor_service
    lives = 0
    async with asyncio.timeout(60):
        while True:
            if fault.deaths > lives:
                lives = fault.deaths
                await service.restart_sagas(fault.meddle)
            answer = await cloud.http.get(f"/compute/v2.1/servers/{server_id}", headers=VERSION)
            if answer.status_code == 404:
                return None
            server: dict[str, Any] = answer.json()["server"]
            if (
                server["OS-EXT-STS:task_state"] is None
                and server["status"] in ENDED
                and not await _busy(cloud, server_id)
            ):
                return server
            await asyncio.sleep(0.02)


async def _busy(cloud: RunningCloud, server_id: str) -> bool:
    from kilonova.saga import store

    assert cloud.cloud.db is not None
    return await store.holder_of(cloud.cloud.db, server_id) is not None


@pytest.fixture(autouse=True)
async def restored(cloud: RunningCloud) -> AsyncIterator[None]:
    yield
    await cloud.cloud.conductor_service.restart_sagas()


def _trials(*names: str) -> list[Any]:
    return [pytest.param(fault, id=f"{name}: {fault!r}") for name in names for fault in faults_of(DEFINITIONS[name])]


@pytest.mark.parametrize("fault", _trials("server_create"))
async def test_a_create_is_whole_or_leaves_nothing(cloud: RunningCloud, fault: Fault) -> None:
    before = await cloud.ledger()
    network = await cloud.network()
    await cloud.cloud.conductor_service.restart_sagas(fault.meddle)
    made = await cloud.create("trial", networks=[{"uuid": network}])
    server = await _with(cloud, fault, made["id"])
    await cloud.cloud.conductor_service.restart_sagas()

    assert server is not None
    assert server["status"] == ("ERROR" if fault.undone else "ACTIVE")
    if fault.undone:
        assert await cloud.ledger() == before
        assert server["fault"]["message"]
    await cloud.delete(made["id"])
    await cloud.gone(made["id"])
    assert await cloud.ledger() == before


@pytest.mark.parametrize("fault", _trials("server_delete"))
async def test_a_delete_leaves_nothing_whatever_happens(cloud: RunningCloud, fault: Fault) -> None:
    before = await cloud.ledger()
    server = await cloud.active("trial", networks=[{"uuid": await cloud.network()}])
    await cloud.cloud.conductor_service.restart_sagas(fault.meddle)
    await cloud.delete(server["id"])

    assert await _with(cloud, fault, server["id"]) is None
    assert await cloud.ledger() == before


@pytest.mark.parametrize("fault", _trials("server_resize"))
async def test_a_resize_is_done_or_undone(cloud: RunningCloud, fault: Fault) -> None:
    start = await cloud.ledger()
    server = await cloud.active("trial")
    before = await cloud.ledger()
    await cloud.cloud.conductor_service.restart_sagas(fault.meddle)
    await cloud.act(server["id"], "resize", {"flavorRef": await cloud.flavor("m1.micro")})
    after = await _with(cloud, fault, server["id"])
    await cloud.cloud.conductor_service.restart_sagas()

    assert after is not None
    if fault.undone:
        assert after["status"] == "ACTIVE"
        assert await cloud.ledger() == before
    else:
        assert after["status"] == "VERIFY_RESIZE"
        assert len((await cloud.ledger())["claims"]) == len(before["claims"]) + 1
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    assert await cloud.ledger() == start


@pytest.mark.parametrize("fault", _trials("server_resize_confirm", "server_resize_revert"))
async def test_a_resize_is_settled_whatever_happens(
    cloud: RunningCloud, fault: Fault, request: pytest.FixtureRequest
) -> None:
    server = await cloud.active("trial")
    await cloud.act(server["id"], "resize", {"flavorRef": await cloud.flavor("m1.micro")})
    await cloud.until(server["id"], {"VERIFY_RESIZE"})
    await cloud.cloud.conductor_service.restart_sagas(fault.meddle)
    confirm = "confirm" in request.node.name
    await cloud.act(server["id"], "confirmResize" if confirm else "revertResize", ok=204 if confirm else 202)
    after = await _with(cloud, fault, server["id"])

    assert after is not None
    assert after["status"] == "ACTIVE"
    claims = (await cloud.ledger())["claims"]
    assert next(iter(claims[server["id"]].values()))["MEMORY_MB"] == (256 if confirm else 128)
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])


async def _volume(cloud: RunningCloud) -> str:
    made = (await cloud.http.post("/volume/v3/volumes", json={"volume": {"size": 1}})).json()["volume"]
    async with asyncio.timeout(30):
        while (await cloud.http.get(f"/volume/v3/volumes/{made['id']}")).json()["volume"]["status"] != "available":
            await asyncio.sleep(0.05)
    return str(made["id"])


@pytest.mark.parametrize("fault", _trials("volume_attach"))
async def test_a_volume_is_attached_or_its_owners_again(cloud: RunningCloud, fault: Fault) -> None:
    server = await cloud.active("trial")
    volume = await _volume(cloud)
    before = await cloud.ledger()
    await cloud.cloud.conductor_service.restart_sagas(fault.meddle)
    path = f"/compute/v2.1/servers/{server['id']}/os-volume_attachments"
    asked = await cloud.http.post(path, json={"volumeAttachment": {"volumeId": volume}}, headers=VERSION)
    assert asked.status_code == 200, asked.text
    assert await _with(cloud, fault, server["id"]) is not None
    await cloud.cloud.conductor_service.restart_sagas()

    status = (await cloud.http.get(f"/volume/v3/volumes/{volume}")).json()["volume"]["status"]
    assert status == ("available" if fault.undone else "in-use")
    if fault.undone:
        assert await cloud.ledger() == before
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    await cloud.http.delete(f"/volume/v3/volumes/{volume}")
