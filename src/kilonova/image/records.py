"""The images themselves: create, show, update, delete, deactivate."""

import uuid

import msgspec
from starlette.responses import Response

from kilonova.db.errors import AlreadyThere
from kilonova.image import rules
from kilonova.image.attributes import new_image
from kilonova.image.errors import ImageNotFound, TooMany, WrongTransition
from kilonova.image.patch import changes_of, patched
from kilonova.image.store import images
from kilonova.image.view import image_view
from kilonova.image.world import ImageRequest
from kilonova.model.errors import Conflict
from kilonova.model.image import Image, ImageStatus, Visibility
from kilonova.web.response import empty, json_response


async def create(request: ImageRequest) -> Response:
    rules.check_writer(request.caller)
    world = request.world
    image = new_image(
        await request.document(),
        request.caller,
        fresh_id=str(uuid.uuid4()),
        now=world.clock.now(),
        settings=world.settings,
    )
    if image.visibility == Visibility.PUBLIC:
        rules.check_visibility(request.caller, image.visibility)
    try:
        async with world.db.begin() as tx:
            await images.add(tx, image)
    except AlreadyThere as error:
        raise Conflict(f"Image ID {image.id} already exists!") from error
    return json_response(image_view(image), 201, {"Location": f"{request.base}/v2/images/{image.id}"})


async def show(request: ImageRequest) -> Response:
    return json_response(image_view(await request.world.visible(request.caller, request.params["image_id"])))


async def update(request: ImageRequest) -> Response:
    world = request.world
    body = await request.document()
    changes = changes_of(request.headers.get("content-type", ""), body)
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_owner(request.caller, image, "modify this image")
    async with world.db.begin() as tx:
        # Read again: two updates at once must both count.
        image = await _still_there(await images.find(tx, image.id), image.id)
        after = patched(image, changes, request.caller, world.settings)
        if after != image:
            after = msgspec.structs.replace(after, updated_at=world.clock.now())
            await images.change(tx, image, after)
    return json_response(image_view(after))


async def _still_there(image: Image | None, image_id: str) -> Image:
    if image is None:
        raise ImageNotFound(image_id)
    return image


async def delete(request: ImageRequest) -> Response:
    world = request.world
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_deletable(request.caller, image)
    async with world.db.begin() as tx:
        await images.remove(tx, image.id)
    # After the commit: bits without a record are swept at the next start, a record without bits would be a lie.
    await world.bits.remove(image.id)
    return empty()


async def deactivate(request: ImageRequest) -> Response:
    return await _switch(request, ImageStatus.ACTIVE, ImageStatus.DEACTIVATED)


async def reactivate(request: ImageRequest) -> Response:
    return await _switch(request, ImageStatus.DEACTIVATED, ImageStatus.ACTIVE)


async def _switch(request: ImageRequest, was: ImageStatus, becomes: ImageStatus) -> Response:
    world = request.world
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_owner(request.caller, image, "modify this image")
    if image.status != becomes:
        async with world.db.begin() as tx:
            done = await images.turn(tx, image.id, was, becomes, world.clock.now())
        if not done:
            raise WrongTransition(image.status, becomes)
    return empty()


async def add_tag(request: ImageRequest) -> Response:
    world, tag = request.world, request.params["tag"]
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_owner(request.caller, image, "modify this image")
    if len(tag) > 255:
        raise TooMany("tag characters", len(tag), 255)
    if tag not in image.tags:
        after = msgspec.structs.replace(image, tags=(*image.tags, tag), updated_at=world.clock.now())
        if len(after.tags) > world.settings.max_tags:
            raise TooMany("tags", len(after.tags), world.settings.max_tags)
        async with world.db.begin() as tx:
            await images.change(tx, await _still_there(await images.find(tx, image.id), image.id), after)
    return empty()


async def remove_tag(request: ImageRequest) -> Response:
    world, tag = request.world, request.params["tag"]
    image = await world.visible(request.caller, request.params["image_id"])
    rules.check_owner(request.caller, image, "modify this image")
    if tag not in image.tags:
        raise ImageNotFound(image.id)
    left = tuple(one for one in image.tags if one != tag)
    async with world.db.begin() as tx:
        before = await _still_there(await images.find(tx, image.id), image.id)
        await images.change(tx, before, msgspec.structs.replace(before, tags=left, updated_at=world.clock.now()))
    return empty()
