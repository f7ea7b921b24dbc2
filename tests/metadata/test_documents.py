"""Documents made of records that a simulated cloud does not come to have."""

import json
from pathlib import Path
from typing import Any

import msgspec

from kilonova.contract.compute import BlockDevice, FlavorOf, ServerRecord, Vif
from kilonova.model.ids import ServerId
from kilonova.virt.drive_files import drive_files
from kilonova.virt.guest_ec2 import block_device_mapping
from kilonova.virt.guest_metadata import SubnetInfo, Told, VendorData, meta_data, network_data

ID = ServerId("11111111-2222-3333-4444-555555555555")
SERVER = ServerRecord(
    id=ID,
    name="One",
    hostname="one",
    number=7,
    project_id="p",
    user_id="u",
    flavor=FlavorOf(id="1", name="tiny", vcpus=1, memory_mib=64, root_gib=1),
    image_id="aabbccdd-0000-0000-0000-000000000000",
)
replace: Any = msgspec.structs.replace


def volume(number: int, device: str, **more: Any) -> BlockDevice:
    return BlockDevice(
        id=str(number),
        source_type="volume",
        destination_type="volume",
        volume_id=f"volume-{number}",
        device_name=device,
        **more,
    )


def test_a_certificate_is_told_as_one() -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    told = Told(record=replace(SERVER, key_name="win", key_data=certificate))

    shown = meta_data(told, version="latest", random_seed=b"", on_drive=False)

    assert shown["keys"] == [{"name": "win", "type": "x509", "data": certificate}]


def test_local_disks_and_volumes_are_mapped_as_the_guest_finds_them() -> None:
    flavor = replace(SERVER.flavor, ephemeral_gib=1, swap_mib=512)
    server = replace(SERVER, flavor=flavor, block_devices=(volume(2, "/dev/vde"), volume(1, "/dev/vdd")))

    assert block_device_mapping(server) == {
        "ami": "vda",
        "root": "/dev/vda",
        "ephemeral0": "/dev/vdb",
        "swap": "/dev/vdc",
        "ebs0": "/dev/vdd",
        "ebs1": "/dev/vde",
    }


def test_a_volume_that_boots_is_the_root() -> None:
    server = replace(SERVER, image_id=None, block_devices=(volume(1, "/dev/vdb"), volume(2, "/dev/vda", boot_index=0)))

    assert block_device_mapping(server) == {
        "ami": "vda",
        "root": "/dev/vda",
        "ebs0": "/dev/vda",
        "ebs1": "/dev/vdb",
    }


def test_disks_are_named_by_their_bus() -> None:
    server = replace(SERVER, image_properties={"hw_disk_bus": "scsi"})

    assert block_device_mapping(server)["root"] == "/dev/sda"


def test_an_ipv6_address_is_told_with_how_the_guest_comes_by_it() -> None:
    vif = Vif(port_id="port", network_id="net", network_name="n", mac="fa:16:3e:00:00:01", addresses=(("fd00::5", 6),))

    def kind(**how: Any) -> str:
        subnet = SubnetInfo(network_id="net", cidr="fd00::/64", gateway="fd00::1", **how)
        return str(network_data([vif], [subnet])["networks"][0]["type"])

    assert kind(address_mode="slaac") == "ipv6_slaac"
    assert kind(address_mode="dhcpv6-stateful") == "ipv6_dhcpv6-stateful"
    assert kind(dhcp=False) == "ipv6"
    assert kind() == "ipv6_dhcp"


def test_the_config_drive_has_both_trees_and_the_password() -> None:
    vendor = VendorData(static={"a": 1}, dynamic={"inventory": {"rack": 3}})
    record = replace(SERVER, admin_password="pw", user_data="aGk=", key_name="k", key_data="ssh-rsa AA")

    files = drive_files(Told(record=record, vendor=vendor), random_seed=b"seed")

    latest = json.loads(files["openstack/latest/meta_data.json"])
    assert (latest["admin_pass"], latest["hostname"]) == ("pw", "one.novalocal")
    assert files["openstack/2012-08-10/user_data"] == files["ec2/latest/user-data"] == b"hi"
    assert json.loads(files["openstack/latest/vendor_data2.json"]) == {"static": {"a": 1}, "inventory": {"rack": 3}}
    assert json.loads(files["ec2/2009-04-04/meta-data.json"])["public-keys"] == {"0": {"openssh-key": "ssh-rsa AA"}}
    assert {Path(name).parts[:2] for name in files if name.startswith("ec2/")} == {
        ("ec2", "2009-04-04"),
        ("ec2", "latest"),
    }
    assert "openstack/latest/password" not in files
