"""The body of a server create, at every microversion. Source: Nova's servers schemas."""

from typing import Any

from kilonova.api import parameters as p
from kilonova.api.parameters import Schema
from kilonova.api.servers import body as b
from kilonova.api.validation import Schemas

_OLD_DEVICE: dict[str, Schema] = {
    "virtual_name": {"type": "string", "maxLength": 255},
    "volume_id": p.uuid,
    "snapshot_id": p.uuid,
    "volume_size": b.volume_size,
    "device_name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9._\-/]*$"},
    "delete_on_termination": p.boolean,
    "no_device": {},
    "connection_info": {"type": "string", "maxLength": 16777215},
}
_DEVICE: dict[str, Schema] = {
    **_OLD_DEVICE,
    "source_type": {"type": "string", "enum": ["volume", "image", "snapshot", "blank"]},
    "uuid": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9._\-]*$"},
    "image_id": p.uuid,
    "destination_type": {"type": "string", "enum": ["local", "volume"]},
    "guest_format": {"type": "string", "maxLength": 255},
    "device_type": {"type": "string", "maxLength": 255},
    "disk_bus": {"type": "string", "maxLength": 255},
    "boot_index": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"},
}
_VOLUME_TYPE: Schema = {"type": ["string", "null"], "minLength": 0, "maxLength": 255}

_HINTS: Schema = {
    "type": "object",
    "properties": {
        "group": {"type": "string", "format": "uuid"},
        "different_host": {
            "oneOf": [{"type": "string", "format": "uuid"}, {"type": "array", "items": p.uuid}],
        },
        "same_host": {"type": ["string", "array"], "items": p.uuid},
        "query": {"type": ["string", "object"]},
        "target_cell": p.name,
        "different_cell": {"type": ["string", "array"], "items": {"type": "string"}},
        "build_near_host_ip": b.address,
        "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$"},
    },
    "additionalProperties": True,
}

_PORT: Schema = {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}


def _networks(version: int) -> Schema:
    item: dict[str, Schema] = {"fixed_ip": b.address, "port": _PORT}
    item["uuid"] = {"type": "string"} if version < 37 else p.uuid
    # By an old mistake tags were refused again between 2.37 and 2.41.
    if 32 <= version < 37 or version >= 42:
        item["tag"] = p.device_tag
    listed: Schema = {"type": "array", "items": b.closed(item)}
    return listed if version < 37 else {"oneOf": [listed, {"type": "string", "enum": ["none", "auto"]}]}


def _devices(version: int) -> Schema:
    item = dict(_DEVICE)
    if version == 32 or version >= 42:
        item["tag"] = p.device_tag
    if version >= 67:
        item["volume_type"] = _VOLUME_TYPE
    return {"type": "array", "items": b.closed(item)}


def _server(version: int) -> dict[str, Any]:
    server: dict[str, Any] = {
        "name": p.name,
        "imageRef": b.image_or_empty,
        "flavorRef": p.flavor_ref,
        "adminPass": p.admin_password,
        "metadata": p.metadata,
        "networks": _networks(version),
        "OS-DCF:diskConfig": p.disk_config,
        "accessIPv4": b.access_ipv4,
        "accessIPv6": b.access_ipv6,
        "availability_zone": p.name,
        "block_device_mapping": {"type": "array", "items": b.closed(_OLD_DEVICE)},
        "block_device_mapping_v2": _devices(version),
        "config_drive": p.boolean,
        "key_name": p.name,
        "min_count": p.integer(1),
        "max_count": p.integer(1),
        "return_reservation_id": p.boolean,
        "security_groups": {"type": "array", "items": b.closed({"name": p.name})},
        "user_data": b.user_data,
    }
    if version < 57:
        server["personality"] = b.personality
    if version >= 19:
        server["description"] = p.description
    if version >= 52:
        server["tags"] = b.tags
    if version >= 63:
        server["trusted_image_certificates"] = b.trusted_certificates
    if version >= 74:
        server["host"] = server["hypervisor_hostname"] = p.host
    if version >= 90:
        server["hostname"] = b.hostname if version < 94 else b.fqdn
    return server


def _create(version: int) -> Schema:
    required = ["name", "flavorRef"] + (["networks"] if version >= 37 else [])
    return b.closed(
        {
            "server": b.closed(_server(version), required=required),
            "os:scheduler_hints": _HINTS,
            "OS-SCH-HNT:scheduler_hints": _HINTS,
        },
        required=["server"],
    )


CREATE = Schemas(*((since, _create(since)) for since in (1, 19, 32, 33, 37, 42, 52, 57, 63, 67, 74, 90, 94)))
