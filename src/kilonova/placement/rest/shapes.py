"""What bodies and query strings are made of. A type says what is right; what is wrong is told in jsonschema's words."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from kilonova.model.allocation import MAX_INT
from kilonova.model.errors import BadRequest

T = TypeVar("T")

Uuid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$",
        extra_json_schema={"format": "uuid"},
    ),
]
# As a member's name: with all its dashes.
UuidKey = Annotated[str, Meta(pattern="^[0-9a-fA-F-]{36}$")]
Upper = Annotated[str, Meta(pattern="^[A-Z0-9_]+$")]
Kind = Annotated[str, Meta(pattern="^[A-Z0-9_]+$", min_length=1, max_length=255)]
Custom = Annotated[str, Meta(pattern="^CUSTOM_[A-Z0-9_]+$", max_length=255)]
Outside = Annotated[str, Meta(min_length=1, max_length=255)]
Count = Annotated[int, Meta(ge=1, le=MAX_INT)]
Suffix = Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{0,64}$")]
Resources = Annotated[dict[Upper, Count], Meta(min_length=1)]

# What holds from which 1.N on, ascending.
Rows = tuple[tuple[int, type[T]], ...]


def at(minor: int, rows: tuple[tuple[int, T], ...]) -> T:
    return next(what for since, what in reversed(rows) if since <= minor)


def shaped(document: object, kind: type[T], prefix: str = "JSON does not validate") -> T:
    """`document` as `kind`. Errors: BadRequest."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        # 20 ms and some megabytes that a process needs only once somebody has sent something wrong.
        from kilonova.placement.rest.words import why

        raise BadRequest(f"{prefix}: {why(document, kind) or error}") from error
