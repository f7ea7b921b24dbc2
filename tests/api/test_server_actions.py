"""Actions: which are taken in which state, what shows at once, and what is stored to be done."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from kilonova.db.statement import Statement, delete_by, insert_into
from kilonova.db.tables.sagas import holds, sagas
from kilonova.db.tables.servers import migrations, servers
from kilonova.model.server import VmState
from tests.api.cloud import OTHER_PROJECT, Cloud
from tests.api.rows import IMAGE, put_servers
from tests.api.test_server_create import make_image, rows

# Action: body's value, states that take it, task shown at once, saga stored (Nova's surface, part b).
_TAKES: dict[str, tuple[Any, set[str], str | None, str]] = {
    "os-start": (None, {"stopped"}, "powering-on", "server_start"),
    "os-stop": (None, {"active", "error"}, "powering-off", "server_stop"),
    "pause": (None, {"active"}, "pausing", "server_pause"),
    "unpause": (None, {"paused"}, "unpausing", "server_unpause"),
    "suspend": (None, {"active"}, "suspending", "server_suspend"),
    "resume": (None, {"suspended"}, "resuming", "server_resume"),
    "changePassword": ({"adminPass": "x"}, {"active"}, "updating_password", "server_set_password"),
    "rescue": (None, {"active", "stopped", "error"}, "rescuing", "server_rescue"),
    "unrescue": (None, {"rescued"}, "unrescuing", "server_unrescue"),
    "resize": ({"flavorRef": "2"}, {"active", "stopped"}, "resize_prep", "server_resize"),
}
_WORDS = {"os-start": "start", "os-stop": "stop"}


async def saga_names(cloud: Cloud) -> list[str]:
    return [row["name"] for row in await rows(cloud, sagas)]


async def task_of(cloud: Cloud, server_id: str) -> str | None:
    shown = (await cloud.get(f"/servers/{server_id}", role="admin")).json()["server"]
    task: str | None = shown["OS-EXT-STS:task_state"]
    return task


async def act(cloud: Cloud, server_id: str, action: str, value: Any = None, **more: Any) -> Any:
    return await cloud.post(f"/servers/{server_id}/action", {action: value}, **more)


@pytest.mark.parametrize("action", sorted(_TAKES))
async def test_an_action_is_taken_in_its_states_only_and_shows_at_once(cloud: Cloud, action: str) -> None:
    value, states, task, saga = _TAKES[action]
    for state in VmState:
        if state == VmState.DELETED:
            continue
        (server_id,) = await put_servers(cloud.db, {"vm_state": state.value})
        answer = await act(cloud, server_id, action, value)
        if state.value in states:
            assert answer.status_code == (200 if action == "rescue" else 202), answer.text
            assert await task_of(cloud, server_id) == task
            assert (await saga_names(cloud))[-1] == saga
        else:
            assert answer.status_code == 409
            assert answer.json()["conflictingRequest"]["message"] == (
                f"Cannot '{_WORDS.get(action, action)}' instance {server_id} while it is in vm_state {state.value}"
            )
            assert await task_of(cloud, server_id) is None


async def test_a_server_that_is_busy_refuses(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    assert (await act(cloud, server_id, "pause")).status_code == 202
    answer = await act(cloud, server_id, "suspend")
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == (
        f"Cannot 'suspend' instance {server_id} while it is in task_state pausing"
    )


async def test_a_soft_reboot_and_a_hard_one_show_different_status(cloud: Cloud) -> None:
    for kind, status in (("SOFT", "REBOOT"), ("hard", "HARD_REBOOT")):
        (server_id,) = await put_servers(cloud.db, {})
        assert (await act(cloud, server_id, "reboot", {"type": kind})).status_code == 202
        assert (await cloud.get(f"/servers/{server_id}")).json()["server"]["status"] == status
    (stopped,) = await put_servers(cloud.db, {"vm_state": "stopped"})
    assert (await act(cloud, stopped, "reboot", {"type": "SOFT"})).status_code == 409
    assert (await act(cloud, stopped, "reboot", {"type": "HARD"})).status_code == 202


async def test_a_lock_keeps_others_out_but_not_admins(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    assert (await act(cloud, server_id, "lock", {"locked_reason": "mine"}, version="2.73")).status_code == 202
    shown = (await cloud.get(f"/servers/{server_id}", version="2.73")).json()["server"]
    assert (shown["locked"], shown["locked_reason"]) == (True, "mine")
    answer = await act(cloud, server_id, "os-stop")
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == f"Instance {server_id} is locked"
    assert (await cloud.put(f"/servers/{server_id}", {"server": {"name": "n"}})).status_code == 200
    assert (await act(cloud, server_id, "unlock")).status_code == 202
    assert (await act(cloud, server_id, "os-stop")).status_code == 202


async def test_what_an_admin_of_another_project_locked_only_admins_unlock(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    assert (await act(cloud, server_id, "lock", role="admin", project=OTHER_PROJECT)).status_code == 202
    answer = await act(cloud, server_id, "unlock")
    assert answer.status_code == 403
    assert "unlock_override" in answer.json()["forbidden"]["message"]
    assert (await act(cloud, server_id, "unlock", role="admin", project=OTHER_PROJECT)).status_code == 202


async def test_delete_is_accepted_in_any_state_even_twice(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    assert (await act(cloud, server_id, "pause")).status_code == 202
    for _ in range(2):
        answer = await cloud.delete(f"/servers/{server_id}")
        assert answer.status_code == 204
        assert answer.content == b""
    found = {row["name"]: row for row in await rows(cloud, sagas)}
    assert found["server_pause"]["cancelled"] == 1
    assert found["server_delete"]["state"] == "queued"
    assert len(found) == 2
    assert await task_of(cloud, server_id) == "deleting"
    shown = (await cloud.get(f"/servers/{server_id}")).json()["server"]
    assert shown["status"] == "ACTIVE"


async def test_force_delete_and_reset_state(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"task_state": "spawning"})
    assert (await act(cloud, server_id, "os-resetState", {"state": "error"})).status_code == 403
    assert (await act(cloud, server_id, "os-resetState", {"state": "odd"}, role="admin")).status_code == 400
    assert (await act(cloud, server_id, "os-resetState", {"state": "error"}, role="admin")).status_code == 202
    assert (await cloud.get(f"/servers/{server_id}")).json()["server"]["status"] == "ERROR"
    assert await task_of(cloud, server_id) is None
    assert (await act(cloud, server_id, "forceDelete")).status_code == 202
    assert await saga_names(cloud) == ["server_delete"]


async def test_actions_are_told_apart_by_the_body_s_only_member(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    answer = await act(cloud, server_id, "dance")
    assert answer.json()["badRequest"]["message"] == "There is no such action: dance"
    answer = await cloud.post(f"/servers/{server_id}/action", {"pause": None, "suspend": None})
    assert answer.json()["badRequest"]["message"] == "Malformed request body"
    assert (await cloud.post(f"/servers/{server_id}/action", [])).status_code == 400
    assert (await act(cloud, server_id, "trigger_crash_dump", version="2.16")).status_code == 404
    assert (await act(cloud, server_id, "trigger_crash_dump", version="2.17")).status_code == 202
    assert (await act(cloud, server_id, "os-getVNCConsole", {"type": "novnc"}, version="2.6")).status_code == 404
    assert (await act(cloud, server_id, "resetNetwork")).status_code == 410


async def test_others_cannot_act_on_a_server_and_readers_may_not(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"project_id": OTHER_PROJECT})
    assert (await act(cloud, server_id, "pause")).status_code == 404
    assert (await act(cloud, server_id, "pause", role="reader", project=OTHER_PROJECT)).status_code == 403


async def test_resize_keeps_a_record_of_both_flavors_and_checks_them(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    same = await act(cloud, server_id, "resize", {"flavorRef": "1"})
    assert same.json()["badRequest"]["message"] == "When resizing, instances must change flavor!"
    assert (await act(cloud, server_id, "resize", {"flavorRef": "99"})).status_code == 400
    assert (await act(cloud, server_id, "confirmResize")).status_code == 409
    assert (await act(cloud, server_id, "resize", {"flavorRef": "3"})).status_code == 202
    assert (await cloud.get(f"/servers/{server_id}")).json()["server"]["status"] == "RESIZE"
    (migration,) = await rows(cloud, migrations)
    assert (migration["migration_type"], migration["source_compute"]) == ("resize", "host1")


async def test_rebuild_answers_with_the_server_as_it_will_be(cloud: Cloud) -> None:
    image = await make_image(cloud)
    (server_id,) = await put_servers(cloud.db, {})
    answer = await act(
        cloud, server_id, "rebuild", {"imageRef": image, "name": "anew", "metadata": {"a": "b"}}, version="2.57"
    )
    assert answer.status_code == 202, answer.text
    server = answer.json()["server"]
    assert server["status"] == "REBUILD"
    assert server["name"] == "anew"
    assert server["image"]["id"] == image
    assert server["metadata"] == {"a": "b"}
    assert {"adminPass", "key_name", "user_data"} <= set(server)
    assert "OS-EXT-STS:task_state" not in server
    assert await saga_names(cloud) == ["server_rebuild"]


@pytest.mark.parametrize("version", ["2.1", "2.47", "2.75", "2.104"])
async def test_update_answers_a_smaller_view_below_2_75(cloud: Cloud, version: str) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    answer = await cloud.put(f"/servers/{server_id}", {"server": {"name": "anew"}}, version=version)
    assert answer.status_code == 200
    server = answer.json()["server"]
    assert server["name"] == "anew"
    assert ("OS-EXT-STS:vm_state" in server) == (version in ("2.75", "2.104"))
    (address,) = server["addresses"]["private"]
    assert ("OS-EXT-IPS:type" in address) == (version in ("2.75", "2.104"))


async def test_a_snapshot_is_an_image_before_the_answer(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    answer = await act(cloud, server_id, "createImage", {"name": "snap", "metadata": {"k": "v"}}, version="2.45")
    assert answer.status_code == 202
    image = await cloud.images.show(answer.json()["image_id"], f"member:{'6f70656e737461636b20342065766572'}")
    assert image.status == "queued"
    assert image.properties["instance_uuid"] == server_id
    assert image.properties["image_type"] == "snapshot"
    assert image.properties["k"] == "v"
    assert await task_of(cloud, server_id) == "image_snapshot_pending"
    (second,) = await put_servers(cloud.db, {})
    old = await act(cloud, second, "createImage", {"name": "snap"}, version="2.44")
    assert old.status_code == 202
    assert old.content == b""
    assert "/images/" in old.headers["location"]
    assert old.headers["content-type"].startswith("text/html")


async def test_a_refused_snapshot_leaves_no_image(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    assert (await act(cloud, server_id, "pause")).status_code == 202
    assert (await act(cloud, server_id, "createImage", {"name": "snap"})).status_code == 409
    assert await cloud.images.list(f"member:{'6f70656e737461636b20342065766572'}") == []


async def test_a_rescue_answers_its_password(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    answer = await act(cloud, server_id, "rescue", {"adminPass": "secret"})
    assert answer.json() == {"adminPass": "secret"}
    (other,) = await put_servers(cloud.db, {})
    assert (await act(cloud, other, "rescue", {"rescue_image_ref": IMAGE})).status_code == 400


async def test_every_accepted_action_can_be_read_by_its_request_id(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    answer = await act(cloud, server_id, "pause")
    request_id = answer.headers["x-openstack-request-id"]
    listed = (await cloud.get(f"/servers/{server_id}/os-instance-actions")).json()["instanceActions"]
    assert [(one["action"], one["request_id"]) for one in listed] == [("pause", request_id)]
    shown = (await cloud.get(f"/servers/{server_id}/os-instance-actions/{request_id}", version="2.51")).json()
    assert set(shown["instanceAction"]) == {
        "action", "events", "instance_uuid", "message", "project_id", "request_id", "start_time", "user_id",
    }  # fmt: skip
    assert (await cloud.get(f"/servers/{server_id}/os-instance-actions/req-x")).status_code == 404


async def test_task_and_saga_are_written_together(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    await act(cloud, server_id, "pause")
    row = await cloud.db.row(Statement(select(servers.c.task_state, servers.c.updated_at)))
    assert row is not None
    assert row["task_state"] == "pausing"
    assert row["updated_at"] > "2026"


async def test_work_that_shows_no_task_is_waited_for(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    async with cloud.db.begin() as tx:
        await tx.execute(insert_into(holds), resource_id=server_id, saga_id="another")
    waiting = asyncio.create_task(act(cloud, server_id, "pause"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    async with cloud.db.begin() as tx:
        await tx.execute(delete_by(holds, ("resource_id",)), resource_id=server_id)
    assert (await waiting).status_code == 202


async def test_the_old_name_of_servers_works_up_to_2_102(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    path = f"/os-volumes_boot/{server_id}"
    assert (await cloud.get(path, version="2.102")).json()["server"]["id"] == server_id
    assert (await cloud.get(path, version="2.103")).status_code == 404
    assert (await cloud.post(f"{path}/action", {"os-stop": None}, version="2.1")).status_code == 202


async def test_the_old_api_strips_what_it_does_not_know(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    cloud.base = "/compute/v2"
    answer = await cloud.put(f"/servers/{server_id}", {"server": {"name": " anew ", "colour": "red"}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["server"]["name"] == "anew"


async def test_a_hard_reboot_ends_a_soft_one_that_hangs(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    assert (await act(cloud, server_id, "reboot", {"type": "SOFT"})).status_code == 202
    assert (await act(cloud, server_id, "reboot", {"type": "SOFT"})).status_code == 409
    assert (await act(cloud, server_id, "reboot", {"type": "HARD"})).status_code == 202
    states = [(row["state"], row["cancelled"]) for row in await rows(cloud, sagas)]
    assert sorted(states) == [("open", 1), ("queued", 0)]


@pytest.mark.parametrize("value", [None, {}, [None, None], {"availability_zone": "nowhere"}])
async def test_an_unshelve_below_2_77_ignores_its_value(cloud: Cloud, value: Any) -> None:
    (server,) = await put_servers(cloud.db, {"vm_state": "shelved_offloaded"})
    answer = await cloud.post(f"/servers/{server}/action", {"unshelve": value}, version="2.76")
    assert answer.status_code == 202, answer.text
