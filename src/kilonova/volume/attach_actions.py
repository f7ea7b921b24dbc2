"""The older way to attach: actions on the volume. They lead through the same states as the attachments API."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.model.errors import BadRequest
from kilonova.model.volume import AttachStatus, VolumeStatus, status_of_attachments
from kilonova.volume.at_rest import check_not_copied
from kilonova.volume.attaching import check_releasable, connection_of, follow, locked, release
from kilonova.volume.body import Name, checked
from kilonova.volume.errors import InvalidVolume, WrongStatus
from kilonova.volume.records import Attachment, Volume
from kilonova.volume.store import attachments, volumes
from kilonova.volume.world import VolumeRequest, check_trusted, trusted
from kilonova.web.response import empty, json_response


class Attach(msgspec.Struct):
    mountpoint: str
    instance_uuid: Name = None
    host_name: Name = None
    mode: str = "rw"


class Detach(msgspec.Struct):
    attachment_id: str | None = None


class Connect(msgspec.Struct):
    connector: dict[str, Any]


async def _reserve(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    return await _turned(request, volume, VolumeStatus.AVAILABLE, VolumeStatus.ATTACHING)


async def _unreserve(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    return await _turned(request, volume, VolumeStatus.ATTACHING, None)


async def _begin_detaching(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    return await _turned(request, volume, VolumeStatus.IN_USE, VolumeStatus.DETACHING)


async def _roll_detaching(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    return await _turned(request, volume, VolumeStatus.DETACHING, None)


async def _turned(request: VolumeRequest, volume: Volume, was: VolumeStatus, becomes: VolumeStatus | None) -> Response:
    """202; None is what the attachments make of it. Errors: WrongStatus."""
    world = request.world
    async with world.db.begin() as tx:
        await locked(world, tx, volume.id)
        if becomes is None:
            held = await attachments.of_volume(tx, volume.id)
            becomes = status_of_attachments({one.status for one in held})
        if was == VolumeStatus.AVAILABLE:
            await check_not_copied(tx, volume.id)
        if not await volumes.turn(tx, volume.id, world.clock.now(), (was,), status=becomes):
            raise WrongStatus(volume.id, volume.status, (was,))
    return empty(202)


async def _attach(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    """Record what has been done already: only compute can know."""
    asked = checked(document, "os-attach", Attach)
    if (asked.instance_uuid is None) == (asked.host_name is None):
        raise BadRequest("Invalid request to attach volume to an invalid target")
    if asked.mode not in ("rw", "ro"):
        raise BadRequest("Invalid request to attach volume with an invalid mode.")
    world, now = request.world, request.world.clock.now()
    made = Attachment(
        id=world.new_id(),
        volume_id=volume.id,
        project_id=volume.project_id,
        server_id=asked.instance_uuid,
        status=AttachStatus.ATTACHED,
        mode=asked.mode,
        device=asked.mountpoint[:255],
        host=asked.host_name,
        attached_at=now,
        created_at=now,
    )
    async with world.db.begin() as tx:
        volume = await locked(world, tx, volume.id)
        if not volume.multiattach and volume.status not in (VolumeStatus.AVAILABLE, VolumeStatus.ATTACHING):
            raise InvalidVolume(f"Volume {volume.id} is already attached.")
        await check_not_copied(tx, volume.id)
        await attachments.add(tx, made)
        await follow(world, tx, volume.id, was=volume.status)
    return empty(202)


async def _detach(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    """By force is an admin's word that nobody has the volume; a guest that has it holds it all the same."""
    forced = "os-force_detach" in document
    if forced:
        check_trusted(request, "volume_extension:volume_admin_actions:force_detach")
    body = document.get("os-detach") or document.get("os-force_detach") or {}
    asked = checked({"os-detach": body}, "os-detach", Detach)
    held = await attachments.of_volume(request.world.db, volume.id)
    if not held:
        await _settle(request, volume.id)
        return empty(202)
    chosen = [one for one in held if asked.attachment_id in (None, one.id)]
    if not chosen:
        raise InvalidVolume(f"Volume {volume.id} is not attached.")
    if len(chosen) > 1:
        raise InvalidVolume("Detach volume failed: More than one attachment, but no attachment_id provided.")
    await check_releasable(request, chosen[0])
    await release(request.world, chosen[0], mends=forced)
    return empty(202)


async def _settle(request: VolumeRequest, volume_id: str) -> None:
    """Nobody has the volume, as was asked: a detaching that was begun ends."""
    async with request.world.db.begin() as tx:
        volume = await locked(request.world, tx, volume_id)
        if volume.status == VolumeStatus.DETACHING:
            await follow(request.world, tx, volume_id, was=volume.status)


async def _initialize_connection(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    checked(document, "os-initialize_connection", Connect)
    told = connection_of(request.world, volume, mode="ro" if volume.read_only else "rw")
    kind = told.pop("driver_volume_type")
    data = told if trusted(request.caller) else {}
    return json_response({"connection_info": {"driver_volume_type": kind, "data": data}})


async def _terminate_connection(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    """A file needs no taking down; but the guest's way to its disk is compute's."""
    checked(document, "os-terminate_connection", Connect)
    for one in await attachments.of_volume(request.world.db, volume.id):
        await check_releasable(request, one)
    return empty(202)


ACTIONS: dict[str, Callable[[VolumeRequest, Volume, Any], Awaitable[Response]]] = {
    "os-reserve": _reserve,
    "os-unreserve": _unreserve,
    "os-begin_detaching": _begin_detaching,
    "os-roll_detaching": _roll_detaching,
    "os-attach": _attach,
    "os-detach": _detach,
    "os-force_detach": _detach,
    "os-initialize_connection": _initialize_connection,
    "os-terminate_connection": _terminate_connection,
}
