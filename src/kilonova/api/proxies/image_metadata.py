"""An image's properties: list, show, add, replace, take away."""

from typing import Any

from kilonova.api import parameters, quota
from kilonova.api.proxies.images import the_image
from kilonova.api.quota import UNLIMITED, QuotaExceeded
from kilonova.api.request import Request
from kilonova.api.validation import Schemas
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.image import Image

_ONE = {**parameters.metadata, "minProperties": 1, "maxProperties": 1}
ALL = Schemas.every(parameters.only("metadata", parameters.metadata))
META = Schemas.every(parameters.only("meta", _ONE))


class NoSuchItem(NotFound):
    def __init__(self) -> None:
        super().__init__("Metadata item was not found")


async def index(request: Request) -> dict[str, Any]:
    return {"metadata": (await _image(request)).properties}


async def show(request: Request) -> dict[str, Any]:
    key = request.params["id"]
    properties = (await _image(request)).properties
    if key not in properties:
        raise NoSuchItem
    return {"meta": {key: properties[key]}}


async def create(request: Request) -> dict[str, Any]:
    """Adds to what is there. Errors: QuotaExceeded."""
    image = await _image(request)
    given = request.body["metadata"]
    return {"metadata": await _change(request, image, {**image.properties, **given})}


async def update_all(request: Request) -> dict[str, Any]:
    image = await _image(request)
    return {"metadata": await _change(request, image, request.body["metadata"])}


async def update(request: Request) -> dict[str, Any]:
    """Errors: BadRequest where URL and body name different keys, QuotaExceeded."""
    meta = request.body["meta"]
    if request.params["id"] not in meta:
        raise BadRequest("Request body and URI mismatch")
    image = await _image(request)
    await _change(request, image, {**image.properties, **meta})
    return {"meta": meta}


async def delete(request: Request) -> None:
    key = request.params["id"]
    image = await _image(request)
    if key not in image.properties:
        raise NoSuchItem
    await request.world.image.change_properties(image.id, request.caller.token, {}, forget=[key])


async def _image(request: Request) -> Image:
    return await the_image(request, request.params["image_id"])


async def _change(request: Request, image: Image, wanted: dict[str, str]) -> dict[str, str]:
    held = await quota.limits(request, request.world.db, request.caller.project_id or "")
    allowed = held.of("metadata_items")
    if allowed != UNLIMITED and len(wanted) > allowed:
        raise QuotaExceeded("Image metadata limit exceeded")
    values = {key: value for key, value in wanted.items() if image.properties.get(key) != value}
    forgotten = image.properties.keys() - wanted.keys()
    await request.world.image.change_properties(image.id, request.caller.token, values, forget=sorted(forgotten))
    return wanted
