"""Volumes: list, detail, show, create, delete."""

from typing import Any

from starlette.responses import Response

from kilonova.api import parameters
from kilonova.api.paging import limit_of, offset_of
from kilonova.api.parameters import Schema
from kilonova.api.proxies.identifiers import passed_on
from kilonova.api.request import Request
from kilonova.api.validation import Query, Schemas
from kilonova.model.errors import Forbidden, NotFound, TooLarge
from kilonova.peers.volume import Volume
from kilonova.web.response import json_response

_TEXT: Schema = {"type": ["string", "null"], "maxLength": 255}
CREATE = Schemas.every(
    parameters.body(
        "volume",
        {
            "volume_type": {"type": "string"},
            "metadata": {"type": "object"},
            "snapshot_id": {"type": "string"},
            "size": parameters.integer(1, parameters.MAX_INTEGER),
            "availability_zone": {"type": "string"},
            "display_name": _TEXT,
            "display_description": _TEXT,
        },
        ("size",),
    )
)
_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]*$"}
LIST_QUERY = Query((1, {"limit": _NUMBER, "offset": _NUMBER}))


class VolumeNotFound(NotFound):
    def __init__(self, volume_id: str) -> None:
        super().__init__(f"Volume {volume_id} could not be found.")
        self.volume_id = volume_id


async def index(request: Request) -> dict[str, Any]:
    """The list has always been as long as the detail."""
    found = await request.world.volume.list(request.caller.token, all_projects=False)
    start = offset_of(request)
    return {"volumes": [_shown(volume) for volume in found[start : start + limit_of(request)]]}


async def show(request: Request) -> dict[str, Any]:
    identifier = request.params["id"]
    refused = VolumeNotFound(identifier)
    try:
        volume = await request.world.volume.show(passed_on(identifier, refused), request.caller.token)
    except NotFound as error:
        raise refused from error
    return {"volume": _shown(volume)}


async def create(request: Request) -> Response:
    """Errors: Forbidden over quota, NotFound for a snapshot or type that is not there."""
    asked = request.body["volume"]
    try:
        made = await request.world.volume.create(
            request.caller.token,
            size=int(asked["size"]),
            name=asked.get("display_name"),
            description=asked.get("display_description"),
            snapshot_id=asked.get("snapshot_id"),
            volume_type=asked.get("volume_type"),
            availability_zone=asked.get("availability_zone"),
            metadata={str(key): str(value) for key, value in asked.get("metadata", {}).items()},
        )
    except TooLarge as error:
        raise Forbidden(error.message) from error
    location = f"{request.self_base}/os-volumes/{made.id}"
    return json_response({"volume": _shown(made)}, headers={"Location": location})


async def delete(request: Request) -> None:
    """Errors: VolumeNotFound, BadRequest while it is in use."""
    identifier = request.params["id"]
    refused = VolumeNotFound(identifier)
    try:
        await request.world.volume.delete(passed_on(identifier, refused), request.caller.token)
    except NotFound as error:
        raise refused from error


def _shown(volume: Volume) -> dict[str, Any]:
    held = [
        {"id": volume.id, "volumeId": volume.id, "serverId": one.server_id, "device": one.device}
        for one in volume.attachments
    ]
    return {
        "id": volume.id,
        "status": str(volume.status),
        "size": volume.size,
        "availabilityZone": volume.availability_zone,
        "createdAt": volume.created_at,
        # Nobody has it: one attachment without members, as clients of then expect.
        "attachments": held or [{}],
        "displayName": volume.name,
        "displayDescription": volume.description,
        "volumeType": volume.volume_type,
        "snapshotId": volume.snapshot_id,
        "metadata": volume.metadata,
    }
