"""The 25 behaviours that a new Compute API usually gets wrong, each by its number: 16 to 25."""

import base64

from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import block_devices
from tests.api.cloud import PROJECT, Cloud
from tests.api.neighbours import FREE_PORT, PRIVATE, SECOND, Volume, network
from tests.api.rows import put_servers
from tests.api.test_migrations import put as put_migration
from tests.api.test_server_create import create, make_image

VOLUME = "77777777-7777-4777-8777-777777777777"


async def test_16_boot_from_volume_wants_boot_indexes_without_gaps(cloud: Cloud) -> None:
    cloud.volumes.known[VOLUME] = Volume(VOLUME)
    existing = {"source_type": "volume", "destination_type": "volume", "uuid": VOLUME}
    gap = await create(cloud, None, "2.37", block_device_mapping_v2=[existing | {"boot_index": 1}])
    assert gap.status_code == 400
    assert "Boot sequence" in gap.json()["badRequest"]["message"]
    sized = {"source_type": "blank", "destination_type": "volume", "boot_index": 0}
    assert (await create(cloud, None, "2.37", block_device_mapping_v2=[sized])).status_code == 400
    both = await create(
        cloud, None, "2.37", block_device_mapping_v2=[existing | {"boot_index": 0}], block_device_mapping=[{}]
    )
    assert both.status_code == 400
    made = await create(cloud, "", "2.37", block_device_mapping_v2=[existing | {"boot_index": 0}])
    assert made.status_code == 202, made.text
    assert (await cloud.get(f"/servers/{made.json()['server']['id']}")).json()["server"]["image"] == ""


async def test_17_networks_are_optional_below_2_37_and_required_from_there(cloud: Cloud) -> None:
    image = await make_image(cloud)
    body = {"name": "a", "flavorRef": "1", "imageRef": image}
    assert (await cloud.post("/servers", {"server": body}, version="2.36")).status_code == 202
    assert (await cloud.post("/servers", {"server": body}, version="2.37")).status_code == 400
    cloud.neutron.things["networks"].append(network(SECOND, PROJECT))
    several = await cloud.post("/servers", {"server": body}, version="2.36")
    words = "Multiple possible networks found, use a Network ID to be more specific."
    assert (several.status_code, several.json()["conflictingRequest"]["message"]) == (409, words)
    tagged = {"networks": [{"uuid": PRIVATE, "tag": "nic"}]}
    for version, status in (("2.31", 400), ("2.32", 202), ("2.37", 400), ("2.42", 202)):
        answer = await cloud.post("/servers", {"server": body | tagged}, version=version)
        assert answer.status_code == status, (version, answer.text)


async def test_18_several_servers_count_up_and_the_answer_shows_the_first(cloud: Cloud) -> None:
    image = await make_image(cloud)
    made = await create(cloud, image, "2.37", min_count="2", max_count=3)
    assert made.status_code == 202, made.text
    shown = (await cloud.get("/servers/detail", role="admin", version="2.3")).json()["servers"]
    assert sorted(one["name"] for one in shown) == ["web-1", "web-2", "web-3"]
    assert sorted(one["OS-EXT-SRV-ATTR:launch_index"] for one in shown) == [0, 1, 2]
    assert len({one["OS-EXT-SRV-ATTR:reservation_id"] for one in shown}) == 1
    assert (await create(cloud, image, "2.37", min_count=3, max_count=2)).status_code == 400
    port = await create(cloud, image, "2.37", networks=[{"port": FREE_PORT}], min_count=2)
    assert port.status_code == 400


async def test_19_over_quota_is_403_in_fixed_words_and_limits_agree(cloud: Cloud) -> None:
    image = await make_image(cloud)
    limits = {"quota_set": {"instances": 1}}
    assert (await cloud.put(f"/os-quota-sets/{PROJECT}", limits, role="admin")).status_code == 200
    assert (await create(cloud, image, "2.37")).status_code == 202
    refused = await create(cloud, image, "2.37")
    words = "Quota exceeded for instances: Requested 1, but already used 1 of 1 instances"
    assert (refused.status_code, refused.json()["forbidden"]["message"]) == (403, words)
    shown = (await cloud.get("/limits")).json()["limits"]["absolute"]
    held = (await cloud.get(f"/os-quota-sets/{PROJECT}/detail")).json()["quota_set"]
    assert (shown["maxTotalInstances"], shown["totalInstancesUsed"]) == (1, 1)
    assert held["instances"] == {"limit": 1, "in_use": 1, "reserved": 0}
    below = await cloud.put(f"/os-quota-sets/{PROJECT}", {"quota_set": {"instances": 0}}, role="admin")
    assert below.status_code == 400


async def test_20_an_attachment_is_named_by_its_volume(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {})
    async with cloud.db.begin() as tx:
        await tx.execute(
            insert_into(block_devices), id="b" * 36, server_id=server, volume_id=VOLUME, source_type="volume",
            destination_type="volume", boot_index=0, device_name="/dev/vda", created_at="2026-01-01T00:00:00.000000",
        )  # fmt: skip
    path = f"/servers/{server}/os-volume_attachments/{VOLUME}"
    old = (await cloud.get(path, version="2.88")).json()["volumeAttachment"]
    new = (await cloud.get(path, version="2.89")).json()["volumeAttachment"]
    assert old["id"] == old["volumeId"] == VOLUME
    assert ("id" in new, new["bdm_uuid"]) == (False, "b" * 36)
    assert (await cloud.delete(path)).status_code == 400
    unknown = {"volumeAttachment": {"volumeId": "0d0c0b0a-0000-4000-8000-000000000001"}}
    assert (await cloud.post(f"/servers/{server}/os-volume_attachments", unknown)).status_code == 404


async def test_21_a_snapshot_tells_its_image_in_two_ways(cloud: Cloud) -> None:
    image = await make_image(cloud)
    (server,) = await put_servers(cloud.db, {"image_id": image})
    asked = {"createImage": {"name": "snap"}}
    old = await cloud.post(f"/servers/{server}/action", asked, version="2.44")
    assert (old.status_code, old.content) == (202, b"")
    made = old.headers["Location"].rpartition("/images/")[2]
    token = f"member:{PROJECT}"
    found = await cloud.images.show(made, token)
    assert (found.status, found.properties["image_type"]) == ("queued", "snapshot")
    shown = (await cloud.get(f"/servers/{server}")).json()["server"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", "image_snapshot_pending")
    (second,) = await put_servers(cloud.db, {"image_id": image})
    new = await cloud.post(f"/servers/{second}/action", asked, version="2.45")
    assert list(new.json()) == ["image_id"]


async def test_22_the_request_id_names_the_instance_action(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {})
    path = f"/servers/{server}"
    given = {"X-OpenStack-Request-ID": "req-0d0c0b0a-0000-4000-8000-000000000001"}
    asked = await cloud.post(f"{path}/action", {"pause": None}, headers=given)
    name = asked.headers["X-Openstack-Request-Id"]
    assert name == asked.headers["X-Compute-Request-Id"] != given["X-OpenStack-Request-ID"]
    action = (await cloud.get(f"{path}/os-instance-actions/{name}", version="2.51")).json()["instanceAction"]
    assert (action["action"], action["request_id"]) == ("pause", name)
    assert (await cloud.get(f"{path}/os-instance-actions/req-none")).status_code == 404


async def test_23_moves_ask_what_their_version_asks(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {})
    path = f"/servers/{server}/action"
    same = await cloud.post(path, {"resize": {"flavorRef": "1"}})
    assert (same.status_code, (await cloud.post(path, {"confirmResize": None})).status_code) == (400, 409)
    live = {"os-migrateLive": {"host": None, "block_migration": False}}
    assert (await cloud.post(path, live, role="admin", version="2.24")).status_code == 400
    assert (await cloud.post(path, {"migrate": None})).status_code == 403
    (other,) = await put_servers(cloud.db, {"vm_state": "shelved"})
    zone = {"unshelve": {"availability_zone": "nova"}}
    assert (await cloud.post(f"/servers/{other}/action", zone, version="2.77")).status_code == 409
    await put_migration(cloud, server_id=server)
    assert (await cloud.get(f"/servers/{server}/migrations", role="admin", version="2.23")).json()["migrations"] == []
    (recorded,) = (await cloud.get("/os-migrations", role="admin", version="2.59")).json()["migrations"]
    assert recorded["uuid"]
    assert (await cloud.post(path, {"resize": {"flavorRef": "2"}})).status_code == 202
    assert (await cloud.get(f"/servers/{server}")).json()["server"]["status"] == "RESIZE"


async def test_24_each_external_event_has_a_code_of_its_own(cloud: Cloud) -> None:
    here, nowhere = await put_servers(cloud.db, {}, {"host": None})
    unknown = "0d0c0b0a-0000-4000-8000-000000000001"
    events = [{"name": "network-changed", "server_uuid": one} for one in (here, nowhere, unknown)]
    # Without the tag that would say which volume.
    events.append({"name": "volume-extended", "server_uuid": here})
    answer = await cloud.post("/os-server-external-events", {"events": events}, role="service", version="2.51")
    assert (answer.status_code, [one["code"] for one in answer.json()["events"]]) == (207, [200, 422, 404, 400])
    good = await cloud.post("/os-server-external-events", {"events": events[:1]}, role="service")
    assert good.status_code == 200
    assert (await cloud.post("/os-server-external-events", {"events": events[:1]})).status_code == 403
    extended = {"events": [{"name": "volume-extended", "server_uuid": here, "tag": VOLUME}]}
    for version, status in (("2.50", 400), ("2.51", 200)):
        told = await cloud.post("/os-server-external-events", extended, role="service", version=version)
        assert told.status_code == status


async def test_25_what_the_guest_gets_has_its_limits(cloud: Cloud) -> None:
    image = await make_image(cloud)
    fits = base64.b64encode(b"x" * 49149).decode()
    assert len(fits) <= 65535
    assert (await create(cloud, image, "2.37", user_data=fits)).status_code == 202
    assert (await create(cloud, image, "2.37", user_data=fits + "AAAA")).status_code == 400
    assert (await create(cloud, image, "2.37", user_data="no base64!")).status_code == 400
    file = {"path": "/a", "contents": base64.b64encode(b"x").decode()}
    assert (await create(cloud, image, "2.37", personality=[file] * 6)).status_code == 403
    assert (await create(cloud, image, "2.57", personality=[file])).status_code == 400
    made = (await cloud.post("/os-keypairs", {"keypair": {"name": "k"}})).json()["keypair"]
    assert made["private_key"]
    assert len(made["fingerprint"].split(":")) == 16
    assert "private_key" not in (await cloud.get("/os-keypairs/k")).json()["keypair"]
    assert (await cloud.post("/os-keypairs", {"keypair": {"name": "l"}}, version="2.92")).status_code == 400
    server = (await create(cloud, image, "2.37", key_name="k")).json()["server"]
    assert (await cloud.delete("/os-keypairs/k")).status_code == 202
    assert (await cloud.get(f"/servers/{server['id']}")).json()["server"]["key_name"] == "k"
