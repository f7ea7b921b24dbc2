"""Deleted servers are had back, or go for good when their time is over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cloud.moved import act
from tests.cloud.running import RunningCloud, running_cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", reclaim_instance_interval=3600) as started:
        yield started


async def test_a_deleted_server_can_be_had_back_with_all_it_had(cloud: RunningCloud) -> None:
    server = await cloud.active("one", networks=[{"uuid": await cloud.network()}])
    before = await cloud.ledger()
    await cloud.delete(server["id"])
    await cloud.until(server["id"], {"SOFT_DELETED"})
    assert (await cloud.ledger())["claims"] == before["claims"]
    await cloud.act(server["id"], "os-start", ok=409)
    await act(cloud, server["id"], "restore")

    back = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
    assert back["status"] == "ACTIVE"
    assert back["addresses"] == server["addresses"]
    assert await cloud.ledger() == before


async def test_force_delete_does_not_wait(cloud: RunningCloud) -> None:
    await cloud.image()
    before = await cloud.ledger()
    server = await cloud.active("one")
    await cloud.delete(server["id"])
    await cloud.until(server["id"], {"SOFT_DELETED"})
    await cloud.act(server["id"], "forceDelete")
    await cloud.gone(server["id"])

    assert await cloud.ledger() == before


async def test_a_deleted_server_goes_when_its_time_is_over(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state", reclaim_instance_interval=1) as cloud:
        await cloud.image()
        before = await cloud.ledger()
        server = await cloud.active("one")
        await cloud.delete(server["id"])
        await cloud.gone(server["id"])

        assert await cloud.ledger() == before
