"""JSON schemas of the image API: served to clients under `/v2/schemas`, and what bodies are checked against."""

from typing import Any

import jsonschema_rs

from kilonova.image.errors import SchemaMismatch
from kilonova.image.inspection import DISK_FORMATS

_UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
_LARGEST_INTEGER = 2147483647


def _text(description: str, length: int = 255, *, read_only: bool = False, **more: Any) -> dict[str, Any]:
    return _nullable("string", description, read_only=read_only, maxLength=length, **more)


def _nullable(kind: str, description: str, *, read_only: bool = False, **more: Any) -> dict[str, Any]:
    return {"type": ["null", kind], "description": description, **({"readOnly": True} if read_only else {}), **more}


def _link(description: str) -> dict[str, Any]:
    return {"type": "string", "readOnly": True, "description": description}


_CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]

PROPERTIES: dict[str, Any] = {
    "id": {"type": "string", "description": "The image's identifier", "pattern": _UUID},
    "name": _text("A name to read"),
    "status": {
        "type": "string",
        "readOnly": True,
        "description": "Where the image is in its life",
        "enum": ["queued", "saving", "active", "killed", "deleted", "deactivated"],
    },
    "visibility": {
        "type": "string",
        "description": "Who can see and use the image",
        "enum": ["community", "public", "private", "shared"],
    },
    "protected": {"type": "boolean", "description": "If true, the image cannot be deleted"},
    "os_hidden": {"type": "boolean", "description": "If true, lists leave the image out unless asked for hidden ones"},
    "checksum": _text("MD5 of the bits", 32, read_only=True),
    "os_hash_algo": _text("Algorithm of os_hash_value", 64, read_only=True),
    "os_hash_value": _text("Hash of the bits, in hexadecimal", 128, read_only=True),
    "owner": _text("Project that owns the image"),
    "size": _nullable("integer", "Size of the file in bytes", read_only=True),
    "virtual_size": _nullable("integer", "Size of the disk within, in bytes", read_only=True),
    "container_format": _text("Format of the container", enum=[None, *_CONTAINER_FORMATS]),
    "disk_format": _text("Format of the disk", enum=[None, *sorted(DISK_FORMATS)]),
    "created_at": {"type": "string", "readOnly": True, "description": "When the image was registered"},
    "updated_at": {"type": "string", "readOnly": True, "description": "When the image was last changed"},
    "tags": {
        "type": "array",
        "description": "Words attached to the image",
        "items": {"type": "string", "maxLength": 255, "minLength": 1},
    },
    "self": _link("URL of this image"),
    "file": _link("URL of its bits"),
    "schema": _link("URL of this schema"),
    "min_ram": {
        "type": "integer",
        "description": "MiB of memory needed to boot",
        "minimum": 0,
        "maximum": _LARGEST_INTEGER,
    },
    "min_disk": {
        "type": "integer",
        "description": "GiB of disk needed to boot",
        "minimum": 0,
        "maximum": _LARGEST_INTEGER,
    },
}

IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": PROPERTIES,
    "additionalProperties": {"type": "string", "maxLength": 65535},
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}

MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "member_id": {"type": "string", "maxLength": 255, "description": "Project the image is shared with"},
        "image_id": {"type": "string", "description": "The image", "pattern": _UUID},
        "created_at": {"type": "string", "description": "When the project was made a member"},
        "updated_at": {"type": "string", "description": "When the membership was last changed"},
        "status": {
            "type": "string",
            "enum": ["pending", "accepted", "rejected"],
            "description": "The member's own answer",
        },
        "schema": _link("URL of this schema"),
    },
}


def _collection(name: str, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": one},
            "first": {"type": "string"},
            "next": {"type": "string"},
            "schema": {"type": "string"},
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


SCHEMAS: dict[str, dict[str, Any]] = {
    "image": IMAGE,
    "images": _collection("images", IMAGE),
    "member": MEMBER,
    "members": _collection("members", MEMBER),
}

_image = jsonschema_rs.validator_for({"type": "object", **IMAGE})


def check_image(document: Any) -> None:
    """Errors: SchemaMismatch."""
    error = next(_image.iter_errors(document), None)
    if error is not None:
        raise SchemaMismatch("image", error.message)
