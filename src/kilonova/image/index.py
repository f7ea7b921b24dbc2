"""Lists of images: query parameters to one page of the store."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from kilonova.image.errors import ImageNotFound
from kilonova.image.rules import trusted
from kilonova.image.store.listing import SORT_KEYS, Query, page
from kilonova.image.view import image_view
from kilonova.image.world import ImageRequest
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.image import Image
from kilonova.model.time import moment_of, stamp
from kilonova.web.response import json_response

# Source: Image API v2 (limit_param_default, api_limit_max).
_PAGE = 25
_LARGEST_PAGE = 1000
_OPERATORS = ("in", "eq", "neq", "gt", "gte", "lt", "lte")
_MANY = frozenset({"id", "name", "status", "container_format", "disk_format"})
_EXACT = frozenset({"owner", "checksum", "os_hash_value", "os_hash_algo"})
# What the columns of these hold; nothing is larger.
_LARGEST = {"min_ram": 2147483647, "min_disk": 2147483647}
_TIMES = frozenset({"created_at", "updated_at"})
_SIZES = {
    "size_min": ("size", "gte"),
    "size_max": ("size", "lte"),
    "min_ram": ("min_ram", "eq"),
    "min_disk": ("min_disk", "eq"),
    "size": ("size", "eq"),
}
_PAGING = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "os_hidden"})


async def index(request: ImageRequest) -> Response:
    """Errors: ImageNotFound (of the image whose id is empty), BadRequest."""
    if request.url.path.endswith("/"):
        # Whoever lost an id must not take the list for an image; Glance answers so too.
        raise ImageNotFound("")
    pairs = request.query_params.multi_items()
    query = await _query(request, pairs)
    found = await page(request.world.db, query)
    kept = [(name, value) for name, value in pairs if name != "marker"]
    answer: dict[str, Any] = {
        "images": [image_view(image) for image in found],
        "first": _link(kept),
        "schema": "/v2/schemas/images",
    }
    if found and len(found) == query.limit:
        answer["next"] = _link([*kept, ("marker", found[-1].id)])
    return json_response(answer)


def _link(pairs: list[tuple[str, str]]) -> str:
    return f"/v2/images?{urlencode(pairs)}" if pairs else "/v2/images"


async def _query(request: ImageRequest, pairs: list[tuple[str, str]]) -> Query:
    given = request.query_params
    query = Query(
        sees_all=trusted(request.caller),
        me=request.caller.project_id,
        limit=_limit(given.get("limit")),
        visibility=_one_of("visibility", given, None, "public", "private", "shared", "community", "all"),
        member_status=_one_of("member_status", given, "accepted", "pending", "rejected", "all") or "accepted",
        sort=_sort(pairs),
    )
    query.where("os_hidden", "eq", _flag("os_hidden", given.get("os_hidden", "false")))
    for name, value in pairs:
        _narrow(query, name, value)
    if "marker" in given:
        query.marker = await _marker(request, given["marker"])
    return query


def _narrow(query: Query, name: str, value: str) -> None:
    """One parameter as a condition; what is no attribute is a custom property."""
    if name in _PAGING:
        return
    if name in _MANY:
        values = _several(value)
        query.where(name, "in" if len(values) > 1 else "eq", *values)
    elif name in _EXACT:
        query.where(name, "eq", value)
    elif name in _SIZES:
        query.where(*_SIZES[name], _number(name, value))
    elif name in _TIMES:
        operator, moment = _compared(value)
        query.where(name, operator, _timestamp(name, moment))
    elif name == "tag":
        query.tagged(value)
    elif name == "protected":
        query.where(name, "eq", _flag(name, value))
    else:
        query.with_property(name, value)


def _several(value: str) -> list[str]:
    """`in:a,b` and `in:"a,1",b`; anything else stands for itself."""
    if not value.startswith("in:"):
        return [value]
    found: list[str] = []
    rest = value[3:]
    while rest:
        if rest.startswith('"'):
            one, closed, rest = rest[1:].partition('"')
            if not closed or (rest and not rest.startswith(",")):
                raise BadRequest("Invalid filter value: a quotation mark is not closed, or no comma follows it.")
            rest = rest[1:]
        else:
            one, _, rest = rest.partition(",")
        found.append(one)
    return found


def _compared(value: str) -> tuple[str, str]:
    operator, colon, rest = value.partition(":")
    if colon and operator in _OPERATORS:
        return {"neq": "ne"}.get(operator, operator), rest
    if colon and operator.isalpha():
        raise BadRequest(f"Unable to filter by unknown operator '{operator}'.")
    return "eq", value


def _timestamp(name: str, value: str) -> str:
    try:
        return stamp(moment_of(value))
    except ValueError as error:
        raise BadRequest(f"Invalid {name} value: {value[:60]}") from error


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise BadRequest(f"Invalid {name} value: '{value[:60]}', must be a whole number not below 0")
    return min(int(value), _LARGEST[name]) if name in _LARGEST else int(value)


def _flag(name: str, value: str) -> int:
    lowered = value.lower()
    if lowered not in ("true", "false", "1", "0"):
        raise BadRequest(f"Invalid value '{value[:60]}' for '{name}' filter. Valid values are case insensitive.")
    return int(lowered in ("true", "1"))


def _one_of(name: str, given: Any, *allowed: str | None) -> str | None:
    value: str | None = given.get(name)
    if value not in allowed and value is not None:
        raise BadRequest(f"Invalid {name} value: {value[:60]}")
    return value


def _limit(value: str | None) -> int:
    if value is None:
        return _PAGE
    return min(_number("limit", value), _LARGEST_PAGE)


def _sort(pairs: list[tuple[str, str]]) -> tuple[tuple[str, bool], ...]:
    """Keys and "ascending?", in either of the two notations; `created_at` and `id` always decide in the end."""
    combined = [value for name, value in pairs if name == "sort"]
    keys = [value for name, value in pairs if name == "sort_key"]
    directions = [value for name, value in pairs if name == "sort_dir"]
    if combined and (keys or directions):
        raise BadRequest("Old and new sorting syntax cannot be combined")
    if combined:
        parts = [part.strip().partition(":") for part in combined[0].split(",")]
        keys = [key for key, _, _ in parts]
        directions = [direction or "desc" for _, _, direction in parts]
    if len(directions) > 1 and len(directions) != len(keys):
        raise BadRequest("Number of sort dirs does not match the number of sort keys")
    keys = keys or ["created_at"]
    directions = directions or ["desc"]
    if len(directions) == 1:
        directions = directions * len(keys)
    found: dict[str, bool] = {}
    for key, direction in zip(keys, directions, strict=True):
        found.setdefault(_known(key, SORT_KEYS.__contains__), _ascending(direction))
    for key in ("created_at", "id"):
        found.setdefault(key, _ascending(directions[-1]))
    return tuple(found.items())


def _known(key: str, known: Callable[[str], bool]) -> str:
    if not known(key):
        raise BadRequest(f"Invalid sort key: {key[:60]}")
    return key


def _ascending(direction: str) -> bool:
    if direction not in ("asc", "desc"):
        raise BadRequest(f"Invalid sort direction: {direction[:60]}")
    return direction == "asc"


async def _marker(request: ImageRequest, marker: str) -> Image:
    try:
        return await request.world.visible(request.caller, marker)
    except NotFound as error:
        raise BadRequest("Invalid marker. Image could not be found.") from error
