"""Where a user has a role at all."""

from kilonova.db.database import Reader
from kilonova.identity.store.assignments import SYSTEM, of_user
from kilonova.identity.store.nouns import PROJECTS
from kilonova.identity.store.rows import Document
from kilonova.identity.store.tree import ids_below, projects_in


async def projects_of(reader: Reader, user_id: str) -> list[Document]:
    """Projects, enabled or not, by id; those with inherited roles too."""
    ids: set[str] = set()
    for assignment in await of_user(reader, user_id):
        if assignment.target_kind == "project":
            below = await ids_below(reader, assignment.target_id) if assignment.inherited else [assignment.target_id]
            ids.update(below)
        elif assignment.target_kind == "domain" and assignment.inherited:
            ids.update(await projects_in(reader, assignment.target_id))
    found = await PROJECTS.named(reader, ids)
    return [found[project_id] for project_id in sorted(found)]


async def domains_of(reader: Reader, user_id: str) -> list[Document]:
    assigned = await of_user(reader, user_id)
    ids = {one.target_id for one in assigned if one.target_kind == "domain" and not one.inherited}
    found = await PROJECTS.named(reader, ids)
    return [found[domain_id] for domain_id in sorted(found)]


async def has_system_role(reader: Reader, user_id: str) -> bool:
    return any(one.target_id == SYSTEM for one in await of_user(reader, user_id))
