"""/v3/projects."""

from typing import Any
from uuid import uuid4

from starlette.responses import Response

from kilonova.contract import identity as subject
from kilonova.identity.api import bodies
from kilonova.identity.api.documents import (
    PROJECT,
    IdentityRequest,
    allow,
    default_domain,
    listed_domain,
    seen_domain,
    show,
    show_page,
)
from kilonova.identity.errors import InvalidInput, StillInUse
from kilonova.identity.removal import remove_domain, remove_project
from kilonova.identity.store.nouns import PROJECTS
from kilonova.identity.store.places import require_domain
from kilonova.identity.store.rows import Document
from kilonova.identity.store.tree import children
from kilonova.web.response import empty

_PROJECT = {
    "name": bodies.SHORT_NAME,
    "domain_id": bodies.NULLABLE_ID,
    "parent_id": bodies.NULLABLE_ID,
    "enabled": bodies.FLAG,
    "is_domain": bodies.FLAG,
    "description": bodies.NULLABLE_TEXT,
    "tags": bodies.TAGS,
    "options": bodies.OPTIONS,
}
_CREATE = bodies.Body("project", _PROJECT, required=("name",))
_UPDATE = bodies.Body("project", _PROJECT)
_FILTERS = ("name", "domain_id", "parent_id", "enabled", "is_domain")


async def list_projects(request: IdentityRequest) -> Response:
    allow(request, "list_projects", domain_id=listed_domain(request))
    plain = None if "is_domain" in request.query_params else False
    return await show_page(request, PROJECT, _FILTERS, domain_id=seen_domain(request), is_domain=plain)


async def show_project(request: IdentityRequest) -> Response:
    return show(request, PROJECT, await allowed_project(request, "get_project"))


async def create_project(request: IdentityRequest) -> Response:
    project = await _CREATE.creation(request)
    project = {"enabled": True, "is_domain": False, "tags": [], "options": {}, "description": "", **project}
    project["id"] = uuid4().hex
    if project["is_domain"]:
        allow(request, "create_domain")
        _check_domain(project)
    else:
        await _place(request, project)
        allow(request, "create_project", domain_id=project["domain_id"])
    async with request.world.db.begin() as tx:
        await PROJECTS.add(tx, project)
    return show(request, PROJECT, project, 201)


async def update_project(request: IdentityRequest) -> Response:
    before = await allowed_project(request, "update_project")
    changes = await _UPDATE.update(request)
    for fixed in ("domain_id", "parent_id", "is_domain"):
        if changes.pop(fixed, before[fixed]) not in (before[fixed], before[fixed] or None):
            raise InvalidInput(f"Update of `{fixed}` is not allowed.")
    return show(request, PROJECT, await change_project(request, before["id"], changes))


async def change_project(request: IdentityRequest, project_id: str, changes: Document) -> Document:
    """Store changes of a project or domain; disabling it ends its tokens."""
    async with request.world.revocations.change() as change:
        project = await PROJECTS.change(change.tx, await PROJECTS.get(change.tx, project_id), changes)
        concerned = subject.domain(project_id) if project["is_domain"] else subject.project(project_id)
        if changes.get("enabled") is False:
            await change.revoke(concerned)
        change.touch(concerned)
    return project


async def delete_project(request: IdentityRequest) -> Response:
    project = await allowed_project(request, "delete_project")
    async with request.world.revocations.change() as change:
        if project["is_domain"]:
            refuse_enabled(project)
            await remove_domain(change, project["id"])
        else:
            if await children(change.tx, project["id"]):
                raise StillInUse(f"Cannot delete the project {project['id']} since it is not a leaf in the hierarchy.")
            await remove_project(change, project["id"])
    return empty()


def refuse_enabled(domain: Document) -> None:
    """Errors: StillInUse."""
    if domain["enabled"]:
        raise StillInUse("Cannot delete a domain that is enabled, please disable it first.")


async def allowed_project(request: IdentityRequest, rule: str) -> dict[str, Any]:
    """The project of the path. Errors: Missing, NotAllowed."""
    project = await PROJECTS.get(request.world.db, request.params["project_id"])
    allow(request, rule, project_id=project["id"], domain_id=project["domain_id"])
    return project


def _check_domain(project: Document) -> None:
    if project.get("domain_id") or project.get("parent_id"):
        raise InvalidInput("A domain is in no other domain and below no project.")
    project["domain_id"] = project["parent_id"] = ""


async def _place(request: IdentityRequest, project: Document) -> None:
    """Fill in domain and parent. Errors: Missing, InvalidInput."""
    db = request.world.db
    parent_id = project.get("parent_id")
    if parent_id:
        parent = await PROJECTS.get(db, parent_id)
        home = parent["id"] if parent["is_domain"] else parent["domain_id"]
        if (project.get("domain_id") or home) != home:
            raise InvalidInput("A project must be in the same domain as its parent.")
        project["domain_id"] = home
        return
    project["domain_id"] = project.get("domain_id") or default_domain(request)
    await require_domain(db, project["domain_id"])
    project["parent_id"] = project["domain_id"]
