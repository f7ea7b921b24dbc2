"""Checks that a project or domain is there."""

from kilonova.db.database import Reader
from kilonova.identity.errors import Missing
from kilonova.identity.store.nouns import PROJECTS
from kilonova.identity.store.rows import Document


async def require_domain(reader: Reader, domain_id: str) -> Document:
    """Errors: Missing."""
    found = await PROJECTS.find(reader, id=domain_id)
    if found is None or not found["is_domain"]:
        raise Missing("domain", domain_id)
    return found


async def require_project(reader: Reader, project_id: str) -> Document:
    """A domain may act as a project here, as in Keystone. Errors: Missing."""
    return await PROJECTS.get(reader, project_id)
