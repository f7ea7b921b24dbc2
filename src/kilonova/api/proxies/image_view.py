"""An image in the old API's words."""

from typing import Any

from kilonova.api.links import Link, links
from kilonova.api.request import Request
from kilonova.model.image import Image, ImageStatus
from kilonova.model.time import short

_S = ImageStatus
_STATUS = {
    _S.QUEUED: "SAVING",
    _S.SAVING: "SAVING",
    _S.UPLOADING: "SAVING",
    _S.IMPORTING: "SAVING",
    _S.ACTIVE: "ACTIVE",
    _S.KILLED: "ERROR",
    _S.DELETED: "DELETED",
    _S.PENDING_DELETE: "DELETED",
}
# What clients show as a bar; there is no better source of how far an upload is.
_PROGRESS = {_S.QUEUED: 25, _S.SAVING: 50, _S.ACTIVE: 100}

# Properties that are members of their own.
_DISK_CONFIG = "auto_disk_config"
_SERVER = "instance_uuid"


def brief(request: Request, image: Image) -> dict[str, Any]:
    return {"id": image.id, "name": image.name, "links": _links(request, image)}


def full(request: Request, image: Image) -> dict[str, Any]:
    shown = brief(request, image) | {
        "minRam": image.min_ram,
        "minDisk": image.min_disk,
        "metadata": image.properties,
        "created": short(image.created_at),
        "updated": short(image.updated_at),
        "status": _STATUS.get(image.status, "UNKNOWN"),
        "progress": _PROGRESS.get(image.status, 0),
        "OS-EXT-IMG-SIZE:size": image.size or 0,
    }
    if _DISK_CONFIG in image.properties:
        automatic = image.properties[_DISK_CONFIG].lower() in ("true", "1", "yes", "on")
        shown["OS-DCF:diskConfig"] = "AUTO" if automatic else "MANUAL"
    server_id = image.properties.get(_SERVER)
    if server_id is not None:
        shown["server"] = {"id": server_id, "links": links(request, "servers", server_id)}
    return shown


def _links(request: Request, image: Image) -> list[Link]:
    root = request.base.removesuffix(request.scope.get("root_path", ""))
    endpoint = request.world.settings.image_url or f"{root}/image"
    alternate = {
        "rel": "alternate",
        "type": "application/vnd.openstack.image",
        "href": f"{endpoint}/images/{image.id}",
    }
    return [*links(request, "images", image.id), alternate]
