"""The two trees as a guest sees them. Pure. Names and versions as Nova publishes them (API surface, metadata service)."""

import ipaddress
from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.contract.compute import ServerRecord
from kilonova.virt.guest_metadata import DOMAIN, VERSIONS, SubnetInfo, meta_data, network_data, user_data

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


class Told(msgspec.Struct, frozen=True):
    """Everything the trees are made of."""

    record: ServerRecord
    subnets: tuple[SubnetInfo, ...]


def listing(names: Sequence[str]) -> bytes:
    return "\n".join(names).encode()


def openstack(told: Told, path: Sequence[str], random_seed: bytes) -> bytes | None:
    """What stands at `path` below /openstack; None: nothing."""
    if not path:
        return listing(VERSIONS)
    version = path[0]
    if version not in VERSIONS or len(path) > 2:
        return None
    if len(path) == 1:
        return listing(_files(told, version))
    name = path[1]
    if name not in _files(told, version):
        return None
    match name:
        case "meta_data.json":
            return msgspec.json.encode(meta_data(told.record, version=version, random_seed=random_seed, on_drive=False))
        case "user_data":
            return user_data(told.record)
        case "network_data.json":
            return msgspec.json.encode(network_data(told.record.vifs, told.subnets))
        case _:
            return b"{}"


def _files(told: Told, version: str) -> list[str]:
    def since(first: str) -> bool:
        return version == "latest" or version >= first

    files = ["meta_data.json"]
    if told.record.user_data:
        files.append("user_data")
    if since("2013-04-04"):
        files.append("password")
    if since("2013-10-17"):
        files.append("vendor_data.json")
    if since("2015-10-15"):
        files.append("network_data.json")
    if since("2016-10-06"):
        files.append("vendor_data2.json")
    return files


def ec2(told: Told, path: Sequence[str]) -> bytes | None:
    """What stands at `path` below / (or /ec2); None: nothing."""
    if not path:
        return listing(EC2_VERSIONS)
    version, *rest = path
    if version not in EC2_VERSIONS:
        return None
    data = user_data(told.record)
    if not rest:
        return listing(["meta-data/", *(["user-data"] if data is not None else [])])
    if rest[0] == "user-data":
        return data if len(rest) == 1 else None
    if rest[0] != "meta-data":
        return None
    return _walk(_meta_data(told.record, version), rest[1:])


def _walk(tree: Any, path: Sequence[str]) -> bytes | None:
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return None
        tree = tree[name]
    if isinstance(tree, dict):
        return listing([_entry(name, tree[name]) for name in sorted(tree) if name != "_name"])
    return str(tree).encode()


def _entry(name: str, value: Any) -> str:
    if not isinstance(value, dict):
        return name
    # Key pairs are listed by number and name.
    return f"{name}={value['_name']}" if "_name" in value else f"{name}/"


def _meta_data(record: ServerRecord, version: str) -> Tree:
    def since(first: str) -> bool:
        return version == "latest" or (version != "1.0" and version >= first)

    hostname = f"{record.hostname}.{DOMAIN}"
    fixed = _first(record, "addresses")
    tree: Tree = {
        "ami-id": f"ami-{record.number:08x}" if record.image_id else "None",
        "ami-launch-index": record.launch_index,
        "ami-manifest-path": "FIXME",
        "instance-id": f"i-{record.number:08x}",
        "hostname": hostname,
        "local-ipv4": fixed,
        "reservation-id": record.reservation_id,
        "security-groups": "\n".join(record.security_groups),
    }
    if record.key_name and record.key_data:
        tree["public-keys"] = {"0": {"_name": record.key_name, "openssh-key": record.key_data}}
    if since("2007-01-19"):
        tree |= {
            "local-hostname": hostname,
            "public-hostname": hostname,
            "public-ipv4": _first(record, "floating"),
        }
    if since("2007-08-29"):
        tree["instance-type"] = record.flavor.name
    if since("2007-12-15"):
        tree["block-device-mapping"] = {"ami": "vda", "root": "/dev/vda"}
    if since("2008-02-01"):
        tree["placement"] = {"availability-zone": record.availability_zone}
    if since("2008-09-01"):
        tree["instance-action"] = "none"
    return tree


def _first(record: ServerRecord, kind: str) -> str:
    """The first IPv4 address of that kind, '' without one."""
    for vif in record.vifs:
        for address, _ in getattr(vif, kind):
            if ipaddress.ip_address(address).version == 4:
                return str(address)
    return ""
