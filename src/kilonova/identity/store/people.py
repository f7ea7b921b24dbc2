"""What a log-in and the validation of a token ask: one user, one project, each with its domain."""

from functools import lru_cache

import msgspec
from sqlalchemy import and_, bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.identity.store.tables import groups, memberships, projects, users


class Domain(msgspec.Struct, frozen=True):
    id: str
    name: str
    enabled: bool


class Person(msgspec.Struct, frozen=True):
    """`enabled`: the user's own flag and the domain's."""

    id: str
    name: str
    enabled: bool
    password_hash: str | None
    password_expires_at: str | None
    default_project_id: str | None
    domain: Domain


class Place(msgspec.Struct, frozen=True):
    """A project; or a domain, whose `domain` is itself. `enabled`: its own flag and its domain's."""

    id: str
    name: str
    enabled: bool
    is_domain: bool
    parent_id: str
    domain: Domain


_homes = projects.alias("home")


@lru_cache
def _person(by: tuple[str, ...]) -> Statement:
    conditions = {
        "id": users.c.id == bindparam("id"),
        "name": users.c.name == bindparam("name"),
        "domain_id": users.c.domain_id == bindparam("domain_id"),
        "domain_name": _homes.c.name == bindparam("domain_name"),
    }
    return Statement(
        select(
            users.c.id,
            users.c.name,
            users.c.enabled,
            users.c.password_hash,
            users.c.password_expires_at,
            users.c.default_project_id,
            _homes.c.id,
            _homes.c.name,
            _homes.c.enabled,
        )
        .join(_homes, and_(_homes.c.id == users.c.domain_id, _homes.c.is_domain == 1))
        .where(*(conditions[name] for name in by))
    )


@lru_cache
def _place(by: tuple[str, ...]) -> Statement:
    conditions = {
        "id": projects.c.id == bindparam("id"),
        "name": projects.c.name == bindparam("name"),
        "is_domain": projects.c.is_domain == bindparam("is_domain"),
        "domain_id": projects.c.domain_id == bindparam("domain_id"),
        "domain_name": _homes.c.name == bindparam("domain_name"),
    }
    return Statement(
        select(
            projects.c.id,
            projects.c.name,
            projects.c.enabled,
            projects.c.is_domain,
            projects.c.parent_id,
            _homes.c.id,
            _homes.c.name,
            _homes.c.enabled,
        )
        .join(_homes, and_(_homes.c.id == projects.c.domain_id, _homes.c.is_domain == 1), isouter=True)
        .where(*(conditions[name] for name in by))
    )


async def find_person(reader: Reader, **by: str) -> Person | None:
    """By `id`, or `name` with `domain_id` or `domain_name`."""
    row = await reader.fetch_one(_person(tuple(sorted(by))), **by)
    if row is None:
        return None
    domain = Domain(row[6], row[7], bool(row[8]))
    return Person(row[0], row[1], bool(row[2]) and domain.enabled, row[3], row[4], row[5], domain)


async def find_place(reader: Reader, *, is_domain: bool, **by: str) -> Place | None:
    """By `id`, or `name` with `domain_id` or `domain_name`; domains by `id` or `name` alone."""
    flag = int(is_domain)
    row = await reader.fetch_one(_place((*sorted(by), "is_domain")), is_domain=flag, **by)
    if row is None:
        return None
    enabled = bool(row[2])
    domain = Domain(row[0], row[1], enabled) if is_domain else Domain(row[5], row[6], bool(row[7]))
    return Place(row[0], row[1], enabled and domain.enabled, is_domain, row[4], domain)


_GROUPS_OF = Statement(
    select(groups)
    .join(memberships, memberships.c.group_id == groups.c.id)
    .where(memberships.c.user_id == bindparam("user_id"))
    .order_by(groups.c.id)
)
_MEMBERS_OF = Statement(
    select(users)
    .join(memberships, memberships.c.user_id == users.c.id)
    .where(memberships.c.group_id == bindparam("group_id"))
    .order_by(users.c.id)
)
_MEMBER_IDS = Statement(select(memberships.c.user_id).where(memberships.c.group_id == bindparam("group_id")))
_GROUP_IDS = Statement(select(memberships.c.group_id).where(memberships.c.user_id == bindparam("user_id")))


async def member_ids(reader: Reader, group_id: str) -> list[str]:
    return [row[0] for row in await reader.fetch_all(_MEMBER_IDS, group_id=group_id)]


async def group_ids(reader: Reader, user_id: str) -> list[str]:
    return [row[0] for row in await reader.fetch_all(_GROUP_IDS, user_id=user_id)]
