"""The whole life of a server, as the event stream of a whole cloud tells it."""

from itertools import pairwise
from pathlib import Path

from tests.api.streams import Heard, events_of
from tests.cloud.running import running_cloud


async def test_a_server_s_life_is_told_from_its_create_to_its_end(tmp_path: Path) -> None:
    async with running_cloud(tmp_path / "state") as cloud:
        token = {"X-Auth-Token": cloud.http.headers["x-auth-token"]}
        async with events_of(f"{cloud.url}/compute/v2.1/servers/events", token) as heard:
            server = await cloud.active()
            await cloud.act(server["id"], "os-stop")
            await cloud.until(server["id"], {"SHUTOFF"})
            await cloud.delete(server["id"])
            told: list[Heard] = []
            async for event in heard:
                told.append(event)
                if event.data["status"] == "DELETED":
                    break
    assert {event.data["server_id"] for event in told} == {server["id"]}
    states = [(event.data["vm_state"], event.data["task_state"]) for event in told]
    assert states[0] == ("building", "scheduling")
    assert ("building", "spawning") in states
    assert _in_order(states, ("active", None), ("active", "powering-off"), ("stopped", None), ("stopped", "deleting"))
    shown = [(*state, event.data["power_state"]) for state, event in zip(states, told, strict=True)]
    assert all(before != after for before, after in pairwise(shown))


def _in_order(states: list[tuple[str, str | None]], *wanted: tuple[str, str | None]) -> bool:
    rest = iter(states)
    return all(one in rest for one in wanted)
