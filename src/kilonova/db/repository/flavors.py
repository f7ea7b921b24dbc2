"""Flavors by id and in lists. A private one is there only for admins and the projects it was given to."""

from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, or_, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.db.tables.flavors import flavor_access, flavors
from kilonova.model.flavor import Flavor, FlavorAccessExists, FlavorAccessNotFound, FlavorExists, FlavorNotFound

_C = flavors.c
_COLUMNS = (
    _C.id,
    _C.name,
    _C.vcpus,
    _C.memory_mib,
    _C.root_gib,
    _C.ephemeral_gib,
    _C.swap_mib,
    _C.rxtx_factor,
    _C.is_public,
    _C.disabled,
    _C.description,
    _C.extra_specs,
)
_OF_PROJECT = _C.id.in_(select(flavor_access.c.flavor_id).where(flavor_access.c.project_id == bindparam("project")))
_BY_ID = Statement(select(*_COLUMNS).where(_C.id == bindparam("id")))
_BY_ID_SEEN = Statement(select(*_COLUMNS).where(_C.id == bindparam("id"), or_(_C.is_public == 1, _OF_PROJECT)))

SORT_KEYS = {
    "created_at": _C.created_at,
    "deleted": _C.number,
    "deleted_at": _C.number,
    "description": _C.description,
    "disabled": _C.disabled,
    "ephemeral_gb": _C.ephemeral_gib,
    "flavorid": _C.id,
    "id": _C.number,
    "is_public": _C.is_public,
    "memory_mb": _C.memory_mib,
    "name": _C.name,
    "root_gb": _C.root_gib,
    "rxtx_factor": _C.rxtx_factor,
    "swap": _C.swap_mib,
    "updated_at": _C.number,
    "vcpu_weight": _C.number,
    "vcpus": _C.vcpus,
}

# What is_public asks for: only public ones (and the project's own), only private ones, all.
Which = Literal["seen", "public", "private", "all"]


async def get(db: Reader, flavor_id: str, *, project_id: str | None) -> Flavor:
    """`project_id` None sees private ones too. Errors: FlavorNotFound."""
    if project_id is None:
        row = await db.fetch_one(_BY_ID, id=flavor_id)
    else:
        row = await db.fetch_one(_BY_ID_SEEN, id=flavor_id, project=project_id)
    if row is None:
        raise FlavorNotFound(flavor_id)
    return Flavor(*row)


@lru_cache(maxsize=64)
def _listing(which: Which, sort_key: str, descending: bool) -> Statement:
    column = SORT_KEYS[sort_key]
    query = select(*_COLUMNS)
    if which == "seen":
        query = query.where(or_(_C.is_public == 1, _OF_PROJECT))
    elif which != "all":
        query = query.where(_C.is_public == (1 if which == "public" else 0))
    order = (column.desc(), _C.number.desc()) if descending else (column, _C.number)
    return Statement(query.order_by(*order))


async def listed(
    db: Reader, *, which: Which, project_id: str, sort_key: str = "flavorid", descending: bool = False
) -> list[Flavor]:
    """All of them in order: flavors are few, paging is the caller's. `sort_key` is one of SORT_KEYS."""
    statement = _listing(which, sort_key, descending)
    rows = await (db.fetch_all(statement, project=project_id) if which == "seen" else db.fetch_all(statement))
    return [Flavor(*row) for row in rows]


_SAME = Statement(select(_C.id, _C.name).where(or_(_C.id == bindparam("id"), _C.name == bindparam("name"))))
_NUMBERS = Statement(select(_C.id, _C.number))
_ACCESS = Statement(
    select(flavor_access.c.project_id)
    .where(flavor_access.c.flavor_id == bindparam("flavor_id"))
    .order_by(flavor_access.c.project_id)
)


async def numbers(db: Reader) -> dict[str, int]:
    """id → the number records of old refer to."""
    return {row[0]: row[1] for row in await db.fetch_all(_NUMBERS)}


async def insert(tx: Transaction, **columns: Any) -> None:
    """Errors: FlavorExists."""
    there = await tx.fetch_one(_SAME, id=columns["id"], name=columns["name"])
    if there is not None:
        raise _exists(there[0] == columns["id"], columns)
    try:
        await tx.execute(insert_into(flavors), **columns)
    except AlreadyThere as error:
        raise _exists(False, columns) from error


def _exists(by_id: bool, columns: dict[str, Any]) -> FlavorExists:
    return FlavorExists("ID", columns["id"]) if by_id else FlavorExists("name", columns["name"])


async def describe(tx: Transaction, flavor_id: str, description: str | None) -> None:
    await tx.execute(update_columns(flavors, ("description",)), by_id=flavor_id, description=description)


async def set_extra_specs(tx: Transaction, flavor_id: str, specs: dict[str, str]) -> None:
    text = msgspec.json.encode(specs).decode()
    await tx.execute(update_columns(flavors, ("extra_specs",)), by_id=flavor_id, extra_specs=text)


async def delete(tx: Transaction, flavor_id: str) -> None:
    """Errors: FlavorNotFound. Servers keep the copy they were made with."""
    await tx.execute(delete_by(flavor_access, ("flavor_id",)), flavor_id=flavor_id)
    if not await tx.execute(delete_by(flavors), id=flavor_id):
        raise FlavorNotFound(flavor_id)


async def access(db: Reader, flavor_id: str) -> list[str]:
    """The projects a private flavor was given to."""
    return [row[0] for row in await db.fetch_all(_ACCESS, flavor_id=flavor_id)]


async def give(tx: Transaction, flavor_id: str, project_id: str) -> None:
    """Errors: FlavorAccessExists."""
    try:
        await tx.execute(insert_into(flavor_access), flavor_id=flavor_id, project_id=project_id)
    except AlreadyThere as error:
        raise FlavorAccessExists(flavor_id, project_id) from error


async def take_away(tx: Transaction, flavor_id: str, project_id: str) -> None:
    """Errors: FlavorAccessNotFound."""
    by = ("flavor_id", "project_id")
    if not await tx.execute(delete_by(flavor_access, by), flavor_id=flavor_id, project_id=project_id):
        raise FlavorAccessNotFound(flavor_id, project_id)
