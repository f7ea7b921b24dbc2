"""Assisted snapshots. No hypervisor driver here takes any, so a request that is right ends as it does on such a host:
the volume service is told that its snapshot failed.
"""

import logging
from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.db.repository import block_devices, servers
from kilonova.model.errors import BadRequest, KilonovaError, NotFound
from kilonova.model.server import Server
from kilonova.model.server_actions import NotReady, WrongState

log = logging.getLogger(__name__)


class NoSuchVolume(NotFound):
    def __init__(self, volume_id: str) -> None:
        super().__init__(f"No volume Block Device Mapping with id {volume_id}.")
        self.volume_id = volume_id


class _Info(msgspec.Struct):
    volume_id: str


async def create(request: Request) -> dict[str, Any]:
    """Errors: BadRequest for a volume that no server has, or whose server is busy or without a host."""
    asked = request.body["snapshot"]
    info = asked["create_info"]
    try:
        await _holder(request, asked["volume_id"])
    except (NoSuchVolume, WrongState, NotReady) as error:
        raise BadRequest(error.message) from error
    _report(request, info["snapshot_id"], "error")
    return {"snapshot": {"id": info.get("id", info["snapshot_id"]), "volumeId": asked["volume_id"]}}


async def delete(request: Request) -> None:
    """Errors: NotFound for a volume that no server has, BadRequest without `delete_info`."""
    try:
        info = msgspec.json.decode(request.one("delete_info") or "", type=_Info)
    except msgspec.DecodeError as error:
        raise BadRequest(f"Invalid delete_info: {error}") from error
    try:
        await _holder(request, info.volume_id)
    except (WrongState, NotReady) as error:
        raise BadRequest(error.message) from error
    _report(request, request.params["id"], "error_deleting")


async def _holder(request: Request, volume_id: str) -> Server:
    """The one server that has the volume. Errors: NoSuchVolume, BadRequest for several, WrongState, NotReady."""
    found = await block_devices.holders(request.world.db, volume_id)
    if not found:
        raise NoSuchVolume(volume_id)
    if len(found) > 1:
        raise BadRequest(f"Volume {volume_id} is attached to more than one instance.")
    server = await servers.get(request.world.db, found[0], project_id=None)
    if server.task_state is not None:
        raise WrongState(server.id, "snapshot volume", "task_state", server.task_state)
    if server.host is None:
        raise NotReady(server.id)
    return server


def _report(request: Request, snapshot_id: str, status: str) -> None:
    request.world.tasks.start(_told(request, snapshot_id, status), name="tell of snapshot")


async def _told(request: Request, snapshot_id: str, status: str) -> None:
    try:
        await request.world.volume.snapshot_status(snapshot_id, request.caller.token, status)
    except KilonovaError as error:
        log.warning("the volume service did not hear of snapshot %s: %s", snapshot_id, error.message)
