"""Attachments: who has a volume, from the reservation to the release.

A volume's status follows from its attachments, in the same transaction. Whoever takes a volume from under a running
guest must be compute itself, by its service role (CVE-2023-2088).
"""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.db.database import Transaction
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.volume import AttachStatus, VolumeStatus, status_of_attachments
from kilonova.volume.at_rest import check_not_copied
from kilonova.volume.body import ChangedAttachment, NewAttachment, body
from kilonova.volume.errors import (
    AttachedElsewhere,
    AttachmentNotFound,
    InvalidInput,
    VolumeNotFound,
    WrongStatus,
)
from kilonova.volume.microversion import since
from kilonova.volume.paging import next_link, page_of
from kilonova.volume.records import Attachment, Volume
from kilonova.volume.store import attachments, volumes
from kilonova.volume.view import attachment_view
from kilonova.volume.world import VolumeRequest, World, check_writer, is_service
from kilonova.web.response import empty, json_response

# What compute calls this kind of connection: a file on the machine it runs on.
VOLUME_KIND = "kilonova_file"
_HELD = frozenset({VolumeStatus.RESERVED, VolumeStatus.ATTACHING, VolumeStatus.IN_USE, VolumeStatus.DETACHING})
_FILTERS = ("id", "volume_id", "status")


def connection_of(world: World, volume: Volume, *, mode: str) -> dict[str, Any]:
    """Flat, as the attachments API has it."""
    return {
        "driver_volume_type": VOLUME_KIND,
        "path": str(world.files.volume(volume.id)),
        "format": "raw",
        "access_mode": mode,
        "host": world.settings.host,
        "volume_id": volume.id,
        "multiattach": volume.multiattach,
        "encrypted": False,
        "cacheable": False,
        "discard": True,
        "qos_specs": None,
    }


async def index(request: VolumeRequest) -> Response:
    return await _list(request, detail=False)


async def detail(request: VolumeRequest) -> Response:
    return await _list(request, detail=True)


async def _list(request: VolumeRequest, *, detail: bool) -> Response:
    page = page_of(request, _FILTERS)
    if "instance_id" in request.query_params:
        page.equal["server_id"] = request.query_params["instance_id"]
    if "marker" in request.query_params:
        page.marker = msgspec.structs.asdict(await _marker(request))
    page.metadata = {}
    found = await attachments.page(request.world.db, page)
    answer: dict[str, Any] = {"attachments": [attachment_view(request, one, detail=detail) for one in found]}
    if link := next_link(request, page, [one.id for one in found]):
        answer["attachments_links"] = link
    return json_response(answer)


async def _marker(request: VolumeRequest) -> Attachment:
    marker = request.query_params["marker"]
    try:
        return await request.world.attachment(request, marker)
    except NotFound as error:
        raise BadRequest(f"marker {marker[:60]} could not be found") from error


async def show(request: VolumeRequest) -> Response:
    found = await request.world.attachment(request, request.params["attachment_id"])
    return json_response({"attachment": attachment_view(request, found)})


async def create(request: VolumeRequest) -> Response:
    """Reserve; with a connector connect at once. From 3.54 the mode may be chosen."""
    check_writer(request, "volume:attachment_create")
    asked = await body(request, "attachment", NewAttachment)
    mode = asked.mode or "rw"
    if mode not in ("rw", "ro") or (asked.mode is not None and not since(request, 54)):
        raise InvalidInput(f"Invalid attach mode: {mode[:20]}")
    volume = await request.world.volume(request, asked.volume_uuid)
    made = await reserve(request, volume, server_id=asked.instance_uuid, mode=mode, connector=asked.connector)
    return json_response({"attachment": attachment_view(request, made)})


async def reserve(
    request: VolumeRequest, volume: Volume, *, server_id: str | None, mode: str, connector: dict[str, Any] | None
) -> Attachment:
    """Errors: InvalidVolume when somebody else has the volume and it is not for several."""
    world = request.world
    if volume.read_only:
        mode = "ro"
    made = Attachment(
        id=world.new_id(),
        volume_id=volume.id,
        project_id=volume.project_id,
        server_id=server_id,
        status=AttachStatus.RESERVED,
        mode=mode,
        created_at=world.clock.now(),
    )
    if connector is not None:
        made = msgspec.structs.replace(made, **_connected(world, volume, made, connector))
    async with world.db.begin() as tx:
        volume = await locked(world, tx, volume.id)
        others = await attachments.of_volume(tx, volume.id)
        _check_free(volume, others, server_id)
        if not others:
            await check_not_copied(tx, volume.id)
        await attachments.add(tx, made)
        await follow(world, tx, volume.id, was=volume.status)
    return made


async def locked(world: World, tx: Transaction, volume_id: str) -> Volume:
    """First in each transaction here: who follows the attachments must see all of them. Errors: VolumeNotFound."""
    volume = await volumes.lock(tx, volume_id, world.clock.now())
    if volume is None:
        raise VolumeNotFound(volume_id)
    return volume


def _check_free(volume: Volume, others: list[Attachment], server_id: str | None) -> None:
    """A second attachment for the same server is how a server moves from host to host."""
    if volume.status == VolumeStatus.AVAILABLE:
        return
    same_server = server_id is not None and any(one.server_id == server_id for one in others)
    if volume.status in _HELD - {VolumeStatus.DETACHING} and (volume.multiattach or same_server):
        return
    raise WrongStatus(volume.id, volume.status, ("available", "in-use") if volume.multiattach else ("available",))


def _connected(world: World, volume: Volume, one: Attachment, connector: dict[str, Any]) -> dict[str, Any]:
    """What a connector adds to an attachment; an attached one stays attached."""
    device, host = connector.get("mountpoint"), connector.get("host")
    if not isinstance(host, str) or not 0 < len(host) <= 255 or not (device is None or isinstance(device, str)):
        raise InvalidInput("The connector must name its host, and a mountpoint as text if any.")
    attached = one.status == AttachStatus.ATTACHED
    return {
        "status": AttachStatus.ATTACHED if attached else AttachStatus.ATTACHING,
        "connector": connector,
        "connection_info": {**connection_of(world, volume, mode=one.mode), "attachment_id": one.id},
        "host": host,
        "device": device[:255] if device is not None else one.device,
    }


async def follow(world: World, tx: Transaction, volume_id: str, *, was: VolumeStatus) -> None:
    """Set the volume's status to what its attachments make it, unless it is about something else."""
    if was in _HELD or was == VolumeStatus.AVAILABLE:
        left = await attachments.of_volume(tx, volume_id)
        becomes = status_of_attachments({one.status for one in left})
        await volumes.change(tx, volume_id, world.clock.now(), status=becomes)


async def update(request: VolumeRequest) -> Response:
    """Connect: from here on the connection info is there."""
    check_writer(request, "volume:attachment_update")
    connector = (await body(request, "attachment", ChangedAttachment)).connector
    world = request.world
    found = await world.attachment(request, request.params["attachment_id"])
    volume = await world.volume(request, found.volume_id)
    changed = _connected(world, volume, found, connector)
    async with world.db.begin() as tx:
        volume = await locked(world, tx, volume.id)
        if not await attachments.change(tx, found.id, **changed):
            raise AttachmentNotFound(found.id)
        await follow(world, tx, volume.id, was=volume.status)
    return json_response({"attachment": attachment_view(request, msgspec.structs.replace(found, **changed))})


async def act(request: VolumeRequest) -> Response:
    """`os-complete`: the guest has it, or will have when it has a host again (then there is no connector yet).

    Twice is no error: the step that says so may run twice.
    """
    document = await request.document()
    if not isinstance(document, dict) or list(document) != ["os-complete"]:
        raise BadRequest("There is no such action; attachments know os-complete.")
    check_writer(request, "volume:attachment_complete")
    world = request.world
    found = await world.attachment(request, request.params["attachment_id"])
    if found.status != AttachStatus.ATTACHED:
        async with world.db.begin() as tx:
            volume = await locked(world, tx, found.volume_id)
            attached = {"status": AttachStatus.ATTACHED, "attached_at": world.clock.now()}
            if not await attachments.change(tx, found.id, **attached):
                raise AttachmentNotFound(found.id)
            await follow(world, tx, volume.id, was=volume.status)
    return empty(204)


async def delete(request: VolumeRequest) -> Response:
    check_writer(request, "volume:attachment_delete")
    world = request.world
    found = await world.attachment(request, request.params["attachment_id"])
    await check_releasable(request, found)
    await release(world, found)
    left = await attachments.of_volume(world.db, found.volume_id)
    return json_response({"attachments": [attachment_view(request, one) for one in left]})


async def check_releasable(request: VolumeRequest, found: Attachment) -> None:
    """One without a connector is on no host: only a record. Errors: AttachedElsewhere."""
    connected = found.connector is not None and found.status != AttachStatus.RESERVED
    guest_may_have_it = found.server_id is not None and connected
    if guest_may_have_it and not await is_service(request):
        raise AttachedElsewhere(found.server_id)


async def release(world: World, found: Attachment, *, mends: bool = False) -> None:
    """`mends`: a volume in error follows its attachments again, too."""
    async with world.db.begin() as tx:
        volume = await locked(world, tx, found.volume_id)
        await attachments.remove(tx, found.id)
        was = VolumeStatus.DETACHING if mends and volume.status == VolumeStatus.ERROR else volume.status
        await follow(world, tx, volume.id, was=was)
