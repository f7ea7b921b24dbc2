"""Volumes: create, update, delete, metadata."""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.db.database import Transaction
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.image import Image, ImageStatus
from kilonova.model.volume import DELETABLE, SnapshotStatus, VolumeStatus
from kilonova.volume import quotas
from kilonova.volume.at_rest import check_not_copied
from kilonova.volume.body import ChangedRecord, Metadata, NewVolume, body, checked
from kilonova.volume.errors import ImageUnusable, InvalidInput, InvalidSnapshot, InvalidVolume, VolumeNotFound
from kilonova.volume.files import GIB
from kilonova.volume.jobs import Jobs
from kilonova.volume.microversion import since
from kilonova.volume.paging import is_true
from kilonova.volume.records import Snapshot, Volume, VolumeType
from kilonova.volume.store import attachments, projects, snapshots, types, volumes
from kilonova.volume.volume_reads import shown
from kilonova.volume.world import VolumeRequest, check_trusted, check_writer, project_of
from kilonova.web.response import empty, json_response

# From a real Glance's defaults: what tells of the image, carried along with the volume made from it.
_IMAGE_FACTS = ("container_format", "disk_format", "min_disk", "min_ram", "size", "checksum")


class VolumeWrites:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def create(self, request: VolumeRequest) -> Response:
        """202; the volume is `creating` until its file is there."""
        check_writer(request, "volume:create")
        asked = await body(request, "volume", NewVolume)
        volume = await _new_volume(request, asked)
        world, project = request.world, volume.project_id
        await quotas.check_size(world, project, volume.size)
        await projects.ensure(world.db, project, world.clock.now())
        async with world.db.begin() as tx:
            await quotas.claim(world, tx, project, volumes=1, gigabytes=volume.size)
            await _check_source(tx, volume)
            await volumes.add(tx, volume)
        self._jobs.work_on(volume)
        return json_response(await shown(request, volume), 202)

    async def delete(self, request: VolumeRequest) -> Response:
        world = request.world
        volume = await world.volume(request, request.params["volume_id"])
        check_writer(request, "volume:delete")
        given = request.query_params
        if since(request, 23) and is_true(given.get("force", "false")):
            return await self.force_delete(request, volume)
        if volume.status == VolumeStatus.DELETING:
            return empty(202)
        if volume.status not in DELETABLE:
            raise InvalidVolume(
                "Volume status must be available or error or error_restoring or error_extending or error_managing and "
                "must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be "
                "disassociated from snapshots after volume transfer."
            )
        await self._begin_delete(request, volume, DELETABLE, cascade=is_true(given.get("cascade", "false")))
        return empty(202)

    async def force_delete(self, request: VolumeRequest, volume: Volume) -> Response:
        """Whatever its status; an attached one only when compute has let go of it."""
        check_trusted(request, "volume_extension:volume_admin_actions:force_delete")
        if await attachments.of_volume(request.world.db, volume.id):
            raise InvalidVolume(f"Volume {volume.id} is still attached, detach volume first.")
        await self._begin_delete(request, volume, VolumeStatus, cascade=False)
        return empty(202)

    async def _begin_delete(self, request: VolumeRequest, volume: Volume, was: Any, *, cascade: bool) -> None:
        world, now = request.world, request.world.clock.now()
        async with world.db.begin() as tx:
            await volumes.lock(tx, volume.id, now)
            derived = await snapshots.of_volume(tx, volume.id)
            if derived and not cascade:
                raise InvalidVolume(f"Volume {volume.id} has {len(derived)} dependent snapshots; delete them first.")
            await check_not_copied(tx, volume.id)
            if not await volumes.turn(tx, volume.id, now, was, status=VolumeStatus.DELETING):
                raise VolumeNotFound(volume.id)
            for one in derived:
                await snapshots.change(tx, one.id, now, status=SnapshotStatus.DELETING)
        for one in derived:
            self._jobs.work_on_snapshot(msgspec.structs.replace(one, status=SnapshotStatus.DELETING))
        self._jobs.work_on(msgspec.structs.replace(volume, status=VolumeStatus.DELETING))

    async def update(self, request: VolumeRequest) -> Response:
        world = request.world
        volume = await world.volume(request, request.params["volume_id"])
        check_writer(request, "volume:update")
        changed = await body(request, "volume", ChangedRecord)
        async with world.db.begin() as tx:
            await volumes.change(tx, volume.id, world.clock.now(), **changed.columns())
            if changed.metadata is not msgspec.UNSET:
                await volumes.set_metadata(tx, volume.id, changed.metadata)
        return json_response(await shown(request, await world.volume(request, volume.id)))


async def _new_volume(request: VolumeRequest, asked: NewVolume) -> Volume:
    """Everything checked but the quota. Errors: BadRequest, NotFound."""
    world = request.world
    _check_sources(asked)
    zone = asked.availability_zone or world.settings.availability_zone
    if zone != world.settings.availability_zone:
        raise BadRequest(f"Availability zone '{zone}' is invalid.")
    kind = await _type(request, asked.volume_type)
    seed = Volume(
        id=world.new_id(),
        project_id=project_of(request),
        user_id=request.caller.user_id,
        name=asked.name if asked.name is not None else asked.display_name,
        description=asked.description if asked.description is not None else asked.display_description,
        size=asked.size or 0,
        status=VolumeStatus.CREATING,
        type_id=kind.id if kind else None,
        availability_zone=zone,
        multiattach=kind is not None and kind.extra_specs.get("multiattach", "").lower() == "<is> true",
        metadata=asked.metadata or {},
        created_at=world.clock.now(),
    )
    return await _with_source(request, seed, asked)


def _check_sources(asked: NewVolume) -> None:
    sources = [asked.imageRef or asked.image_id, asked.snapshot_id, asked.source_volid]
    if sum(source is not None for source in sources) > 1:
        raise BadRequest("May specify only one of snapshot, imageRef or source volume")
    if asked.size is None and asked.snapshot_id is None and asked.source_volid is None:
        raise InvalidInput("Volume size must be an integer and greater than 0 (got: None).")
    if asked.backup_id or asked.consistencygroup_id or asked.group_id:
        raise BadRequest("Backups, groups and consistency groups are not offered by this cloud.")


async def _type(request: VolumeRequest, key: str | None) -> VolumeType | None:
    if key:
        return await request.world.type(request, key)
    return await types.find(request.world.db, request.world.settings.default_type)


async def _with_source(request: VolumeRequest, seed: Volume, asked: NewVolume) -> Volume:
    if asked.snapshot_id is not None:
        snapshot = await _source_snapshot(request, asked.snapshot_id)
        source = await volumes.find(request.world.db, snapshot.volume_id)
        size = _at_least(asked.size, snapshot.size, "snapshot")
        return msgspec.structs.replace(
            seed, snapshot_id=snapshot.id, size=size, **_inherited(source, snapshot.image_metadata)
        )
    if asked.source_volid is not None:
        source = await _source_volume(request, asked.source_volid)
        size = _at_least(asked.size, source.size, "source volume")
        return msgspec.structs.replace(
            seed, source_id=source.id, size=size, **_inherited(source, source.image_metadata)
        )
    image_id = asked.imageRef or asked.image_id
    if not image_id:
        return seed
    image = await usable_image(request, image_id, seed.size)
    return msgspec.structs.replace(
        seed,
        image_id=image.id,
        status=VolumeStatus.DOWNLOADING,
        bootable=True,
        image_metadata=facts_of(image),
    )


def _inherited(source: Volume | None, image_metadata: dict[str, str] | None) -> dict[str, Any]:
    bootable = source.bootable if source is not None else image_metadata is not None
    return {"bootable": bootable, "image_metadata": image_metadata}


def _at_least(asked: int | None, least: int, what: str) -> int:
    if asked is None:
        return least
    if asked < least:
        raise InvalidInput(f"Volume size {asked}GB cannot be smaller than the {what} size {least}GB.")
    return asked


async def _source_snapshot(request: VolumeRequest, snapshot_id: str) -> Snapshot:
    snapshot = await request.world.snapshot(request, snapshot_id)
    if snapshot.status != SnapshotStatus.AVAILABLE:
        raise InvalidSnapshot(f"Originating snapshot status must be one of available. Got {snapshot.status}.")
    return snapshot


async def _source_volume(request: VolumeRequest, volume_id: str) -> Volume:
    """A volume at rest: the copy of one that is written to would be torn."""
    source = await request.world.volume(request, volume_id)
    if source.status != VolumeStatus.AVAILABLE:
        raise InvalidVolume(f"Source volume {volume_id} must be available, but its status is: {source.status}.")
    return source


async def _check_source(tx: Transaction, volume: Volume) -> None:
    """Still there and at rest, now that nothing can come between. Errors: InvalidVolume, InvalidSnapshot."""
    if volume.source_id is not None:
        source = await volumes.lock(tx, volume.source_id, volume.created_at)
        if source is None or source.status != VolumeStatus.AVAILABLE:
            raise InvalidVolume(f"Source volume {volume.source_id} must be available.")
    if volume.snapshot_id is not None:
        snapshot = await snapshots.lock(tx, volume.snapshot_id, volume.created_at)
        if snapshot is None or snapshot.status != SnapshotStatus.AVAILABLE:
            raise InvalidSnapshot("Originating snapshot status must be available.")


async def usable_image(request: VolumeRequest, image_id: str, size_gib: int) -> Image:
    """Asked with the user's own token: whoever may not see an image may not copy it either."""
    try:
        image = await request.world.image.show(image_id, request.caller.token)
    except NotFound as error:
        raise BadRequest(f"Invalid image identifier or unable to access requested image: {image_id}.") from error
    if image.status != ImageStatus.ACTIVE:
        raise InvalidInput(f"Image {image_id} is not active.")
    if image.disk_format not in ("raw", "iso", "qcow2"):
        raise ImageUnusable(image_id, f"disk format {image.disk_format} cannot be made a volume")
    needed = max(image.virtual_size or 0, image.size or 0)
    if needed > size_gib * GIB:
        raise InvalidInput(f"Size of specified image {-(-needed // GIB)}GB is larger than volume size {size_gib}GB.")
    if image.min_disk > size_gib:
        raise InvalidInput(
            f"Volume size {size_gib}GB cannot be smaller than the image minDisk size {image.min_disk}GB."
        )
    return image


def facts_of(image: Image) -> dict[str, str]:
    """`volume_image_metadata`: what compute needs to boot from the volume as from the image. All text, as Cinder's."""
    facts = {name: str(getattr(image, name)) for name in _IMAGE_FACTS if getattr(image, name) is not None}
    return {**image.properties, **facts, "image_id": image.id, "image_name": image.name or ""}


async def show_metadata(request: VolumeRequest) -> Response:
    volume = await request.world.volume(request, request.params["volume_id"])
    return json_response({"metadata": volume.metadata})


async def show_metadata_item(request: VolumeRequest) -> Response:
    volume = await request.world.volume(request, request.params["volume_id"])
    key = request.params["key"]
    if key not in volume.metadata:
        raise NotFound(f"Volume {volume.id} has no metadata with key {key}.")
    return json_response({"meta": {key: volume.metadata[key]}})


async def set_metadata(request: VolumeRequest) -> Response:
    """POST adds, PUT replaces all."""
    return await _store_metadata(request, await body(request, "metadata", Metadata), keep=request.method == "POST")


async def set_metadata_item(request: VolumeRequest) -> Response:
    document = await request.document()
    meta = checked(document, "meta", Metadata)
    if set(meta) != {request.params["key"]}:
        raise BadRequest("Request body and URI mismatch")
    await _store_metadata(request, meta, keep=True)
    return json_response({"meta": meta})


async def remove_metadata_item(request: VolumeRequest) -> Response:
    volume = await request.world.volume(request, request.params["volume_id"])
    key = request.params["key"]
    if key not in volume.metadata:
        raise NotFound(f"Volume {volume.id} has no metadata with key {key}.")
    left = {name: value for name, value in volume.metadata.items() if name != key}
    await _store_metadata(request, left, keep=False)
    return empty(200)


async def _store_metadata(request: VolumeRequest, new: dict[str, str], *, keep: bool) -> Response:
    world = request.world
    check_writer(request, "volume:create_volume_metadata")
    volume = await world.volume(request, request.params["volume_id"])
    merged = {**volume.metadata, **new} if keep else new
    async with world.db.begin() as tx:
        await volumes.set_metadata(tx, volume.id, merged)
    return json_response({"metadata": merged})
