"""Users are told of every change of their servers' states, as it happens, and after they were away."""

from collections.abc import AsyncIterator

import pytest

from kilonova.api import event_stream
from kilonova.api.application import ComputeApi
from kilonova.api.event_stream import EventStream
from kilonova.api.servers import events as handler
from kilonova.contract.events import ServerChanged
from kilonova.model.caller import Caller
from kilonova.model.errors import Unauthenticated
from kilonova.model.ids import ServerId
from kilonova.model.time import Timestamp
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud, check_token, mounted
from tests.api.rows import put_servers
from tests.api.streams import events_of, listening_on

PATH = "/compute/v2.1/servers/events"
MINE = {"X-Auth-Token": f"reader:{PROJECT}"}
ADMIN = {"X-Auth-Token": f"admin:{PROJECT}"}


@pytest.fixture
async def url(cloud: Cloud) -> AsyncIterator[str]:
    async with listening_on(mounted(ComputeApi(cloud.world, check_token))) as base:
        yield base + PATH


def change(name: str, vm_state: str = "active", task: str | None = None, project: str = PROJECT) -> ServerChanged:
    return ServerChanged(
        server_id=ServerId(name),
        project_id=project,
        vm_state=vm_state,
        task_state=task,
        power_state=1,
        at=Timestamp("2026-01-01T00:00:00.000000"),
    )


async def test_an_event_tells_what_a_server_shows_now(cloud: Cloud, url: str) -> None:
    async with events_of(url, MINE) as heard:
        await cloud.world.events.server_changed(change("one", "active", "rebooting"))
        event = await anext(heard)
    assert event.event == "server"
    assert event.data == {
        "server_id": "one",
        "project_id": PROJECT,
        "status": "REBOOT",
        "vm_state": "active",
        "task_state": "rebooting",
        "power_state": 1,
        "at": "2026-01-01T00:00:00.000000",
    }


async def test_what_shows_the_same_as_before_is_not_told_again(cloud: Cloud, url: str) -> None:
    async with events_of(url, MINE) as heard:
        for task in ("rebooting", "rebooting", None, "rebooting"):
            await cloud.world.events.server_changed(change("one", "active", task))
        told = [(await anext(heard)).data["task_state"] for _ in range(3)]
    assert told == ["rebooting", None, "rebooting"]


async def test_an_action_is_told_as_soon_as_it_is_accepted(cloud: Cloud, url: str) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    async with events_of(url, MINE) as heard:
        assert (await cloud.post(f"/servers/{server_id}/action", {"os-stop": None})).status_code == 202
        event = await anext(heard)
    assert (event.data["server_id"], event.data["task_state"]) == (server_id, "powering-off")


async def test_a_project_hears_of_its_own_servers_only(cloud: Cloud, url: str) -> None:
    async with events_of(url, MINE) as heard:
        await cloud.world.events.server_changed(change("theirs", project=OTHER_PROJECT))
        await cloud.world.events.server_changed(change("mine"))
        assert (await anext(heard)).data["server_id"] == "mine"


async def test_an_admin_may_hear_of_all_and_nobody_else(cloud: Cloud, url: str) -> None:
    refused = await cloud.get("/servers/events?all_tenants=1", role="manager")
    assert refused.status_code == 403
    async with events_of(url + "?all_tenants=1", ADMIN) as heard:
        await cloud.world.events.server_changed(change("theirs", project=OTHER_PROJECT))
        assert (await anext(heard)).data["server_id"] == "theirs"


async def test_who_comes_back_is_told_what_was_missed_once(cloud: Cloud, url: str) -> None:
    async with events_of(url, MINE) as heard:
        await cloud.world.events.server_changed(change("one"))
        last = (await anext(heard)).id
    await cloud.world.events.server_changed(change("two"))
    await cloud.world.events.server_changed(change("theirs", project=OTHER_PROJECT))
    async with events_of(url, MINE | {"Last-Event-ID": last}) as heard:
        await cloud.world.events.server_changed(change("three"))
        assert [(await anext(heard)).data["server_id"] for _ in range(2)] == ["two", "three"]


async def test_who_was_away_for_too_long_is_told_the_present_state_of_what_changed(cloud: Cloud, url: str) -> None:
    before, after = "2025-12-31T23:00:00.000000", "2026-01-01T01:00:00.000000"
    _, changed, deleted = await put_servers(
        cloud.db,
        {"updated_at": before},
        {"updated_at": after, "task_state": "rebooting"},
        {"updated_at": after.replace("01:", "02:"), "vm_state": "active", "deleted": 1},
    )
    await put_servers(cloud.db, {"updated_at": after, "project_id": OTHER_PROJECT})
    last = "2026-01-01T00:00:00.000000/anotherlife/17"
    async with events_of(url, MINE | {"Last-Event-ID": last}) as heard:
        told = [(await anext(heard)).data for _ in range(2)]
        await cloud.world.events.server_changed(change("new"))
        assert (await anext(heard)).data["server_id"] == "new"
    assert [(one["server_id"], one["status"]) for one in told] == [(changed, "REBOOT"), (deleted, "DELETED")]


async def test_when_more_changed_than_can_be_told_the_client_is_sent_to_the_list(
    cloud: Cloud, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "MOST_CHANGED", 1)
    await put_servers(
        cloud.db, {"updated_at": "2026-02-01T00:00:00.000000"}, {"updated_at": "2026-02-01T00:00:01.000000"}
    )
    last = "2026-01-01T00:00:00.000000/anotherlife/17"
    async with events_of(url, MINE | {"Last-Event-ID": last}) as heard:
        assert (await anext(heard)).event == "reset"


@pytest.mark.parametrize("given", ["7", "2026-13-01T00:00:00.000000/first/1", "x" * 9000, "2026-01-01/first/1"])
async def test_an_id_that_is_none_of_ours_is_refused(cloud: Cloud, given: str) -> None:
    answer = await cloud.get("/servers/events", headers={"Last-Event-ID": given})
    assert answer.status_code == 400


async def test_a_client_that_does_not_read_is_cut_and_told_why(cloud: Cloud) -> None:
    with cloud.world.stream.listen(PROJECT) as slow, cloud.world.stream.listen(PROJECT) as quick:
        for number in range(event_stream.QUEUE + 1):
            await cloud.world.events.server_changed(change(f"server-{number}"))
            await quick.some()
        assert "too slow" in slow.why
        assert await slow.some() == b""
        assert quick.why == ""


async def test_there_are_signs_of_life_and_an_end_when_the_token_has_ended(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "HEARTBEAT_S", 0.01)
    asked: list[str] = []

    async def revoked_soon(token: str) -> Caller:
        asked.append(token)
        if len(asked) > 3:
            raise Unauthenticated("revoked")
        return await check_token(token)

    async with (
        listening_on(mounted(ComputeApi(cloud.world, revoked_soon))) as base,
        events_of(base + PATH, MINE) as heard,
    ):
        said = [one.comment async for one in heard]
    assert said == ["", "", "the token is not valid any more"]


async def test_a_service_that_stops_sends_its_listeners_away(cloud: Cloud, url: str) -> None:
    async with events_of(url, MINE) as heard:
        await cloud.world.stream.close()
        assert [one.comment async for one in heard] == ["the service stops"]


async def test_a_stream_remembers_a_bounded_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "KEPT", 2)
    stream = EventStream("short")
    for name in ("one", "two", "three"):
        await stream.server_changed(change(name))
    with stream.listen(PROJECT) as listener:
        at = Timestamp("2026-01-01T00:00:00.000000")
        assert stream.since(event_stream.EventId(at, "short", 0), listener) is None
        found = stream.since(event_stream.EventId(at, "short", 1), listener)
        assert found is not None
        assert found.count(b"event: server") == 2
        assert stream.since(event_stream.EventId(at, "short", 4), listener) is None
