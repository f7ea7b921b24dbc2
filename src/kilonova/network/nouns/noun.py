"""What the general handlers need to know of a kind of thing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from kilonova.db.database import Reader
from kilonova.model.errors import KilonovaError
from kilonova.network.attributes import Resource
from kilonova.network.world import Work, World

Row = dict[str, Any]
Values = dict[str, Any]


@dataclass(frozen=True)
class Noun:
    """`views` shows rows as the API does; the others work within the caller's transaction and may ring.

    `owner_changes` names attributes that the owner of a thing may change where `update` is for others' things too.
    """

    resource: Resource
    table: Table
    not_found: Callable[[str], KilonovaError]
    views: Callable[[Reader, Sequence[Row]], Awaitable[list[dict[str, Any]]]]
    create: Callable[[Work, Values], Awaitable[Row]]
    update: Callable[[Work, Row, Values], Awaitable[Row]]
    delete: Callable[[Work, Row], Awaitable[None]]
    # Something every list and create of this noun needs first (the default security group).
    before: Callable[[World, str], Awaitable[None]] | None = None
    searches: frozenset[str] = field(default_factory=frozenset)


def shown_common(row: Row) -> dict[str, Any]:
    """What all things show alike."""
    return {
        "id": row["id"],
        "name": row["name"],
        "tenant_id": row["project_id"],
        "project_id": row["project_id"],
        "description": row["description"],
        "created_at": row["created_at"][:19] + "Z",
        "updated_at": row["updated_at"][:19] + "Z",
        "revision_number": row["revision_number"],
    }
