"""Images and memberships as clients see them."""

from typing import Any

from kilonova.model.image import Image, Membership
from kilonova.model.time import short


def image_view(image: Image) -> dict[str, Any]:
    """Custom properties stand beside the others. Links have no prefix: clients put them behind the endpoint's root."""
    return {
        "name": image.name,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility,
        "size": image.size,
        "virtual_size": image.virtual_size,
        "status": image.status,
        "checksum": image.checksum,
        "protected": image.protected,
        "min_ram": image.min_ram,
        "min_disk": image.min_disk,
        "owner": image.owner,
        "os_hidden": image.os_hidden,
        "os_hash_algo": image.os_hash_algo,
        "os_hash_value": image.os_hash_value,
        "id": image.id,
        "created_at": short(image.created_at),
        "updated_at": short(image.updated_at),
        **image.properties,
        "tags": list(image.tags),
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }


def member_view(member: Membership) -> dict[str, Any]:
    return {
        "member_id": member.member_id,
        "image_id": member.image_id,
        "status": member.status,
        "created_at": short(member.created_at),
        "updated_at": short(member.updated_at),
        "schema": "/v2/schemas/member",
    }
