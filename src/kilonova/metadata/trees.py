"""The two trees as a guest walks them: what stands at a path, and how branches are listed. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.virt.guest_ec2 import EC2_VERSIONS, NAME, ec2_meta_data
from kilonova.virt.guest_metadata import (
    VERSIONS,
    Told,
    meta_data,
    network_data,
    since,
    user_data,
    vendor_data,
    vendor_data2,
)

# The first version with a place for the guest's password.
PASSWORD_SINCE = "2013-04-04"


def listing(names: Sequence[str]) -> bytes:
    return "\n".join(names).encode()


def has_password(version: str) -> bool:
    return version in VERSIONS and since(version, PASSWORD_SINCE)


def openstack(told: Told, path: Sequence[str], random_seed: bytes) -> bytes | None:
    """What stands at `path` below /openstack; None: nothing. The password is not read here."""
    if not path:
        return listing(VERSIONS)
    version = path[0]
    if version not in VERSIONS or len(path) > 2:
        return None
    files = _files(told, version)
    if len(path) == 1:
        return listing(files)
    if path[1] not in files:
        return None
    match path[1]:
        case "meta_data.json":
            return msgspec.json.encode(meta_data(told, version=version, random_seed=random_seed, on_drive=False))
        case "user_data":
            return user_data(told.record)
        case "network_data.json":
            return msgspec.json.encode(network_data(told.record.vifs, told.subnets))
        case "vendor_data.json":
            return msgspec.json.encode(vendor_data(told))
        case "vendor_data2.json":
            return msgspec.json.encode(vendor_data2(told))
        case _:
            return None


def _files(told: Told, version: str) -> list[str]:
    files = ["meta_data.json"]
    if told.record.user_data:
        files.append("user_data")
    if since(version, PASSWORD_SINCE):
        files.append("password")
    if since(version, "2013-10-17"):
        files.append("vendor_data.json")
    if since(version, "2015-10-15"):
        files.append("network_data.json")
    if since(version, "2016-10-06"):
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
    return _walk(ec2_meta_data(told, version), rest[1:])


def _walk(tree: Any, path: Sequence[str]) -> bytes | None:
    for name in path:
        if not isinstance(tree, dict) or name not in tree or name == NAME:
            return None
        tree = tree[name]
    if isinstance(tree, dict):
        return listing([_entry(name, tree[name]) for name in sorted(tree) if name != NAME])
    return str(tree).encode()


def _entry(name: str, value: Any) -> str:
    if not isinstance(value, dict):
        return name
    # Key pairs are listed by number and name.
    return str(value[NAME]) if NAME in value else f"{name}/"
