"""The work on files that a request starts and does not wait for.

Each job may be begun anew after a crash: the row says what it is at (`status`, `work`), and files appear whole or not
at all. It ends by turning the status; where the row went away meanwhile, the file goes too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from kilonova.aio.supervise import Tasks
from kilonova.model.errors import NotFound
from kilonova.model.image import Image, ImageStatus
from kilonova.model.volume import SnapshotStatus, VolumeStatus
from kilonova.volume.errors import ImageUnusable
from kilonova.volume.files import Stopped
from kilonova.volume.qemu_img import qcow2_to_raw, raw_to_qcow2
from kilonova.volume.records import Snapshot, Volume
from kilonova.volume.store import attachments, snapshots, volumes
from kilonova.volume.world import World

log = logging.getLogger(__name__)

_MAKING = (VolumeStatus.CREATING, VolumeStatus.DOWNLOADING)
# Copies run side by side only so far: more would only make the disk seek.
_AT_ONCE = 4


class Jobs:
    """Start jobs after the transaction that calls for them has been committed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks = Tasks("volume")
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def resume(self) -> None:
        """Take up what a killed process left."""
        world = self._world
        for volume in await volumes.in_status(world.db, (*_MAKING, *_VOLUME_JOBS)):
            self.work_on(volume)
        for snapshot in await snapshots.in_status(world.db, (SnapshotStatus.CREATING, SnapshotStatus.DELETING)):
            self.work_on_snapshot(snapshot)

    def work_on(self, volume: Volume) -> None:
        """Whatever its status calls for."""
        job = _job_for(volume)
        self._tasks.start(self._placed(lambda: job(self._world, volume)), name=f"{volume.status} {volume.id}")

    def work_on_snapshot(self, snapshot: Snapshot) -> None:
        job = make_snapshot if snapshot.status == SnapshotStatus.CREATING else delete_snapshot
        self._tasks.start(self._placed(lambda: job(self._world, snapshot)), name=f"{snapshot.status} {snapshot.id}")

    async def _placed(self, job: Callable[[], Awaitable[None]]) -> None:
        async with self._places:
            try:
                await job()
            except Stopped:
                return

    async def close(self) -> None:
        self._world.files.stop()
        await self._tasks.close()


async def make_volume(world: World, volume: Volume) -> None:
    path = world.files.volume(volume.id)
    try:
        await _content(world, volume, path)
    except Stopped:
        raise
    except Exception:
        log.exception("volume %s could not be made", volume.id)
        await _turn(world, volume, _MAKING, VolumeStatus.ERROR)
        return
    if not await _turn(world, volume, _MAKING, VolumeStatus.AVAILABLE):
        await world.files.remove(path)


async def _content(world: World, volume: Volume, path: Path) -> None:
    files = world.files
    if volume.snapshot_id is not None:
        await files.copy(files.snapshot(volume.snapshot_id), path, volume.size)
    elif volume.source_id is not None:
        await files.copy(files.volume(volume.source_id), path, volume.size)
    elif volume.image_id is not None:
        await _from_image(world, volume.image_id, path, volume.size)
    else:
        await files.make_blank(path, volume.size)


async def _from_image(world: World, image_id: str, path: Path, size_gib: int) -> None:
    token = await world.session()
    image = await world.image.show(image_id, token)
    if image.disk_format != "qcow2":
        if image.disk_format not in ("raw", "iso"):
            raise ImageUnusable(image_id, f"disk format {image.disk_format} cannot be made a volume")
        await world.files.fill(path, world.image.download(image_id, token), size_gib)
        return
    packed = world.files.scratch(f"{path.name}.qcow2")
    plain = world.files.scratch(f"{path.name}.raw")
    try:
        await world.image.save(image_id, packed, token)
        await qcow2_to_raw(packed, plain)
        await world.files.adopt(plain, path, size_gib)
    finally:
        await world.files.remove(packed)
        await world.files.remove(plain)


async def reimage_volume(world: World, volume: Volume) -> None:
    """New content in place of the old, and what is told of it."""
    work = volume.work or {}
    after = volume.previous_status or VolumeStatus.AVAILABLE
    image_id, facts = str(work["image_id"]), work["facts"]
    changed: dict[str, Any] = {"image_id": image_id, "image_metadata": facts, "bootable": True}
    try:
        await _from_image(world, image_id, world.files.volume(volume.id), volume.size)
    except Stopped:
        raise
    except Exception:
        log.exception("volume %s could not be made anew from image %s", volume.id, image_id)
        after, changed = VolumeStatus.ERROR, {}
    await _turn(world, volume, (VolumeStatus.DOWNLOADING,), after, **changed)


async def delete_volume(world: World, volume: Volume) -> None:
    """Snapshots too, where the delete was to cascade: then they are `deleting` like the volume."""
    try:
        await world.files.remove(world.files.volume(volume.id))
    except OSError:
        log.exception("the file of volume %s cannot be removed", volume.id)
        await _turn(world, volume, (VolumeStatus.DELETING,), VolumeStatus.ERROR_DELETING)
        return
    async with world.db.begin() as tx:
        await attachments.remove_all(tx, volume.id)
        await volumes.remove(tx, volume.id)


async def extend_volume(world: World, volume: Volume) -> None:
    size_gib = int((volume.work or {})["size"])
    try:
        await world.files.extend(world.files.volume(volume.id), size_gib)
    except OSError:
        log.exception("volume %s cannot be extended", volume.id)
        await _turn(world, volume, (VolumeStatus.EXTENDING,), VolumeStatus.ERROR_EXTENDING)
        return
    # The row has the new size already: it was claimed from the quota with it.
    await _turn(world, volume, (VolumeStatus.EXTENDING,), volume.previous_status or VolumeStatus.AVAILABLE)


async def revert_volume(world: World, volume: Volume) -> None:
    files = world.files
    try:
        source = files.snapshot(str((volume.work or {})["snapshot_id"]))
        await files.copy(source, files.volume(volume.id), volume.size)
    except (OSError, KeyError):
        log.exception("volume %s cannot be reverted", volume.id)
        await _turn(world, volume, (VolumeStatus.REVERTING,), VolumeStatus.ERROR)
        return
    await _turn(world, volume, (VolumeStatus.REVERTING,), VolumeStatus.AVAILABLE)


async def upload_volume(world: World, volume: Volume) -> None:
    """Fill the image that was made for it. An image that will never be filled only misleads: it goes."""
    image_id = str((volume.work or {})["image_id"])
    try:
        token = await world.session()
        image = await world.image.show(image_id, token)
        if image.status != ImageStatus.ACTIVE:
            await _fill_image(world, image, world.files.volume(volume.id), token)
    except NotFound:
        log.info("image %s went away while volume %s was uploaded", image_id, volume.id)
    except Exception:
        log.exception("volume %s could not be uploaded to image %s", volume.id, image_id)
        await _drop_image(world, image_id)
    await _turn(world, volume, (VolumeStatus.UPLOADING,), volume.previous_status or VolumeStatus.AVAILABLE)


async def _fill_image(world: World, image: Image, path: Path, token: str) -> None:
    if image.disk_format != "qcow2":
        await world.image.upload(image.id, path, token)
        return
    packed = world.files.scratch(f"{image.id}.qcow2")
    try:
        await raw_to_qcow2(path, packed)
        await world.image.upload(image.id, packed, token)
    finally:
        await world.files.remove(packed)


async def _drop_image(world: World, image_id: str) -> None:
    try:
        await world.image.delete(image_id, await world.session())
    except Exception:
        log.exception("image %s could not be removed", image_id)


async def make_snapshot(world: World, snapshot: Snapshot) -> None:
    files = world.files
    path = files.snapshot(snapshot.id)
    becomes = SnapshotStatus.AVAILABLE
    try:
        await files.copy(files.volume(snapshot.volume_id), path, snapshot.size)
    except OSError:
        log.exception("snapshot %s could not be made", snapshot.id)
        becomes = SnapshotStatus.ERROR
    async with world.db.begin() as tx:
        there = await snapshots.change(tx, snapshot.id, world.clock.now(), status=becomes)
    if not there:
        await files.remove(path)


async def delete_snapshot(world: World, snapshot: Snapshot) -> None:
    try:
        await world.files.remove(world.files.snapshot(snapshot.id))
    except OSError:
        log.exception("the file of snapshot %s cannot be removed", snapshot.id)
        async with world.db.begin() as tx:
            now = world.clock.now()
            await snapshots.change(tx, snapshot.id, now, status=SnapshotStatus.ERROR_DELETING)
        return
    async with world.db.begin() as tx:
        await snapshots.remove(tx, snapshot.id)


async def _turn(
    world: World, volume: Volume, was: tuple[VolumeStatus, ...], becomes: VolumeStatus, **changed: Any
) -> bool:
    async with world.db.begin() as tx:
        return await volumes.turn(
            tx, volume.id, world.clock.now(), was, status=becomes, work=None, previous_status=None, **changed
        )


_VOLUME_JOBS: dict[VolumeStatus, Callable[[World, Volume], Awaitable[None]]] = {
    VolumeStatus.DELETING: delete_volume,
    VolumeStatus.EXTENDING: extend_volume,
    VolumeStatus.REVERTING: revert_volume,
    VolumeStatus.UPLOADING: upload_volume,
}


def _job_for(volume: Volume) -> Callable[[World, Volume], Awaitable[None]]:
    if volume.status not in _MAKING:
        return _VOLUME_JOBS[volume.status]
    return make_volume if volume.work is None else reimage_volume
