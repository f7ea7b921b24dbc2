"""The bits, in and out: streamed in pieces, never whole in memory."""

import asyncio
import re

from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from kilonova.image import rules
from kilonova.image.bits import Stored, pieces
from kilonova.image.errors import DeletedDuringUpload, ImageRefused, ImageTooLarge, WrongTransition
from kilonova.image.store import images
from kilonova.image.world import ImageRequest, World
from kilonova.model.errors import BadRequest, UnsupportedMedia
from kilonova.model.ids import ImageId
from kilonova.model.image import Image, ImageStatus
from kilonova.web.response import empty

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


async def upload(request: ImageRequest) -> Response:
    """queued → saving → active. Refused bits: killed. A broken transfer: queued again, ready for another try."""
    world = request.world
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_owner(request.caller, image, "upload data for this image")
    _check_content_type(request)
    disk_format = _formats_set(image)
    rules.check_upload(image)
    limit = await _room(world, image, _announced(request))
    async with world.db.begin() as tx:
        if not await images.turn(tx, image.id, ImageStatus.QUEUED, ImageStatus.SAVING, world.clock.now()):
            raise WrongTransition(ImageStatus.SAVING, ImageStatus.SAVING)
    becomes = ImageStatus.QUEUED
    try:
        async with world.bits.upload(image.id, disk_format, limit_bytes=limit) as incoming:
            async for chunk in request.stream():
                await incoming.feed(chunk)
            stored = await incoming.finish()
        await _activate(world, image.id, stored)
    except ImageRefused:
        becomes = ImageStatus.KILLED
        raise
    except ClientDisconnect as error:
        raise BadRequest("Client disconnected before sending all data to backend") from error
    finally:
        # Finds nothing once the image is active. Shielded: a cut connection may cancel us right here.
        await asyncio.shield(_put_back(world, image.id, becomes))
    return empty()


async def _activate(world: World, image_id: ImageId, stored: Stored) -> None:
    """The file is in place; if the record has gone meanwhile, so must the file."""
    async with world.db.begin() as tx:
        done = await images.turn(
            tx, image_id, ImageStatus.SAVING, ImageStatus.ACTIVE, world.clock.now(),
            size=stored.size, virtual_size=stored.virtual_size, checksum=stored.md5,
            os_hash_algo="sha512", os_hash_value=stored.sha512,
        )  # fmt: skip
    if not done:
        await world.bits.remove(image_id)
        raise DeletedDuringUpload(image_id)


async def _put_back(world: World, image_id: ImageId, becomes: ImageStatus) -> None:
    async with world.db.begin() as tx:
        await images.turn(tx, image_id, ImageStatus.SAVING, becomes, world.clock.now())


def _check_content_type(request: ImageRequest) -> None:
    kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip()
    if kind != "application/octet-stream":
        raise UnsupportedMedia("The bits must be sent as application/octet-stream.")


def _formats_set(image: Image) -> str:
    if image.disk_format is None or image.container_format is None:
        raise BadRequest("Properties disk_format, container_format must be set prior to saving data.")
    return image.disk_format


def _announced(request: ImageRequest) -> int:
    """The size a client tells beforehand, 0 if it does not."""
    told = request.headers.get("x-openstack-image-size") or request.headers.get("content-length") or "0"
    if not (told.isascii() and told.isdigit() and len(told) <= 18):
        raise BadRequest("The size of the image must be a whole number of bytes.")
    return int(told)


async def _room(world: World, image: Image, announced: int) -> int:
    """Bytes this upload may have. Errors: ImageTooLarge when it is known to need more."""
    settings = world.settings
    room = settings.max_size_bytes
    if settings.project_quota_bytes:
        room = min(room, settings.project_quota_bytes - await images.used_bytes(world.db, image.owner))
    if announced > room or room <= 0:
        raise ImageTooLarge(max(room, 0))
    return room


async def download(request: ImageRequest) -> Response:
    """200 with all, 206 with a range, 204 while there are no bits."""
    world = request.world
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_readable(request.caller, image)
    if image.size is None:
        return empty()
    span = _wanted(request.headers.get("range"), image.size)
    if span is None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{image.size}"})
    offset, length = span
    headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
    if length == image.size and image.checksum is not None:
        headers["Content-MD5"] = image.checksum
    partial = "range" in request.headers
    if partial:
        headers["Content-Range"] = f"bytes {offset}-{offset + length - 1}/{image.size}"
    file = await world.bits.open(image.id)
    return StreamingResponse(pieces(file, offset, length), 206 if partial else 200, headers)


def _wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """Offset and length; None for a range that cannot be satisfied. Several ranges at once are not offered."""
    if header is None:
        return 0, size
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        return (size - length, length) if length else None
    offset = int(first)
    end = min(int(last), size - 1) if last else size - 1
    return (offset, end - offset + 1) if offset <= end else None
