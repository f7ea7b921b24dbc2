"""From a request's body to an image: a new one, or a changed one."""

from typing import Any

import msgspec

from kilonova.image.errors import TooMany
from kilonova.image.rules import check_new_owner, check_settable, check_visibility
from kilonova.image.schemas import PROPERTIES, check_image
from kilonova.image.world import ImageSettings
from kilonova.model.caller import Caller
from kilonova.model.errors import BadRequest
from kilonova.model.ids import ImageId
from kilonova.model.image import Image, Visibility
from kilonova.model.time import Timestamp

# The attributes of an image that a body may set; every other name is a custom property.
SETTABLE = (
    "name", "visibility", "protected", "os_hidden", "min_ram", "min_disk", "disk_format", "container_format", "owner",
)  # fmt: skip


def new_image(body: Any, caller: Caller, *, fresh_id: str, now: Timestamp, settings: ImageSettings) -> Image:
    """Errors: BadRequest, Forbidden, TooMany."""
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    for name in body:
        if name != "tags":
            check_settable(name)
    document = {"owner": caller.project_id, "visibility": "shared", **body}
    check_new_owner(caller, document["owner"])
    seed = Image(id=ImageId(str(body.get("id", fresh_id)).lower()), created_at=now, updated_at=now)
    return image_of(seed, document, caller, settings)


def document_of(image: Image) -> dict[str, Any]:
    """What of `image` can be set, as a body would say it."""
    return {
        **{name: getattr(image, name) for name in SETTABLE},
        "visibility": image.visibility.value,
        "tags": list(image.tags),
        **image.properties,
    }


def image_of(image: Image, document: dict[str, Any], caller: Caller, settings: ImageSettings) -> Image:
    """`image` with everything settable as `document` has it. Errors: BadRequest, Forbidden, TooMany."""
    check_image(document)
    visibility = Visibility(document.get("visibility", image.visibility))
    if visibility != image.visibility:
        check_visibility(caller, visibility)
    tags = sorted(set(document.get("tags", ())))
    properties = {name: value for name, value in document.items() if name not in PROPERTIES}
    _within("tags", len(tags), settings.max_tags)
    _within("properties", len(properties), settings.max_properties)
    for name in properties:
        if not 0 < len(name) <= 255:
            raise BadRequest("A property's name must have 1 to 255 characters.")
    settable = {name: document[name] for name in SETTABLE if name in document}
    return msgspec.structs.replace(
        image, **{**settable, "visibility": visibility}, tags=tuple(tags), properties=properties
    )


def _within(what: str, attempted: int, allowed: int) -> None:
    if attempted > allowed:
        raise TooMany(what, attempted, allowed)
