"""`os-reimage` (3.68): a volume's content becomes another image's. Compute asks for it when it rebuilds a server."""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.model.volume import VolumeStatus
from kilonova.volume.at_rest import check_not_copied
from kilonova.volume.body import Identifier, checked
from kilonova.volume.errors import WrongStatus
from kilonova.volume.jobs import Jobs
from kilonova.volume.records import Volume
from kilonova.volume.store import volumes
from kilonova.volume.volume_writes import facts_of, usable_image
from kilonova.volume.world import VolumeRequest
from kilonova.web.response import empty


class Reimage(msgspec.Struct):
    image_id: Identifier
    reimage_reserved: bool = False


async def reimage(request: VolumeRequest, volume: Volume, document: Any, jobs: Jobs) -> Response:
    """202; `downloading` meanwhile. A volume reserved for a server only where that is said. Errors: WrongStatus."""
    asked = checked(document, "os-reimage", Reimage)
    allowed = [VolumeStatus.AVAILABLE, VolumeStatus.ERROR]
    if asked.reimage_reserved:
        allowed.append(VolumeStatus.RESERVED)
    image = await usable_image(request, asked.image_id, volume.size)
    work = {"image_id": image.id, "facts": facts_of(image)}
    # A volume in error is well again with new content.
    after = VolumeStatus.RESERVED if volume.status == VolumeStatus.RESERVED else VolumeStatus.AVAILABLE
    now = request.world.clock.now()
    async with request.world.db.begin() as tx:
        await volumes.lock(tx, volume.id, now)
        await check_not_copied(tx, volume.id)
        columns = {"status": VolumeStatus.DOWNLOADING, "previous_status": after, "work": work}
        if volume.status not in allowed or not await volumes.turn(tx, volume.id, now, (volume.status,), **columns):
            raise WrongStatus(volume.id, volume.status, tuple(allowed))
    jobs.work_on(msgspec.structs.replace(volume, status=VolumeStatus.DOWNLOADING, previous_status=after, work=work))
    return empty(202)
