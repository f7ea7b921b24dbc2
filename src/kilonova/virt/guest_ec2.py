"""What a guest is told about itself in EC2's words. Pure. Versions and names as Nova publishes them."""

import ipaddress
from collections.abc import Iterator
from string import ascii_lowercase
from typing import Any

from kilonova.contract.compute import ServerRecord
from kilonova.virt.guest_metadata import Told

EC2_VERSIONS = (
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "latest",
)

Tree = dict[str, Any]

# A branch with this member is listed as what it says.
NAME = "_name"

_PREFIX = {"scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}


def ec2_meta_data(told: Told, version: str) -> Tree:
    """What is below meta-data/: leaves are text, branches dicts."""

    def since(first: str) -> bool:
        return version == "latest" or (version != "1.0" and version >= first)

    record = told.record
    tree: Tree = {
        "ami-id": f"ami-{record.image_id[:8]}" if record.image_id else "None",
        "ami-launch-index": str(record.launch_index),
        "ami-manifest-path": "FIXME",
        "instance-id": f"i-{record.number:08x}",
        "hostname": told.hostname,
        "local-ipv4": _first(record, "addresses"),
        "reservation-id": record.reservation_id,
        "security-groups": "\n".join(record.security_groups),
    }
    if record.key_name and record.key_data:
        tree["public-keys"] = {"0": {NAME: f"0={record.key_name}", "openssh-key": record.key_data}}
    if since("2007-01-19"):
        tree |= {
            "local-hostname": told.hostname,
            "public-hostname": told.hostname,
            "public-ipv4": _first(record, "floating"),
        }
    if since("2007-08-29"):
        tree["instance-type"] = record.flavor.name
    if since("2007-12-15"):
        tree["block-device-mapping"] = block_device_mapping(record)
    if since("2008-02-01"):
        tree["placement"] = {"availability-zone": record.availability_zone}
    if since("2008-09-01"):
        tree["instance-action"] = "none"
    return tree


def block_device_mapping(record: ServerRecord) -> dict[str, str]:
    """Root, ephemeral, swap and volumes (`ebsN`, by device name) as the guest finds them."""
    volumes = [device for device in record.block_devices if device.destination_type == "volume" and device.device_name]
    names = sorted(str(device.device_name) for device in volumes)
    free = _free(record, {name.removeprefix("/dev/") for name in names})
    root = next((str(device.device_name) for device in volumes if device.boot_index == 0), None) or next(free)
    found = {"ami": root.removeprefix("/dev/"), "root": root}
    if record.flavor.ephemeral_gib:
        found["ephemeral0"] = next(free)
    if record.flavor.swap_mib:
        found["swap"] = next(free)
    return found | {f"ebs{number}": name for number, name in enumerate(names)}


def _free(record: ServerRecord, taken: set[str]) -> Iterator[str]:
    """Device names as local disks get them: the first that no volume has."""
    prefix = _PREFIX.get(record.image_properties.get("hw_disk_bus", ""), "vd")
    return (f"/dev/{prefix}{letter}" for letter in ascii_lowercase if f"{prefix}{letter}" not in taken)


def _first(record: ServerRecord, kind: str) -> str:
    """The first IPv4 address of that kind, '' without one."""
    for vif in record.vifs:
        for address, _ in getattr(vif, kind):
            if ipaddress.ip_address(address).version == 4:
                return str(address)
    return ""
