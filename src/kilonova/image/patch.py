"""JSON patches of an image: `application/openstack-images-v2.1-json-patch` and its older form v2.0.

Only whole attributes can be addressed. In v2.0 the operation is the key: `{"replace": "/name", "value": "x"}`.
"""

from typing import Any, Literal

import msgspec

from kilonova.image.attributes import SETTABLE, document_of, image_of
from kilonova.image.rules import check_admin, check_format_change, check_settable
from kilonova.image.world import ImageSettings
from kilonova.model.caller import Caller
from kilonova.model.errors import BadRequest, Conflict, Forbidden, UnsupportedMedia
from kilonova.model.image import Image

Operation = Literal["add", "replace", "remove"]
_OPERATIONS: tuple[Operation, ...] = ("add", "replace", "remove")
_V2_1 = "application/openstack-images-v2.1-json-patch"
_V2_0 = "application/openstack-images-v2.0-json-patch"


class Change(msgspec.Struct, frozen=True):
    operation: Operation
    name: str
    value: Any = None


def changes_of(content_type: str, body: Any) -> list[Change]:
    """Errors: UnsupportedMedia, BadRequest."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (_V2_0, _V2_1):
        raise UnsupportedMedia(f"Unsupported media type; use {_V2_1}.")
    if not isinstance(body, list):
        raise BadRequest("Request body must be a JSON array of operation objects.")
    return [_change(one, old=kind == _V2_0) for one in body]


def _change(one: Any, *, old: bool) -> Change:
    if not isinstance(one, dict):
        raise BadRequest("Operations must be JSON objects.")
    if old:
        named = [name for name in _OPERATIONS if name in one]
        if len(named) != 1:
            raise BadRequest("Operation objects must contain exactly one member named 'add', 'remove', or 'replace'.")
        operation, path = named[0], one[named[0]]
    else:
        found = one.get("op")
        if found not in _OPERATIONS:
            raise BadRequest(f"Unable to find 'op' in JSON Schema change, or unknown operation: {found}")
        operation, path = found, one.get("path")
    if operation != "remove" and "value" not in one:
        raise BadRequest(f"Operation '{operation}' requires a member named 'value'.")
    return Change(operation, _name(path), one.get("value"))


def _name(path: Any) -> str:
    """The attribute a JSON pointer of one level names."""
    if not isinstance(path, str) or not path.startswith("/"):
        raise BadRequest(f"Pointer `{path}` does not start with '/'.")
    if path.count("/") > 1 or path == "/":
        raise BadRequest(f"Invalid JSON pointer for this resource: '{path}'")
    return path[1:].replace("~1", "/").replace("~0", "~")


def patched(image: Image, changes: list[Change], caller: Caller, settings: ImageSettings) -> Image:
    """Errors: BadRequest, Forbidden, Conflict, TooMany."""
    document = document_of(image)
    for change in changes:
        _apply(image, document, change, caller)
    return image_of(image, document, caller, settings)


def _apply(image: Image, document: dict[str, Any], change: Change, caller: Caller) -> None:
    name = change.name
    check_settable(name)
    if name == "id":
        raise Forbidden("Attribute 'id' is read-only.")
    if name == "owner":
        check_admin(caller)
    if name in ("disk_format", "container_format"):
        check_format_change(image, name)
    if change.operation == "remove":
        if name in SETTABLE or name == "tags":
            raise Forbidden(f"Property {name} may not be removed.")
        if name not in document:
            raise Conflict(f"Property {name} does not exist.")
        del document[name]
        return
    if change.operation == "replace" and name not in document:
        raise Conflict(f"Property {name} does not exist.")
    document[name] = change.value
