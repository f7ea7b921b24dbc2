"""What guests hear, asked over HTTP from their own addresses."""

import base64
import json
from pathlib import Path

from tests.cloud.running import running_cloud
from tests.metadata.conftest import CIDR, Guests, listening

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5yvmyZlvKVrgPrSbmAeNQhCmFwzuSLtqW1pIbnoJE8 me"


async def give_key(guests: Guests, name: str, public_key: str) -> None:
    body = {"keypair": {"name": name, "public_key": public_key}}
    answer = await guests.cloud.http.post("/compute/v2.1/os-keypairs", json=body)
    assert answer.is_success, answer.text


async def test_a_guest_reads_who_it_is(guests: Guests) -> None:
    await give_key(guests, "mine", SSH_KEY)
    server = await guests.boot("Web One", key_name="mine", metadata={"role": "web"})

    told = json.loads(await guests.told("/openstack/latest/meta_data.json"))

    assert told["uuid"] == server["id"]
    assert (told["name"], told["hostname"], told["launch_index"]) == ("Web One", "web-one.novalocal", 0)
    assert told["project_id"] == server["tenant_id"]
    assert told["availability_zone"] == "nova"
    assert told["meta"] == {"role": "web"}
    assert told["public_keys"] == {"mine": SSH_KEY}
    assert told["keys"] == [{"name": "mine", "type": "ssh", "data": SSH_KEY}]
    assert told["devices"] == []
    assert "admin_pass" not in told


async def test_the_random_seed_is_another_one_at_each_read(guests: Guests) -> None:
    await guests.boot()

    seeds = {json.loads(await guests.told("/openstack/latest/meta_data.json"))["random_seed"] for _ in range(3)}

    assert len(seeds) == 3
    assert {len(base64.b64decode(seed)) for seed in seeds} == {512}


async def test_each_version_has_the_files_it_came_with(guests: Guests) -> None:
    await guests.boot(user_data=base64.b64encode(b"#!/bin/sh\n").decode())

    versions = (await guests.told("/openstack")).split("\n")
    files = {version: set((await guests.told(f"/openstack/{version}/")).split("\n")) for version in versions}

    assert versions == [
        "2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27",
        "2020-10-14", "2025-04-04", "latest",
    ]  # fmt: skip
    assert files["2012-08-10"] == {"meta_data.json", "user_data"}
    assert files["2013-04-04"] - files["2012-08-10"] == {"password"}
    assert files["2013-10-17"] - files["2013-04-04"] == {"vendor_data.json"}
    assert files["2015-10-15"] - files["2013-10-17"] == {"network_data.json"}
    assert files["2016-10-06"] - files["2016-06-30"] == {"vendor_data2.json"}
    assert files["latest"] == files["2025-04-04"] == files["2016-10-06"]


async def test_every_file_that_is_listed_can_be_read_and_nothing_else(guests: Guests) -> None:
    await guests.boot()

    for version in (await guests.told("/openstack")).split("\n"):
        for name in (await guests.told(f"/openstack/{version}")).split("\n"):
            assert (await guests.ask(f"/openstack/{version}/{name}")).status_code == 200, (version, name)
    missing = (
        "/openstack/2012-08-10/vendor_data.json",
        "/openstack/2012-08-10/password",
        "/openstack/2011-01-01",
        "/openstack/latest/user_data",
        "/openstack/latest/meta_data.json/more",
        "/latest/user-data",
        "/latest/meta-data/public-keys",
        "/2010-01-01",
        "/latest/meta-data/hostname/more",
    )
    assert {path: (await guests.ask(path)).status_code for path in missing} == dict.fromkeys(missing, 404)


async def test_later_members_are_not_told_in_earlier_versions(guests: Guests) -> None:
    await guests.boot()

    members = {
        version: set(json.loads(await guests.told(f"/openstack/{version}/meta_data.json")))
        for version in ("2012-08-10", "2013-04-04", "2015-10-15", "2016-06-30", "2020-10-14")
    }

    assert "random_seed" not in members["2012-08-10"]
    assert members["2013-04-04"] - members["2012-08-10"] == {"random_seed"}
    assert members["2015-10-15"] - members["2013-04-04"] == {"project_id"}
    assert members["2016-06-30"] - members["2015-10-15"] == {"devices"}
    assert members["2020-10-14"] - members["2016-06-30"] == {"dedicated_cpus"}


async def test_user_data_is_decoded_and_may_be_any_bytes(guests: Guests) -> None:
    blob = bytes(range(256))
    await guests.boot(user_data=base64.b64encode(blob).decode())

    assert (await guests.ask("/openstack/latest/user_data")).content == blob
    assert (await guests.ask("/2009-04-04/user-data")).content == blob


async def test_the_ec2_tree_lists_and_tells(guests: Guests) -> None:
    await give_key(guests, "mine", SSH_KEY)
    server = await guests.boot("Web One", key_name="mine")

    assert (await guests.told("/")).split("\n")[0] == "1.0"
    assert (await guests.told("/")).split("\n")[-1] == "latest"
    assert await guests.told("/latest/") == "meta-data/"
    assert (await guests.told("/latest/meta-data/")).split("\n") == [
        "ami-id", "ami-launch-index", "ami-manifest-path", "block-device-mapping/", "hostname", "instance-action",
        "instance-id", "instance-type", "local-hostname", "local-ipv4", "placement/", "public-hostname", "public-ipv4",
        "public-keys/", "reservation-id", "security-groups",
    ]  # fmt: skip
    tell = {
        name: await guests.told(f"/latest/meta-data/{name}")
        for name in (
            "ami-id", "hostname", "instance-id", "instance-type", "local-ipv4", "reservation-id", "security-groups",
            "public-keys/", "public-keys/0/", "public-keys/0/openssh-key", "placement/availability-zone",
            "block-device-mapping/", "block-device-mapping/root",
        )
    }  # fmt: skip
    assert tell == {
        "ami-id": f"ami-{server['image']['id'][:8]}",
        "hostname": "web-one.novalocal",
        "instance-id": f"i-{int(server['OS-EXT-SRV-ATTR:instance_name'].rpartition('-')[2], 16):08x}",
        "instance-type": "m1.nano",
        "local-ipv4": "127.77.0.10",
        "reservation-id": server["OS-EXT-SRV-ATTR:reservation_id"],
        "security-groups": "default",
        "public-keys/": "0=mine",
        "public-keys/0/": "openssh-key",
        "public-keys/0/openssh-key": SSH_KEY,
        "placement/availability-zone": "nova",
        "block-device-mapping/": "ami\nroot",
        "block-device-mapping/root": "/dev/vda",
    }
    assert "instance-type" not in (await guests.told("/1.0/meta-data")).split("\n")
    assert await guests.told("/ec2/latest/meta-data/hostname") == tell["hostname"]


async def test_network_data_tells_static_addresses_and_leaves_dhcp_to_dhcp(guests: Guests) -> None:
    fixed = await listening(
        guests.cloud,
        "127.78.0.0/24",
        enable_dhcp=False,
        dns_nameservers=["9.9.9.9"],
        host_routes=[{"destination": "10.1.0.0/16", "nexthop": "127.78.0.2"}],
    )
    nets = [{"uuid": guests.network_id, "fixed_ip": "127.77.0.10"}, {"uuid": fixed.network_id}]
    server = await guests.boot(networks=nets)

    told = json.loads(await guests.told("/openstack/latest/network_data.json"))

    macs = [entry["OS-EXT-IPS-MAC:mac_addr"] for entries in server["addresses"].values() for entry in entries]
    assert sorted(link["ethernet_mac_address"] for link in told["links"]) == sorted(macs)
    assert [network["type"] for network in told["networks"]] == ["ipv4_dhcp", "ipv4"]
    assert [network["link"] for network in told["networks"]] == [link["id"] for link in told["links"]]
    static = told["networks"][1]
    assert static["netmask"] == "255.255.255.0"
    assert static["ip_address"].startswith("127.78.0.")
    assert {(route["network"], route["netmask"], route["gateway"]) for route in static["routes"]} == {
        ("0.0.0.0", "0.0.0.0", "127.78.0.1"),
        ("10.1.0.0", "255.255.0.0", "127.78.0.2"),
    }
    assert told["services"] == [{"type": "dns", "address": "9.9.9.9"}]


async def test_tagged_cards_and_volumes_are_told_by_mac_and_serial(guests: Guests) -> None:
    mapping = {
        "source_type": "image",
        "uuid": await guests.cloud.image(),
        "destination_type": "volume",
        "boot_index": 0,
        "volume_size": 1,
        "tag": "root",
        "delete_on_termination": True,
    }
    server = await guests.boot(
        networks=[{"uuid": guests.network_id, "fixed_ip": "127.77.0.10", "tag": "front"}],
        imageRef="",
        block_device_mapping_v2=[mapping],
    )

    told = json.loads(await guests.told("/openstack/latest/meta_data.json"))

    (addresses,) = server["addresses"].values()
    (volume,) = server["os-extended-volumes:volumes_attached"]
    nowhere = {"bus": "none", "address": "none"}
    assert told["devices"] == [
        {
            "type": "nic",
            "mac": addresses[0]["OS-EXT-IPS-MAC:mac_addr"],
            "vf_trusted": False,
            **nowhere,
            "tags": ["front"],
        },
        {"type": "disk", "serial": volume["id"], "path": "/dev/vda", **nowhere, "tags": ["root"]},
    ]
    earlier = json.loads(await guests.told("/openstack/2016-06-30/meta_data.json"))
    assert "vf_trusted" not in earlier["devices"][0]


async def test_a_tag_survives_what_is_done_to_the_server(guests: Guests) -> None:
    server = await guests.boot(networks=[{"uuid": guests.network_id, "fixed_ip": "127.77.0.10", "tag": "front"}])
    await guests.cloud.act(server["id"], "reboot", {"type": "HARD"})
    await guests.cloud.until(server["id"], {"ACTIVE"})

    told = json.loads(await guests.told("/openstack/latest/meta_data.json"))

    assert [device["tags"] for device in told["devices"]] == [["front"]]


async def test_a_guest_tells_its_password_once(guests: Guests) -> None:
    server = await guests.boot()
    path = "/openstack/latest/password"
    assert await guests.told(path) == ""

    too_long = await guests.ask(path, method="POST", content=b"x" * 1021)
    told = await guests.ask(path, method="POST", content=b"c2VjcmV0")
    again = await guests.ask(path, method="POST", content=b"b3RoZXI=")

    assert (too_long.status_code, told.status_code, again.status_code) == (400, 200, 409)
    assert await guests.told(path) == "c2VjcmV0"
    shown = await guests.cloud.http.get(f"/compute/v2.1/servers/{server['id']}/os-server-password")
    assert shown.json() == {"password": "c2VjcmV0"}


async def test_nothing_but_the_password_can_be_written(guests: Guests) -> None:
    await guests.boot()

    assert (await guests.ask("/latest/meta-data", method="POST", content=b"x")).status_code == 405
    assert (await guests.ask("/openstack/latest/password", method="DELETE")).status_code == 400
    assert (await guests.ask("/openstack/2012-08-10/password", method="POST", content=b"x")).status_code == 405


async def test_the_operators_vendor_data_reaches_guests(tmp_path: Path) -> None:
    vendor = tmp_path / "vendor.json"
    vendor.write_text('{"mirror": "http://mirror.example"}')
    api = {"vendordata_jsonfile_path": str(vendor), "dhcp_domain": ""}
    async with running_cloud(tmp_path / "state", furnished=("flavors",), sections={"api": api}) as cloud:
        guests = await listening(cloud, CIDR)
        await guests.boot("bare")

        assert json.loads(await guests.told("/openstack/latest/vendor_data.json")) == {
            "mirror": "http://mirror.example"
        }
        both = json.loads(await guests.told("/openstack/latest/vendor_data2.json"))
        assert both == {"static": {"mirror": "http://mirror.example"}}
        assert json.loads(await guests.told("/openstack/latest/meta_data.json"))["hostname"] == "bare"
