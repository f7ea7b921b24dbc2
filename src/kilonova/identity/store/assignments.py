"""Who has which role where."""

from functools import lru_cache
from typing import Literal

import msgspec
from sqlalchemy import and_, bindparam, delete, or_, select

from kilonova.db.database import Reader, Row, Transaction
from kilonova.db.statement import Statement, among, among_arguments, delete_by, insert_into, room_for
from kilonova.identity.store.tables import assignments, memberships

ActorKind = Literal["user", "group"]
TargetKind = Literal["project", "domain", "system"]

# The system is one target without a row of its own.
SYSTEM = "system"


class Assignment(msgspec.Struct, frozen=True):
    """`inherited`: held by the projects below the target, not on the target itself."""

    actor_kind: ActorKind
    actor_id: str
    target_kind: TargetKind
    target_id: str
    role_id: str
    inherited: bool = False


_c = assignments.c
_COLUMNS = (_c.actor_kind, _c.actor_id, _c.target_kind, _c.target_id, _c.role_id, _c.inherited)

# The user's own and those of the groups the user is in.
_OF_USER = or_(
    _c.actor_id == bindparam("user_id"),
    _c.actor_id.in_(select(memberships.c.group_id).where(memberships.c.user_id == bindparam("user_id"))),
)


@lru_cache
def _held(room: int) -> Statement:
    here = and_(_c.target_id == bindparam("target_id"), _c.inherited == 0)
    from_above = and_(_c.inherited == 1, among(_c.target_id, "above", room))
    return Statement(select(_c.role_id).distinct().where(_OF_USER, or_(here, from_above)))


async def held_role_ids(reader: Reader, user_id: str, target_id: str, above: list[str]) -> set[str]:
    """Roles of the user on the target, own or through groups; `above` are the ids it inherits from."""
    above = above or [""]
    room = room_for(len(above))
    rows = await reader.fetch_all(
        _held(room), user_id=user_id, target_id=target_id, **among_arguments("above", above, room)
    )
    return {row[0] for row in rows}


_ALL_OF_USER = Statement(select(*_COLUMNS).where(_OF_USER))


async def of_user(reader: Reader, user_id: str) -> list[Assignment]:
    """Every assignment of the user and the user's groups."""
    return [_assignment(row) for row in await reader.fetch_all(_ALL_OF_USER, user_id=user_id)]


@lru_cache
def _matching(columns: tuple[str, ...]) -> Statement:
    return Statement(
        select(*_COLUMNS)
        .where(*(_c[name] == bindparam(name) for name in columns))
        .order_by(_c.target_id, _c.actor_id, _c.role_id)
    )


async def matching(reader: Reader, **columns: str | int) -> list[Assignment]:
    """Stored assignments with these column values."""
    return [_assignment(row) for row in await reader.fetch_all(_matching(tuple(sorted(columns))), **columns)]


async def grant(tx: Transaction, assignment: Assignment) -> None:
    """Happy to find it there already. Errors: AlreadyThere when another transaction stores it just now."""
    if not await exists(tx, assignment):
        await tx.execute(insert_into(assignments), **_key(assignment), **_kinds(assignment))


async def exists(reader: Reader, assignment: Assignment) -> bool:
    return bool(await matching(reader, **_key(assignment)))


async def revoke(tx: Transaction, assignment: Assignment) -> bool:
    """Whether there was such an assignment."""
    key = _key(assignment)
    return await tx.execute(delete_by(assignments, tuple(key)), **key) > 0


_FORGET = {
    name: Statement(delete(assignments).where(_c[name] == bindparam(name)))
    for name in ("actor_id", "target_id", "role_id")
}


async def forget(tx: Transaction, *, column: Literal["actor_id", "target_id", "role_id"], value: str) -> None:
    """Delete all assignments of something that is going away."""
    await tx.execute(_FORGET[column], **{column: value})


def _assignment(row: Row) -> Assignment:
    return Assignment(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def _key(assignment: Assignment) -> dict[str, str | int]:
    return {
        "actor_id": assignment.actor_id,
        "target_id": assignment.target_id,
        "role_id": assignment.role_id,
        "inherited": int(assignment.inherited),
    }


def _kinds(assignment: Assignment) -> dict[str, str]:
    return {"actor_kind": assignment.actor_kind, "target_kind": assignment.target_kind}
