"""The files of a config drive: both trees, as the metadata service would tell them. Pure."""

import base64
from typing import Any

import msgspec

from kilonova.virt.guest_ec2 import NAME, ec2_meta_data
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

# nova.conf's default for [api]config_drive_skip_versions leaves these of EC2's.
EC2_ON_DRIVE = ("2009-04-04", "latest")


def drive_files(told: Told, *, random_seed: bytes) -> dict[str, bytes]:
    """All files by path."""
    files: dict[str, bytes] = {}
    for version in VERSIONS:
        files |= {f"openstack/{version}/{name}": data for name, data in _openstack(told, version, random_seed).items()}
    for number, file in enumerate(told.record.files):
        files[f"openstack/content/{number:04}"] = base64.b64decode(file.contents)
    data = user_data(told.record)
    for version in EC2_ON_DRIVE:
        files[f"ec2/{version}/meta-data.json"] = msgspec.json.encode(_plain(ec2_meta_data(told, version)))
        if data is not None:
            files[f"ec2/{version}/user-data"] = data
    return files


def _openstack(told: Told, version: str, random_seed: bytes) -> dict[str, bytes]:
    encode = msgspec.json.encode
    files = {"meta_data.json": encode(meta_data(told, version=version, random_seed=random_seed, on_drive=True))}
    if (data := user_data(told.record)) is not None:
        files["user_data"] = data
    if since(version, "2013-10-17"):
        files["vendor_data.json"] = encode(vendor_data(told))
    if since(version, "2015-10-15"):
        files["network_data.json"] = encode(network_data(told.record.vifs, told.subnets))
    if since(version, "2016-10-06"):
        files["vendor_data2.json"] = encode(vendor_data2(told))
    return files


def _plain(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) if isinstance(value, dict) else value for name, value in tree.items() if name != NAME}
