"""Snapshots of volumes: list, detail, show, create, delete."""

from typing import Any

from kilonova.api import parameters
from kilonova.api.paging import limit_of, offset_of
from kilonova.api.parameters import TRUE_TEXTS, Schema
from kilonova.api.proxies.identifiers import passed_on
from kilonova.api.proxies.volumes import LIST_QUERY as LIST_QUERY
from kilonova.api.request import Request
from kilonova.api.validation import Schemas
from kilonova.model.errors import BadRequest, Forbidden, NotFound, TooLarge
from kilonova.peers.volume import Snapshot

_TEXT: Schema = {"type": ["string", "null"], "maxLength": 255}
CREATE = Schemas.every(
    parameters.body(
        "snapshot",
        {
            "volume_id": {"type": "string"},
            "force": parameters.boolean,
            "display_name": _TEXT,
            "display_description": _TEXT,
        },
        ("volume_id",),
    )
)


class SnapshotNotFound(NotFound):
    def __init__(self, snapshot_id: str) -> None:
        super().__init__(f"Snapshot {snapshot_id} could not be found.")
        self.snapshot_id = snapshot_id


async def index(request: Request) -> dict[str, Any]:
    """The list has always been as long as the detail."""
    found = await request.world.volume.snapshots(request.caller.token, all_projects=False)
    start = offset_of(request)
    return {"snapshots": [_shown(snapshot) for snapshot in found[start : start + limit_of(request)]]}


async def show(request: Request) -> dict[str, Any]:
    identifier = request.params["id"]
    refused = SnapshotNotFound(identifier)
    try:
        snapshot = await request.world.volume.snapshot(passed_on(identifier, refused), request.caller.token)
    except NotFound as error:
        raise refused from error
    return {"snapshot": _shown(snapshot)}


async def create(request: Request) -> dict[str, Any]:
    """Errors: BadRequest for a volume that is not there, Forbidden over quota."""
    asked = request.body["snapshot"]
    try:
        made = await request.world.volume.snapshot_create(
            asked["volume_id"],
            request.caller.token,
            name=asked.get("display_name"),
            description=asked.get("display_description"),
            force=asked.get("force", False) in (True, *TRUE_TEXTS),
        )
    except TooLarge as error:
        raise Forbidden(error.message) from error
    except NotFound as error:
        raise BadRequest(error.message) from error
    return {"snapshot": _shown(made)}


async def delete(request: Request) -> None:
    identifier = request.params["id"]
    refused = SnapshotNotFound(identifier)
    try:
        await request.world.volume.snapshot_delete(passed_on(identifier, refused), request.caller.token)
    except NotFound as error:
        raise refused from error


def _shown(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "volumeId": snapshot.volume_id,
        "status": str(snapshot.status),
        "size": snapshot.size,
        "createdAt": snapshot.created_at,
        "displayName": snapshot.name,
        "displayDescription": snapshot.description,
    }
