"""`limit`, `marker` and `offset`, and when a `next` link is shown."""

from collections.abc import Sequence
from typing import Any, TypeVar

from kilonova.api.links import next_link
from kilonova.api.parameters import MAX_INTEGER
from kilonova.api.request import Request
from kilonova.model.errors import BadRequest

T = TypeVar("T")


class MarkerNotFound(BadRequest):
    def __init__(self, marker: str) -> None:
        super().__init__(f"marker [{marker}] not found")
        self.marker = marker


def limit_of(request: Request) -> int:
    """How many at most: the caller's `limit`, capped without complaint. Errors: BadRequest."""
    given = request.one("limit")
    return _capped(request, given)


def offset_of(request: Request) -> int:
    """Errors: BadRequest."""
    # No database counts further, and nothing is there.
    return min(_number("offset", request.one("offset") or "0"), MAX_INTEGER)


def _capped(request: Request, given: str | None) -> int:
    highest = request.world.settings.max_limit
    return highest if given is None or given == "" else min(_number("limit", given), highest)


def _number(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise BadRequest(f"{name} param must be an integer") from error
    if number < 0:
        raise BadRequest(f"{name} param must be positive")
    return number


def page(items: Sequence[T], *, marker: str | None, limit: int, identifier: str) -> Sequence[T]:
    """A page of a short list held in memory, `identifier` naming the attribute a marker is compared with."""
    start = 0
    if marker is not None:
        start = next((n + 1 for n, item in enumerate(items) if getattr(item, identifier) == marker), -1)
        if start < 0:
            raise MarkerNotFound(marker)
    return items[start : start + limit]


def with_next(
    request: Request, document: dict[str, Any], name: str, path: str, last: str | None, limit: int
) -> dict[str, Any]:
    """`document` with `<name>_links` when its page is exactly full (even if nothing follows, as Nova does)."""
    if last is not None and limit and len(document[name]) >= limit:
        document[f"{name}_links"] = next_link(request, path, last)
    return document
