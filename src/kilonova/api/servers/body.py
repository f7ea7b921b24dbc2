"""Pieces of schemas that several calls about servers share. Source: Nova's servers schemas and parameter types."""

from typing import Any

from kilonova.api import parameters as p
from kilonova.api.parameters import Schema

address: Schema = {"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
access_ipv4: Schema = {"type": "string", "format": "ipv4"}
access_ipv6: Schema = {"type": "string", "format": "ipv6"}
user_data: Schema = {"type": "string", "format": "base64", "maxLength": 65535}
image_or_empty: Schema = {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "string", "maxLength": 0}]}
hostname: Schema = {
    "type": "string",
    "minLength": 2,
    "maxLength": 63,
    "pattern": r"^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$",
}
fqdn: Schema = {
    "type": "string",
    "minLength": 2,
    "maxLength": 255,
    "pattern": r"^[a-zA-Z0-9]+[a-zA-Z0-9-.]*[a-zA-Z0-9]+$",
}
trusted_certificates: Schema = {
    "oneOf": [
        {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1},
        },
        {"type": "null"},
    ]
}
personality: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "contents": {"type": "string", "format": "base64"}},
        "additionalProperties": False,
    },
}
tags: Schema = {"type": "array", "items": p.tag, "maxItems": 50}
volume_size: Schema = {
    "type": ["integer", "string"],
    "pattern": "^[0-9]+$",
    "minimum": 1,
    "maximum": p.MAX_INTEGER,
    "format": p.integer(1, p.MAX_INTEGER)["format"],
}


def closed(properties: Schema, **more: Any) -> Schema:
    """An object with these members and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}
