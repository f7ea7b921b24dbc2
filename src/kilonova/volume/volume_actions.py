"""`POST /volumes/{id}/action`: one key names what to do."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from kilonova.model.errors import BadRequest
from kilonova.model.volume import AttachStatus, VolumeStatus
from kilonova.volume import attach_actions, migration, quotas
from kilonova.volume.at_rest import check_not_copied
from kilonova.volume.body import Metadata, Name, Size, checked
from kilonova.volume.errors import InvalidInput, InvalidSnapshot, InvalidVolume, WrongStatus
from kilonova.volume.jobs import Jobs
from kilonova.volume.microversion import since
from kilonova.volume.records import Volume
from kilonova.volume.reimage import reimage
from kilonova.volume.store import attachments, projects, snapshots, volumes
from kilonova.volume.volume_writes import VolumeWrites
from kilonova.volume.world import VolumeRequest, check_trusted, check_writer
from kilonova.web.response import empty, json_response

Action = Callable[[VolumeRequest, Volume, Any], Awaitable[Response]]
_FREE = (VolumeStatus.AVAILABLE,)


class Extend(msgspec.Struct):
    new_size: Size


class SetBootable(msgspec.Struct):
    bootable: bool


class SetReadOnly(msgspec.Struct):
    readonly: bool


class ResetStatus(msgspec.Struct):
    status: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    attach_status: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    migration_status: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class UploadImage(msgspec.Struct):
    image_name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    force: bool = False
    disk_format: Name = None
    container_format: Name = None
    visibility: Name = None
    protected: bool = False


class Retype(msgspec.Struct):
    new_type: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    migration_policy: Name = None


class Revert(msgspec.Struct):
    snapshot_id: str


class ImageMetadata(msgspec.Struct):
    metadata: Metadata


class ImageMetadataKey(msgspec.Struct):
    key: str


class VolumeActions:
    """The whole table; `act` finds the one named."""

    def __init__(self, jobs: Jobs, writes: VolumeWrites) -> None:
        self._jobs = jobs
        self._writes = writes
        self._actions: dict[str, Action] = {
            "os-extend": self._extend,
            "os-force_delete": self._force_delete,
            "os-volume_upload_image": self._upload_image,
            "os-reimage": self._reimage,
            "revert": self._revert,
            "os-set_bootable": _set_bootable,
            "os-update_readonly_flag": _set_read_only,
            "os-reset_status": _reset_status,
            "os-retype": _retype,
            "os-migrate_volume_completion": self._complete_migration,
            "os-show_image_metadata": _show_image_metadata,
            "os-set_image_metadata": _set_image_metadata,
            "os-unset_image_metadata": _unset_image_metadata,
            **attach_actions.ACTIONS,
        }

    async def act(self, request: VolumeRequest) -> Response:
        document = await request.document()
        if not isinstance(document, dict) or len(document) != 1:
            raise BadRequest("Malformed request body")
        name = next(iter(document))
        action = self._actions.get(name)
        if action is None or (name == "os-reimage" and not since(request, 68)):
            raise BadRequest(f"There is no such action: {name[:60]}")
        volume = await request.world.volume(request, request.params["volume_id"])
        check_writer(request, f"volume_extension:{name}")
        return await action(request, volume, document)

    async def _extend(self, request: VolumeRequest, volume: Volume, document: Any) -> Response:
        """Offline only: a guest that has the volume would not learn of it."""
        world, new_size = request.world, checked(document, "os-extend", Extend).new_size
        if volume.status != VolumeStatus.AVAILABLE:
            raise WrongStatus(volume.id, volume.status, _FREE)
        if new_size <= volume.size:
            raise InvalidInput(
                "New size for extend must be greater than current size. "
                f"(current: {volume.size}, extended: {new_size})."
            )
        await quotas.check_size(world, volume.project_id, new_size)
        await projects.ensure(world.db, volume.project_id, world.clock.now())
        async with world.db.begin() as tx:
            await quotas.claim(world, tx, volume.project_id, gigabytes=new_size - volume.size)
            # The new size is the row's from now on: a second extend must not claim against the old one.
            work = {"status": VolumeStatus.EXTENDING, "size": new_size, "work": {"size": new_size}}
            await _turn(request, tx, volume, **work)
        return self._began(volume, VolumeStatus.EXTENDING, work={"size": new_size}, size=new_size)

    async def _force_delete(self, request: VolumeRequest, volume: Volume, document: Any) -> Response:
        return await self._writes.force_delete(request, volume)

    async def _reimage(self, request: VolumeRequest, volume: Volume, document: Any) -> Response:
        return await reimage(request, volume, document, self._jobs)

    async def _complete_migration(self, request: VolumeRequest, volume: Volume, document: Any) -> Response:
        return await migration.complete(request, volume, document, self._writes)

    async def _revert(self, request: VolumeRequest, volume: Volume, document: Any) -> Response:
        world = request.world
        snapshot = await world.snapshot(request, checked(document, "revert", Revert).snapshot_id)
        derived = await snapshots.of_volume(world.db, volume.id)
        if snapshot.volume_id != volume.id or snapshot.id != max(derived, key=lambda one: one.created_at).id:
            raise InvalidSnapshot(f"Snapshot {snapshot.id} is not the latest one of volume {volume.id}.")
        if snapshot.size != volume.size:
            raise InvalidVolume(f"Volume {volume.id} was extended after its snapshot {snapshot.id} was made.")
        work = {"snapshot_id": snapshot.id}
        async with world.db.begin() as tx:
            await _turn(request, tx, volume, status=VolumeStatus.REVERTING, work=work)
        return self._began(volume, VolumeStatus.REVERTING, work=work)

    async def _upload_image(self, request: VolumeRequest, volume: Volume, document: Any) -> Response:
        world, asked = request.world, checked(document, "os-volume_upload_image", UploadImage)
        disk_format = asked.disk_format or "raw"
        if disk_format not in ("raw", "qcow2") or asked.container_format not in (None, "bare"):
            raise InvalidInput("A volume becomes an image of disk format raw or qcow2, in no container (bare).")
        if volume.status != VolumeStatus.AVAILABLE:
            raise WrongStatus(volume.id, volume.status, _FREE)
        image = await world.image.create(
            request.caller.token,
            name=asked.image_name,
            disk_format=disk_format,
            container_format="bare",
            visibility=asked.visibility or "shared",
            protected=asked.protected,
            min_disk=volume.size,
            properties=_carried(volume),
        )
        work = {"image_id": image.id}
        async with world.db.begin() as tx:
            await _turn(request, tx, volume, status=VolumeStatus.UPLOADING, work=work)
        self._began(volume, VolumeStatus.UPLOADING, work=work)
        told = {
            "id": volume.id,
            "updated_at": volume.updated_at,
            "status": "uploading",
            "display_description": volume.description,
            "size": volume.size,
            "volume_type": None,
            "image_id": image.id,
            "disk_format": disk_format,
            "container_format": "bare",
            "image_name": asked.image_name,
            "visibility": image.visibility,
            "protected": image.protected,
        }
        return json_response({"os-volume_upload_image": told}, 202)

    def _began(self, volume: Volume, status: VolumeStatus, **changed: Any) -> Response:
        self._jobs.work_on(
            msgspec.structs.replace(volume, status=status, previous_status=VolumeStatus.AVAILABLE, **changed)
        )
        return empty(202)


async def _turn(request: VolumeRequest, tx: Any, volume: Volume, **columns: Any) -> None:
    """From available on; whoever was quicker wins. Errors: WrongStatus, InvalidVolume."""
    now = request.world.clock.now()
    await volumes.lock(tx, volume.id, now)
    await check_not_copied(tx, volume.id)
    done = await volumes.turn(tx, volume.id, now, _FREE, previous_status=VolumeStatus.AVAILABLE, **columns)
    if not done:
        raise WrongStatus(volume.id, "changing", _FREE)


def _carried(volume: Volume) -> dict[str, str]:
    """Image properties that came with the image the volume was made from."""
    own = ("container_format", "disk_format", "min_disk", "min_ram", "size", "checksum", "image_id", "image_name")
    return {name: value for name, value in (volume.image_metadata or {}).items() if name not in own}


async def _change(request: VolumeRequest, volume: Volume, **columns: Any) -> None:
    async with request.world.db.begin() as tx:
        await volumes.change(tx, volume.id, request.world.clock.now(), **columns)


async def _set_bootable(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    await _change(request, volume, bootable=checked(document, "os-set_bootable", SetBootable).bootable)
    return empty(200)


async def _set_read_only(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    read_only = checked(document, "os-update_readonly_flag", SetReadOnly).readonly
    if volume.status != VolumeStatus.AVAILABLE:
        raise WrongStatus(volume.id, volume.status, _FREE)
    await _change(request, volume, read_only=read_only)
    return empty(202)


async def _reset_status(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    """An admin's word against the record; files and guests are not looked at."""
    check_trusted(request, "volume_extension:volume_admin_actions:reset_status")
    asked = checked(document, "os-reset_status", ResetStatus)
    if asked.status is None and asked.attach_status is None and asked.migration_status is None:
        raise InvalidInput("Must specify 'status', 'attach_status' or 'migration_status' for update.")
    world = request.world
    async with world.db.begin() as tx:
        if asked.status is not None:
            await volumes.change(tx, volume.id, world.clock.now(), status=_status(asked.status))
        if asked.migration_status is not None:
            status = None if asked.migration_status.lower() == "none" else asked.migration_status
            await volumes.set_migration(tx, volume.id, status)
        if asked.attach_status == AttachStatus.DETACHED:
            await attachments.remove_all(tx, volume.id)
    return empty(202)


def _status(text: str) -> VolumeStatus:
    try:
        return VolumeStatus(text.lower())
    except ValueError as error:
        raise InvalidInput(f"Must specify a valid status; {text} is none.") from error


async def _retype(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    """All types live in the same place, so only the record changes."""
    kind = await request.world.type(request, checked(document, "os-retype", Retype).new_type)
    if volume.status not in (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE):
        raise WrongStatus(volume.id, volume.status, (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE))
    if kind.id == volume.type_id:
        raise InvalidInput("New volume type same as original.")
    multiattach = kind.extra_specs.get("multiattach", "").lower() == "<is> true"
    if volume.status == VolumeStatus.IN_USE and multiattach != volume.multiattach:
        raise InvalidInput("The multiattach ability of a volume cannot change while it is in use.")
    await _change(request, volume, type_id=kind.id, multiattach=multiattach)
    return empty(202)


async def _show_image_metadata(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    return json_response({"metadata": volume.image_metadata or {}})


async def _set_image_metadata(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    new = checked(document, "os-set_image_metadata", ImageMetadata).metadata
    merged = {**(volume.image_metadata or {}), **new}
    await _change(request, volume, image_metadata=merged)
    return json_response({"metadata": merged})


async def _unset_image_metadata(request: VolumeRequest, volume: Volume, document: Any) -> Response:
    key = checked(document, "os-unset_image_metadata", ImageMetadataKey).key
    left = {name: value for name, value in (volume.image_metadata or {}).items() if name != key}
    await _change(request, volume, image_metadata=left)
    return empty(200)
