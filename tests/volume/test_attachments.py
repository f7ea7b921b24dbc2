"""Who has a volume: attachments through their states, and who may end them."""

import asyncio
import uuid
from typing import Any

import pytest

from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.volume import AttachStatus
from tests.volume.conftest import CONNECTOR, VolumeCloud

SERVER = str(uuid.uuid4())
OTHER = str(uuid.uuid4())


async def status(volumes: VolumeCloud, volume: dict[str, Any]) -> str:
    return str((await volumes.show(volume["id"]))["status"])


async def test_an_attachment_goes_through_its_states(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()

    made = await volumes.client.attachment_create(volume["id"], SERVER, "nova")
    assert (made.status, made.connection_info, await status(volumes, volume)) == ("reserved", {}, "reserved")
    connected = await volumes.client.attachment_update(made.id, CONNECTOR, "nova")
    assert (connected.status, await status(volumes, volume)) == ("attaching", "attaching")
    assert connected.connection_info["driver_volume_type"] == "kilonova_file"
    data = connected.connection_info["data"]
    assert (data["path"], data["format"], data["access_mode"]) == (str(volumes.path(volume["id"])), "raw", "rw")
    await volumes.client.attachment_complete(made.id, "nova")
    shown = await volumes.show(volume["id"])
    assert shown["status"] == "in-use"
    held = shown["attachments"][0]
    assert (held["server_id"], held["device"], held["attachment_id"]) == (SERVER, "/dev/vdb", made.id)
    assert held["host_name"] is None

    await volumes.client.attachment_delete(made.id, "nova")
    shown = await volumes.show(volume["id"])
    assert (shown["status"], shown["attachments"]) == ("available", [])


async def test_every_step_may_run_twice(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    made = await volumes.client.attachment_create(volume["id"], SERVER, "nova")
    for _ in range(2):
        await volumes.client.attachment_update(made.id, CONNECTOR, "nova")
    for _ in range(2):
        await volumes.client.attachment_complete(made.id, "nova")
    await volumes.client.attachment_update(made.id, {**CONNECTOR, "host": "host-2"}, "nova")
    assert await status(volumes, volume) == "in-use"
    for _ in range(2):
        await volumes.client.attachment_delete(made.id, "nova")
    assert await status(volumes, volume) == "available"


async def test_connecting_at_once(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    made = await volumes.client.attachment_create(volume["id"], SERVER, "nova", connector=CONNECTOR, mode="ro")
    assert (made.status, made.mode) == (AttachStatus.ATTACHING, "ro")
    assert made.connection_info["data"]["access_mode"] == "ro"


async def test_force_frees_a_volume_in_error_that_no_guest_has(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    attached = await volumes.act(volume["id"], "os-attach", instance_uuid=SERVER, mountpoint="/dev/vdb")
    assert attached.status_code == 202
    assert (await volumes.act(volume["id"], "os-reset_status", "admin", status="error")).status_code == 202

    assert (await volumes.act(volume["id"], "os-force_detach", "admin")).status_code == 202

    after = await volumes.show(volume["id"])
    assert (after["status"], after["attachments"]) == ("available", [])


async def test_a_volume_in_use_is_let_go_by_services_alone(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    attachment = await volumes.attach(volume["id"], SERVER)
    for who in ("anna", "admin"):
        answer = await volumes.call("DELETE", f"/attachments/{attachment}", who)
        assert answer.status_code == 409
        assert "using the Compute API" in answer.json()["conflictingRequest"]["message"]
        assert (await volumes.act(volume["id"], "os-detach", who)).status_code == 409
        forced = await volumes.act(volume["id"], "os-force_detach", who)
        assert forced.status_code == (409 if who == "admin" else 403)
        terminate = await volumes.act(volume["id"], "os-terminate_connection", who, connector=CONNECTOR)
        assert terminate.status_code == 409
    assert (await volumes.call("DELETE", f"/volumes/{volume['id']}")).status_code == 400
    assert (await volumes.act(volume["id"], "os-force_delete", "admin")).status_code == 400
    assert await status(volumes, volume) == "in-use"

    not_a_service = await volumes.call("DELETE", f"/attachments/{attachment}", headers={"X-Service-Token": "bert"})
    assert not_a_service.status_code == 409
    forged = await volumes.call("DELETE", f"/attachments/{attachment}", headers={"X-Service-Token": "forged"})
    assert forged.status_code == 409
    for_the_user = await volumes.call("DELETE", f"/attachments/{attachment}", headers={"X-Service-Token": "nova"})
    assert for_the_user.status_code == 200
    assert await status(volumes, volume) == "available"


async def test_a_reservation_is_its_owners_to_give_up(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    made = await volumes.client.attachment_create(volume["id"], SERVER, "anna")
    assert (await volumes.call("DELETE", f"/attachments/{made.id}", "bert")).status_code == 404
    await volumes.client.attachment_delete(made.id, "anna")
    assert await status(volumes, volume) == "available"


async def test_users_do_not_learn_where_files_lie(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    attachment = await volumes.attach(volume["id"], SERVER)
    for path in (f"/attachments/{attachment}", "/attachments/detail", f"/volumes/{volume['id']}"):
        assert str(volumes.directory) not in (await volumes.call("GET", path)).text
    other = await volumes.volume()
    told = await volumes.act(other["id"], "os-initialize_connection", connector=CONNECTOR)
    assert told.json()["connection_info"]["data"] == {}


async def test_one_server_at_a_time(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    attempts = [volumes.client.attachment_create(volume["id"], str(uuid.uuid4()), "nova") for _ in range(8)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(one, BadRequest) for one in outcomes) == 7
    assert len(await volumes.client.attachments("nova", volume_id=volume["id"])) == 1


async def test_the_same_server_may_hold_it_twice_while_it_moves(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    first = await volumes.attach(volume["id"], SERVER)
    second = await volumes.client.attachment_create(volume["id"], SERVER, "nova")
    assert await status(volumes, volume) == "in-use"
    with pytest.raises(BadRequest):
        await volumes.client.attachment_create(volume["id"], OTHER, "nova")
    await volumes.client.attachment_delete(first, "nova")
    assert await status(volumes, volume) == "reserved"
    await volumes.client.attachment_delete(second.id, "nova")
    assert await status(volumes, volume) == "available"


async def test_several_servers_share_a_volume_of_a_type_for_that(volumes: VolumeCloud) -> None:
    kind = {"volume_type": {"name": "shared", "extra_specs": {"multiattach": "<is> True"}}}
    assert (await volumes.call("POST", "/types", "admin", json=kind)).status_code == 200
    volume = await volumes.volume(volume_type="shared")
    assert volume["multiattach"] is True
    first, second = await volumes.attach(volume["id"], SERVER), await volumes.attach(volume["id"], OTHER)
    shown = await volumes.show(volume["id"])
    assert {one["server_id"] for one in shown["attachments"]} == {SERVER, OTHER}
    await volumes.client.attachment_delete(first, "nova")
    assert await status(volumes, volume) == "in-use"
    await volumes.client.attachment_delete(second, "nova")
    assert await status(volumes, volume) == "available"


async def test_attachments_are_found_by_server_and_volume(volumes: VolumeCloud) -> None:
    one, two = await volumes.volume(), await volumes.volume()
    await volumes.attach(one["id"], SERVER)
    await volumes.attach(two["id"], SERVER)
    assert len(await volumes.client.attachments("nova", server_id=SERVER)) == 2
    found = await volumes.client.attachments("nova", server_id=SERVER, volume_id=two["id"])
    assert [attachment.volume_id for attachment in found] == [two["id"]]
    assert await volumes.client.attachment(found[0].id, "nova") == found[0]
    assert list(await volumes.client.attachments("nova", server_id=OTHER)) == []
    assert (await volumes.call("GET", "/attachments", "bert")).json()["attachments"] == []
    paged = (await volumes.call("GET", "/attachments?limit=1")).json()
    assert len(paged["attachments"]) == 1
    assert paged["attachments_links"]


async def test_wrong_requests_are_refused(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    made = await volumes.client.attachment_create(volume["id"], SERVER, "nova")
    connectors: list[Any] = [{}, {"host": 5}, {"host": ""}, {"host": "h", "mountpoint": 5}]
    for connector in connectors:
        with pytest.raises(BadRequest):
            await volumes.client.attachment_update(made.id, connector, "nova")
    with pytest.raises(NotFound):
        await volumes.client.attachment_create(OTHER, SERVER, "nova")
    bodies: list[Any] = [{}, {"attachment": {}}, {"attachment": {"volume_uuid": "../x"}}]
    for body in bodies:
        assert (await volumes.call("POST", "/attachments", json=body)).status_code == 400
    early = {"attachment": {"volume_uuid": volume["id"], "mode": "ro"}}
    assert (await volumes.call("POST", "/attachments", minor=53, json=early)).status_code == 400
    assert await status(volumes, volume) == "reserved"


async def test_a_server_without_a_host_has_a_volume_all_the_same(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    made = await volumes.client.attachment_create(volume["id"], SERVER, "nova")
    await volumes.client.attachment_complete(made.id, "nova")
    assert await status(volumes, volume) == "in-use"
    connected = await volumes.client.attachment_update(made.id, {"host": "h"}, "nova")
    assert connected.status == "attached"
    assert connected.connection_info["data"]["path"]


async def test_the_older_actions_lead_the_same_way(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    assert (await volumes.act(volume["id"], "os-reserve")).status_code == 202
    assert await status(volumes, volume) == "attaching"
    assert (await volumes.act(volume["id"], "os-reserve")).status_code == 400
    assert (await volumes.act(volume["id"], "os-unreserve")).status_code == 202
    assert await status(volumes, volume) == "available"
    told = await volumes.act(volume["id"], "os-initialize_connection", "nova", connector=CONNECTOR)
    assert told.json()["connection_info"]["data"]["path"] == str(volumes.path(volume["id"]))
    attach = {"instance_uuid": SERVER, "mountpoint": "/dev/vdc", "mode": "rw"}
    assert (await volumes.act(volume["id"], "os-attach", "nova", **attach)).status_code == 202
    assert await status(volumes, volume) == "in-use"
    assert (await volumes.act(volume["id"], "os-attach", "nova", **attach)).status_code == 400
    await volumes.client.begin_detaching(volume["id"], "anna")
    assert await status(volumes, volume) == "detaching"
    with pytest.raises(BadRequest):
        await volumes.client.begin_detaching(volume["id"], "anna")
    await volumes.client.roll_detaching(volume["id"], "anna")
    assert await status(volumes, volume) == "in-use"
    await volumes.client.begin_detaching(volume["id"], "anna")
    assert (await volumes.act(volume["id"], "os-detach", "nova")).status_code == 202
    assert await status(volumes, volume) == "available"
    # Nobody has it: what is asked for is so already.
    assert (await volumes.act(volume["id"], "os-detach", "nova")).status_code == 202


async def test_a_refused_delete_is_a_conflict_for_the_client(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    attachment = await volumes.attach(volume["id"], SERVER)
    with pytest.raises(Conflict, match=SERVER):
        await volumes.client.attachment_delete(attachment, "anna")
