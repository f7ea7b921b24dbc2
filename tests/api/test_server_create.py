"""Creating servers: little is answered, at once; what is wrong is told at once; what is accepted is stored."""

import base64
import json
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from kilonova.db.statement import Statement, insert_into
from kilonova.db.tables.flavors import keypairs
from kilonova.db.tables.hosts import quotas
from kilonova.db.tables.sagas import holds, sagas
from kilonova.db.tables.servers import actions, block_devices, servers
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.neighbours import BARE, EXTERNAL, FREE_PORT, PRIVATE, SECOND, TAKEN_PORT, Volume, network

VOLUME = "77777777-7777-4777-8777-777777777777"


async def make_image(cloud: Cloud, role: str = "member", **standard: Any) -> str:
    token = f"{role}:{PROJECT}"
    image = await cloud.images.create(
        token, name="tiny", properties={"os_distro": "debian"}, disk_format="raw", container_format="bare", **standard
    )

    async def bits() -> Any:
        yield b"x" * 512

    await cloud.images.upload(image.id, bits(), token)
    return image.id


@pytest.fixture
async def image(cloud: Cloud) -> str:
    return await make_image(cloud)


async def create(cloud: Cloud, image: str | None, version: str = "2.1", hints: Any = None, **members: Any) -> Any:
    body: dict[str, Any] = {"name": "web", "flavorRef": "1", **members}
    if image is not None:
        body["imageRef"] = image
    if version not in ("2.1", "2.36") and "networks" not in body:
        body["networks"] = "none"
    document: dict[str, Any] = {"server": body}
    if hints is not None:
        document["os:scheduler_hints"] = hints
    return await cloud.post("/servers", document, version=version)


async def rows(cloud: Cloud, table: Any) -> list[dict[str, Any]]:
    return await cloud.db.rows(Statement(select(table)))


async def test_a_create_answers_little_and_stores_all(cloud: Cloud, image: str) -> None:
    answer = await create(cloud, image)
    assert answer.status_code == 202, answer.text
    server = answer.json()["server"]
    assert set(server) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert server["security_groups"] == [{"name": "default"}]
    assert answer.headers["location"] == f"http://cloud.example/compute/v2.1/servers/{server['id']}"
    assert answer.headers["content-type"] == "application/json"

    shown = (await cloud.get(f"/servers/{server['id']}")).json()["server"]
    assert shown["status"] == "BUILD"
    assert shown["OS-EXT-STS:task_state"] == "scheduling"
    assert shown["addresses"] == {}
    assert shown["hostId"] == ""

    (row,) = await rows(cloud, servers)
    assert msgspec.json.decode(row["networks"])[0]["network_id"] == PRIVATE
    assert msgspec.json.decode(row["system_metadata"]) == {"admin_password": server["adminPass"]}
    assert msgspec.json.decode(row["request_spec"])["image_properties"] == {"os_distro": "debian"}
    (device,) = await rows(cloud, block_devices)
    assert (device["source_type"], device["destination_type"], device["boot_index"]) == ("image", "local", 0)
    (saga,) = await rows(cloud, sagas)
    assert (saga["name"], saga["holds"], saga["state"]) == ("server_create", server["id"], "open")
    assert (await rows(cloud, holds))[0]["resource_id"] == server["id"]
    (action,) = await rows(cloud, actions)
    assert action["request_id"] == answer.headers["x-openstack-request-id"]
    assert len(action["trace_id"]) == 32


async def test_a_create_asks_each_neighbour_at_most_once(cloud: Cloud, image: str) -> None:
    assert (await create(cloud, image)).status_code == 202
    assert cloud.neutron.asked == ["GET /v2.0/networks"]
    cloud.neutron.asked.clear()
    assert (await create(cloud, image, version="2.37")).status_code == 202
    assert cloud.neutron.asked == []


async def test_all_members_of_the_newest_version_are_taken(cloud: Cloud, image: str) -> None:
    answer = await create(
        cloud, image, version="2.104",
        networks=[{"uuid": PRIVATE, "fixed_ip": "10.0.0.5", "tag": "nic"}], metadata={"a": "b"},
        description="mine", tags=["blue", "red"], hostname="web.example.org", config_drive="yes",
        user_data=base64.b64encode(b"#!/bin/sh").decode(), accessIPv4="1.2.3.4", availability_zone="nova",
        security_groups=[{"name": "default"}], hints={"same_host": "48e6a9f6-30af-47e0-bc04-acaed113bb4e"},
        trusted_image_certificates=["cert"], **{"OS-DCF:diskConfig": "AUTO"},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    shown = (await cloud.get(f"/servers/{answer.json()['server']['id']}", version="2.104")).json()["server"]
    assert shown["tags"] == ["blue", "red"]
    assert shown["description"] == "mine"
    assert shown["OS-EXT-SRV-ATTR:hostname"] == "web.example.org"
    assert shown["config_drive"] == "True"
    assert shown["pinned_availability_zone"] == "nova"
    assert shown["scheduler_hints"] == {"same_host": ["48e6a9f6-30af-47e0-bc04-acaed113bb4e"]}
    assert shown["trusted_image_certificates"] == ["cert"]
    assert shown["OS-DCF:diskConfig"] == "AUTO"
    assert shown["accessIPv4"] == "1.2.3.4"


@pytest.mark.parametrize(
    ("version", "members", "words"),
    [
        ("2.1", {"name": " x"}, "An invalid 'name' value was provided. The name must be: printable characters. Can not "
                                "start or end with whitespace."),
        ("2.1", {"name": 5}, "Invalid input for field/attribute name. Value: 5. 5 is not of type 'string'"),
        ("2.1", {"colour": "red"}, "Invalid input for field/attribute server. Value: "),
        ("2.1", {"description": "early"}, "('description' was unexpected)"),
        ("2.1", {"min_count": 0}, "attribute min_count. Value: 0. 0 is less than the minimum of 1"),
        ("2.1", {"min_count": "0"}, "'0' is less than the minimum of 1"),
        ("2.1", {"min_count": 3, "max_count": 2}, "min_count must be <= max_count"),
        ("2.1", {"flavorRef": "99"}, "Flavor 99 could not be found."),
        ("2.1", {"imageRef": "70a599e0-31e7-49b7-b260-868f441e862b"}, "Can not find requested image"),
        ("2.1", {"key_name": "none"}, "Invalid key_name provided."),
        ("2.1", {"availability_zone": "moon"}, "The requested availability zone is not available"),
        ("2.1", {"networks": [{"uuid": SECOND}]}, f"Network {SECOND} could not be found."),
        ("2.1", {"networks": [{"port": FREE_PORT, "fixed_ip": "10.0.0.1"}]}, "cannot be specified together"),
        ("2.1", {"networks": [{"port": SECOND}]}, f"Port id {SECOND} could not be found."),
        ("2.1", {"user_data": "not base64!"}, "Invalid input for field/attribute user_data."),
        ("2.1", {"metadata": {"a": 1}}, "Invalid input for field/attribute a. Value: 1. 1 is not of type 'string'"),
        ("2.1", {"security_groups": [{"name": "moon"}]}, "Security group moon not found"),
        ("2.37", {"networks": "all"}, "Invalid input for field/attribute networks."),
        ("2.57", {"personality": []}, "('personality' was unexpected)"),
        ("2.67", {"block_device_mapping_v2": [{"source_type": "blank", "destination_type": "volume", "boot_index": 2,
                                               "volume_size": 1}]},
         "Block Device Mapping is Invalid: Boot sequence"),
        ("2.90", {"hostname": "a b"}, "Invalid input for field/attribute hostname."),
        ("2.90", {"hostname": "web.example"}, "Invalid input for field/attribute hostname."),
        ("2.90", {"hostname": "web", "max_count": 2}, "single configured hostname"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_a_400_in_nova_s_words(
    cloud: Cloud, image: str, version: str, members: dict[str, Any], words: str
) -> None:
    answer = await create(cloud, members.pop("imageRef", image), version=version, **members)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["badRequest"]["message"]
    assert await rows(cloud, servers) == []
    assert await rows(cloud, sagas) == []


async def test_networks_are_required_from_2_37(cloud: Cloud, image: str) -> None:
    body = {"server": {"name": "web", "flavorRef": "1", "imageRef": image}}
    assert (await cloud.post("/servers", body, version="2.36")).status_code == 202
    answer = await cloud.post("/servers", body, version="2.37")
    assert answer.status_code == 400
    assert "'networks' is a required property" in answer.json()["badRequest"]["message"]


async def test_of_several_networks_one_has_to_be_named(cloud: Cloud, image: str) -> None:
    cloud.neutron.things["networks"].append(network(SECOND, PROJECT))
    for answer in (await create(cloud, image), await create(cloud, image, "2.37", networks="auto")):
        assert answer.status_code == 409
        assert answer.json()["conflictingRequest"]["message"] == (
            "Multiple possible networks found, use a Network ID to be more specific."
        )


async def test_networks_and_ports_that_will_not_do(cloud: Cloud, image: str) -> None:
    cloud.neutron.things["networks"] += [network(BARE, PROJECT, subnets=()), network(EXTERNAL, "x", external=True)]
    address = [{"ip_address": "10.0.0.9", "subnet_id": "s1"}]
    cloud.neutron.things["ports"] = [
        {"id": FREE_PORT, "network_id": PRIVATE, "fixed_ips": address},
        {"id": TAKEN_PORT, "network_id": PRIVATE, "fixed_ips": address, "device_id": "somebody"},
    ]
    for networks, status in (
        ([{"uuid": BARE}], 400),
        ([{"uuid": EXTERNAL}], 403),
        ([{"port": TAKEN_PORT}], 409),
        ([{"port": FREE_PORT}, {"port": FREE_PORT}], 400),
        ([{"port": FREE_PORT}], 202),
        ([{"uuid": PRIVATE}, {"uuid": PRIVATE}], 202),
    ):
        answer = await create(cloud, image, "2.37", networks=networks)
        assert answer.status_code == status, (networks, answer.text)
    many = await create(cloud, image, "2.37", networks=[{"port": FREE_PORT}], max_count=2)
    assert many.status_code == 400


async def test_several_servers_share_a_reservation_and_count_up(cloud: Cloud, image: str) -> None:
    answer = await create(cloud, image, min_count="2", max_count=3, return_reservation_id=True)
    assert answer.status_code == 202
    assert list(answer.json()) == ["reservation_id"]
    made = sorted(await rows(cloud, servers), key=lambda row: row["launch_index"])
    assert [row["name"] for row in made] == ["web-1", "web-2", "web-3"]
    assert [row["hostname"] for row in made] == ["web-1", "web-2", "web-3"]
    assert {row["reservation_id"] for row in made} == {answer.json()["reservation_id"]}
    assert len(await rows(cloud, sagas)) == 3
    assert len({row["id"] for row in await rows(cloud, block_devices)}) == 3


async def test_quota_lets_as_many_as_fit_and_says_what_it_does_not_let(cloud: Cloud, image: str) -> None:
    async with cloud.db.begin() as tx:
        for resource, limit in (("instances", 3), ("cores", 4)):
            await tx.execute(insert_into(quotas), project_id=PROJECT, user_id="", resource=resource, hard_limit=limit)
    assert (await create(cloud, image, min_count=1, max_count=5)).status_code == 202
    assert len(await rows(cloud, servers)) == 3
    answer = await create(cloud, image, flavorRef="3")
    assert answer.status_code == 403
    assert answer.json()["forbidden"]["message"] == (
        "Quota exceeded for instances, cores: Requested 1, 2, but already used 3, 3 of 3, 4 instances, cores"
    )


async def test_an_image_must_fit_the_flavor(cloud: Cloud) -> None:
    image = await make_image(cloud, min_ram=4096)
    answer = await create(cloud, image)
    assert answer.json()["badRequest"]["message"] == "Flavor's memory is too small for requested image."
    image = await make_image(cloud, min_disk=30)
    assert (await create(cloud, image)).status_code == 400
    assert (await create(cloud, image, flavorRef="3")).status_code == 202


async def test_boot_from_volume_needs_no_image_and_has_none(cloud: Cloud) -> None:
    mapping = [{"source_type": "volume", "destination_type": "volume", "uuid": VOLUME, "boot_index": 0}]
    answer = await create(cloud, None, block_device_mapping_v2=mapping)
    assert answer.status_code == 400
    cloud.volumes.known[VOLUME] = Volume(VOLUME, status="in-use")
    assert (await create(cloud, None, block_device_mapping_v2=mapping)).status_code == 400
    cloud.volumes.known[VOLUME] = Volume(VOLUME)
    answer = await create(cloud, "", block_device_mapping_v2=mapping)
    assert answer.status_code == 202, answer.text
    shown = (await cloud.get(f"/servers/{answer.json()['server']['id']}")).json()["server"]
    assert shown["image"] == ""
    assert shown["os-extended-volumes:volumes_attached"] == [{"id": VOLUME}]
    assert (await create(cloud, None)).status_code == 400


async def test_a_volume_gives_its_images_properties_if_one_can_boot_from_it(cloud: Cloud) -> None:
    mapping = [{"source_type": "volume", "destination_type": "volume", "uuid": VOLUME, "boot_index": 0}]
    cloud.volumes.known[VOLUME] = Volume(VOLUME, bootable=False)
    answer = await create(cloud, None, block_device_mapping_v2=mapping)
    assert (answer.status_code, answer.json()["badRequest"]["message"]) == (
        400,
        f"Block Device {VOLUME} is not bootable.",
    )
    cloud.volumes.known[VOLUME] = Volume(VOLUME, image_metadata={"min_ram": "999999", "image_id": "i"})
    answer = await create(cloud, None, block_device_mapping_v2=mapping)
    assert answer.json()["badRequest"]["message"] == "Flavor's memory is too small for requested image."
    cloud.volumes.known[VOLUME] = Volume(VOLUME, image_metadata={"hw_disk_bus": "scsi", "image_id": "i"})
    assert (await create(cloud, None, block_device_mapping_v2=mapping)).status_code == 202

    [server] = await rows(cloud, servers)
    assert json.loads(server["request_spec"])["image_properties"] == {"hw_disk_bus": "scsi"}


async def test_the_key_is_the_caller_s_own_and_copied(cloud: Cloud, image: str) -> None:
    async with cloud.db.begin() as tx:
        await tx.execute(
            insert_into(keypairs), user_id="user-member", name="mine", type="ssh", fingerprint="f",
            public_key="ssh-ed25519 AAAA", created_at="2026-01-01T00:00:00.000000",
        )  # fmt: skip
    assert (await create(cloud, image, key_name="mine")).status_code == 202
    assert (await rows(cloud, servers))[0]["key_data"] == "ssh-ed25519 AAAA"


async def test_only_admins_name_hosts(cloud: Cloud, image: str) -> None:
    assert (await create(cloud, image, availability_zone="nova:host1")).status_code == 403
    assert (await create(cloud, image, version="2.74", host="host1")).status_code == 403


async def test_readers_may_not_create_and_projects_are_kept_apart(cloud: Cloud, image: str) -> None:
    body = {"server": {"name": "web", "flavorRef": "1", "imageRef": image}}
    assert (await cloud.post("/servers", body, role="reader")).status_code == 403
    other = await cloud.post("/servers", body, project=OTHER_PROJECT)
    assert other.json()["badRequest"]["message"] == "Can not find requested image"


async def test_a_body_that_is_no_json_or_too_long_is_refused(cloud: Cloud) -> None:
    answer = await cloud.call("POST", "/servers", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"] == "Malformed request body"
    answer = await cloud.call("POST", "/servers", content=b"x" * 200000, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    answer = await cloud.call("POST", "/servers", content=b"<a/>", headers={"Content-Type": "application/xml"})
    assert answer.status_code == 415
