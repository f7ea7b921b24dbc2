"""What the conductor makes of what hosts tell it."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kilonova.conductor.faults import MOST, fault_of
from kilonova.conductor.service import ConductorService
from kilonova.model.errors import Conflict, InternalError
from kilonova.model.ids import HostName, ServerId
from kilonova.model.time import Timestamp
from tests.cloud.running import RunningCloud, running_cloud

NOW = Timestamp("2026-01-02T03:04:05.000000")


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", furnished=("flavors",)) as started:
        yield started


def conductor_of(cloud: RunningCloud) -> ConductorService:
    return cloud.cloud.conductor_service


async def host_of(cloud: RunningCloud, server_id: str) -> HostName:
    shown = await cloud.admin.get(f"/compute/v2.1/servers/{server_id}")
    return HostName(shown.json()["server"]["OS-EXT-SRV-ATTR:host"])


async def test_only_a_servers_own_host_is_believed_about_its_power(cloud: RunningCloud) -> None:
    server = await cloud.active()
    server_id = ServerId(server["id"])

    await conductor_of(cloud).guest_changed(HostName("another"), server_id, 4)
    assert (await cloud.show(server_id))["status"] == "ACTIVE"
    await conductor_of(cloud).guest_changed(await host_of(cloud, server_id), server_id, 4)
    assert (await cloud.show(server_id))["status"] == "SHUTOFF"


async def test_news_of_a_server_nobody_knows_is_no_trouble(cloud: RunningCloud) -> None:
    await conductor_of(cloud).guest_changed(HostName("here"), ServerId(str(uuid.uuid4())), 4)


async def test_a_host_hears_what_it_should_have_and_what_may_go(cloud: RunningCloud) -> None:
    kept, deleted = await cloud.active("kept"), await cloud.active("deleted")
    host = await host_of(cloud, kept["id"])
    await cloud.delete(deleted["id"])
    await cloud.gone(deleted["id"])
    known = (ServerId(kept["id"]), ServerId(deleted["id"]), ServerId(str(uuid.uuid4())))

    expected = {one.server_id: one for one in await conductor_of(cloud).expected(host, known)}

    assert expected.keys() == {kept["id"], deleted["id"]}
    assert (expected[known[0]].gone, expected[known[0]].power_state) == (False, 1)
    assert expected[known[1]].gone


async def test_a_host_that_was_never_given_the_server_may_let_it_go(cloud: RunningCloud) -> None:
    server = await cloud.active()
    known = (ServerId(server["id"]),)

    (expected,) = await conductor_of(cloud).expected(HostName("another"), known)

    assert expected.gone


def test_a_fault_says_what_happened_and_never_more_than_fits() -> None:
    fault = msgspec.json.decode(fault_of(Conflict("too " * 200), NOW))

    assert len(fault["message"]) == MOST
    assert (fault["code"], fault["created"]) == (500, "2026-01-02T03:04:05Z")


def test_what_nobody_foresaw_shows_its_class_only() -> None:
    fault = msgspec.json.decode(fault_of(InternalError("ValueError: /etc/shadow: secret"), NOW))

    assert fault["message"] == "ValueError"


def test_every_attempt_is_told() -> None:
    failures = [
        {"attempt": n, "step": "build", "host": f"h{n}", "kind": "GuestOperationFailed", "message": "no"}
        for n in (1, 2)
    ]

    fault = msgspec.json.decode(fault_of(Conflict("no"), NOW, failures))

    assert fault["message"].startswith("Exceeded maximum number of retries (2).")
    assert [line.split(":")[0] for line in fault["details"].splitlines()] == ["attempt 1", "attempt 2"]
    assert "on h2" in fault["details"]
