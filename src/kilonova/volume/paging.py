"""Query parameters of lists, and the link to the next page."""

import ast
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from kilonova.model.errors import BadRequest
from kilonova.volume.store.listing import SORT_KEYS, Page
from kilonova.volume.world import VolumeRequest, project_of, trusted

# Cinder's osapi_max_limit.
_LARGEST_PAGE = 1000
_LARGEST_NUMBER = 2147483647


def page_of(request: VolumeRequest, filters: Sequence[str]) -> Page:
    """The page asked for, its project set; `filters` are parameters that name columns. Errors: BadRequest."""
    given = request.query_params
    page = Page(
        limit=min(_number(given.get("limit"), "limit", _LARGEST_PAGE), _LARGEST_PAGE),
        offset=_number(given.get("offset"), "offset", 0),
        sort=_sort(given),
    )
    page.equal = {name: given[name] for name in filters if name in given}
    if not (trusted(request.caller) and is_true(given.get("all_tenants", "0"))):
        page.equal["project_id"] = project_of(request)
    elif "project_id" in given:
        page.equal["project_id"] = given["project_id"]
    if "metadata" in given:
        page.metadata = metadata_of(given["metadata"])
    return page


def is_true(text: str) -> bool:
    return text.strip().lower() in ("1", "true", "yes", "on", "t", "y")


def metadata_of(text: str) -> dict[str, str]:
    """`{'a': 'b'}` as Python or JSON writes it. Errors: BadRequest."""
    try:
        found = ast.literal_eval(text) if len(text) <= 4096 else None
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        found = None
    if not isinstance(found, dict) or len(found) > 32:
        raise BadRequest("Invalid filter: metadata must be a dictionary of text.")
    return {str(name): str(value) for name, value in found.items()}


def _number(text: str | None, name: str, default: int) -> int:
    if text is None or text == "":
        return default
    text = text[:20]
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_NUMBER):
        raise BadRequest(f"{name} param must be an integer not below 0")
    return int(text)


def _sort(given: Any) -> tuple[tuple[str, bool], ...]:
    """`sort=name:asc,size` or `sort_key` and `sort_dir`; `created_at` and `id` decide in the end."""
    if "sort" in given:
        pairs = [part.strip().partition(":") for part in given["sort"].split(",")]
        asked = [(key, direction or "desc") for key, _, direction in pairs]
    else:
        asked = [(given.get("sort_key", "created_at"), given.get("sort_dir", "desc"))]
    found: dict[str, bool] = {}
    for name, direction in asked:
        key = "name" if name == "display_name" else name
        if key not in SORT_KEYS - {"volume_id"}:
            raise BadRequest(f"Invalid sort key: {key[:60]}")
        if direction not in ("asc", "desc"):
            raise BadRequest(f"Invalid sort direction: {direction[:60]}")
        found.setdefault(key, direction == "asc")
    for key in ("created_at", "id"):
        found.setdefault(key, asked[-1][1] == "asc")
    return tuple(found.items())


def next_link(request: VolumeRequest, page: Page, ids: Sequence[str]) -> list[dict[str, str]]:
    """Empty unless a limit was asked for and reached."""
    if "limit" not in request.query_params or not ids or len(ids) < page.limit:
        return []
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("marker", "offset")]
    query = urlencode([*kept, ("marker", ids[-1])])
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return [{"rel": "next", "href": f"{request.base}{path}?{query}"}]
