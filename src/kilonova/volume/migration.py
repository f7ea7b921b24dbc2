"""The end of a volume's migration: a guest, or nobody, has moved to another volume's content, which the first one gets.

The migration is an administrator's: `os-reset_status` marks both volumes, compute's volume swap copies, and
`os-migrate_volume_completion` ends it. Source: Cinder's API, volume migration.
"""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.model.volume import VolumeStatus
from kilonova.volume.attaching import connection_of, follow, locked
from kilonova.volume.body import checked
from kilonova.volume.errors import InvalidVolume
from kilonova.volume.records import Volume
from kilonova.volume.store import attachments, volumes
from kilonova.volume.volume_writes import VolumeWrites
from kilonova.volume.world import VolumeRequest, check_trusted
from kilonova.web.response import json_response

RULE = "volume_extension:volume_admin_actions:migrate_volume_completion"


class Completion(msgspec.Struct):
    new_volume: str
    error: bool = False


async def complete(request: VolumeRequest, volume: Volume, document: Any, writes: VolumeWrites) -> Response:
    """The id under which the content is from now on: the old one. With `error` the target goes, unused.

    Errors: InvalidVolume, VolumeNotFound.
    """
    check_trusted(request, RULE)
    asked = checked(document, "os-migrate_volume_completion", Completion)
    target = await request.world.volume(request, asked.new_volume)
    if not volume.migration_status:
        raise InvalidVolume("Source volume not mid-migration.")
    if target.migration_status != f"target:{volume.id}":
        raise InvalidVolume(f"Destination has migration_status {target.migration_status}, expected target:{volume.id}.")
    if asked.error:
        await _mark(request, volume, "error")
        await writes.force_delete(request, target)
    else:
        await _take_over(request, volume, target)
    return json_response({"save_volume_id": volume.id})


async def _mark(request: VolumeRequest, volume: Volume, status: str) -> None:
    async with request.world.db.begin() as tx:
        await volumes.set_migration(tx, volume.id, status)


async def _take_over(request: VolumeRequest, volume: Volume, target: Volume) -> None:
    """The target's file and attachments are the volume's; a guest that has the file open does not notice its name."""
    world = request.world
    async with world.db.begin() as tx:
        now = world.clock.now()
        await locked(world, tx, volume.id)
        held = await attachments.of_volume(tx, target.id)
        for one in held:
            told = one.connection_info
            if told is not None:
                told = {**connection_of(world, volume, mode=one.mode), "attachment_id": one.id}
            await attachments.change(tx, one.id, volume_id=volume.id, connection_info=told)
        await volumes.remove(tx, target.id)
        await volumes.change(tx, volume.id, now, size=target.size, type_id=target.type_id)
        await volumes.set_migration(tx, volume.id, "success")
        await follow(world, tx, volume.id, was=VolumeStatus.AVAILABLE)
        # Last: the record goes only where the file did. A second try finds it there already.
        await world.files.rename(world.files.volume(target.id), world.files.volume(volume.id))
