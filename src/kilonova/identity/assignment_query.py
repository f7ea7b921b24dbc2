"""Role assignments as asked for: filtered, and worked out through groups, inheritance and implied roles."""

from collections.abc import Iterable

import msgspec

from kilonova.db.database import Reader
from kilonova.identity.rolebook import RoleBook
from kilonova.identity.store.assignments import SYSTEM, Assignment, matching, of_user
from kilonova.identity.store.nouns import GROUPS, PROJECTS, ROLES, USERS
from kilonova.identity.store.people import find_place, member_ids
from kilonova.identity.store.rows import Document
from kilonova.identity.store.tree import ids_above, ids_below, projects_in


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """None and False mean: whatever."""

    user_id: str | None = None
    group_id: str | None = None
    role_id: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    system: bool = False
    inherited: bool | None = None
    effective: bool = False
    include_names: bool = False
    include_subtree: bool = False


class Effective(msgspec.Struct, frozen=True):
    """An assignment and the stored one it comes from."""

    assignment: Assignment
    stored: Assignment


async def worked_out(reader: Reader, book: RoleBook, query: Query) -> list[Effective]:
    targets = await _targets(reader, query)
    stored = await _stored(reader, query, targets)
    found = [Effective(one, one) for one in stored]
    if query.effective:
        found = await _expanded(reader, book, found)
    return [one for one in found if _passes(one.assignment, query, targets)]


async def _targets(reader: Reader, query: Query) -> set[str] | None:
    """The ids the answer may be about; None for any."""
    if query.system:
        return {SYSTEM}
    if query.domain_id is not None:
        return {query.domain_id}
    if query.project_id is not None:
        below = await ids_below(reader, query.project_id) if query.include_subtree else []
        return {query.project_id, *below}
    return None


async def _stored(reader: Reader, query: Query, targets: set[str] | None) -> list[Assignment]:
    """All that can lead to an answer; the database narrows it by user, group or target where it can."""
    if query.user_id is not None:
        if query.effective:
            return await of_user(reader, query.user_id)
        return await matching(reader, actor_id=query.user_id)
    if query.group_id is not None:
        return await matching(reader, actor_id=query.group_id)
    if targets is None:
        return await matching(reader)
    found: list[Assignment] = []
    for target_id in sorted(targets | await _above(reader, query)):
        found += await matching(reader, target_id=target_id)
    return found


async def _above(reader: Reader, query: Query) -> set[str]:
    """Where the project inherits from."""
    if query.project_id is None or not query.effective:
        return set()
    place = await find_place(reader, is_domain=False, id=query.project_id)
    return set(await ids_above(reader, place)) if place is not None else set()


async def _expanded(reader: Reader, book: RoleBook, stored: Iterable[Effective]) -> list[Effective]:
    """Users for groups, projects for what is inherited, implied roles beside the roles themselves."""
    found: list[Effective] = []
    for one in stored:
        implied = [one.assignment.role_id, *sorted(book.implied_by(one.assignment.role_id))]
        # Roles of one domain are but means to imply: they never get into a token.
        role_ids = [role_id for role_id in implied if role_id in book.roles and not book.roles[role_id].domain_id]
        for actor_id in await _actors(reader, one.assignment):
            for target_id in await _heirs(reader, one.assignment):
                kind = "project" if one.assignment.inherited else one.assignment.target_kind
                for role_id in role_ids:
                    found.append(Effective(Assignment("user", actor_id, kind, target_id, role_id), one.stored))
    return found


async def _actors(reader: Reader, assignment: Assignment) -> list[str]:
    if assignment.actor_kind == "user":
        return [assignment.actor_id]
    return await member_ids(reader, assignment.actor_id)


async def _heirs(reader: Reader, assignment: Assignment) -> list[str]:
    if not assignment.inherited:
        return [assignment.target_id]
    if assignment.target_kind == "domain":
        return await projects_in(reader, assignment.target_id)
    return await ids_below(reader, assignment.target_id)


def _passes(one: Assignment, query: Query, targets: set[str] | None) -> bool:
    return (
        (targets is None or one.target_id in targets)
        and (query.role_id is None or one.role_id == query.role_id)
        and (query.user_id is None or one.actor_id == query.user_id)
        and (query.inherited is None or query.effective or one.inherited == query.inherited)
    )


async def names_of(reader: Reader, found: Iterable[Effective]) -> dict[str, Document]:
    """By id: how users, groups, projects, domains and roles of the answer are called, with their domains."""
    ids = {
        identifier
        for one in found
        for identifier in (one.assignment.actor_id, one.assignment.target_id, one.assignment.role_id)
    }
    named: dict[str, Document] = {}
    for rows in (USERS, GROUPS, PROJECTS, ROLES):
        named |= await rows.named(reader, ids)
    domains = await PROJECTS.named(reader, (one["domain_id"] for one in named.values() if one["domain_id"]))
    return {identifier: _reference(one, domains) for identifier, one in named.items()}


def _reference(document: Document, domains: dict[str, Document]) -> Document:
    reference = {"id": document["id"], "name": document["name"]}
    domain = domains.get(document["domain_id"])
    if domain is not None:
        reference["domain"] = {"id": domain["id"], "name": domain["name"]}
    return reference
