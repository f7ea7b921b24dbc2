"""/v3/role_assignments: who has which role where, as stored or as it works out (`effective`)."""

from typing import Any

from starlette.responses import Response

from kilonova.identity.api.documents import IdentityRequest, allow, base, caller, truth
from kilonova.identity.assignment_query import Effective, Query, names_of, worked_out
from kilonova.identity.errors import InvalidInput
from kilonova.identity.store.assignments import Assignment
from kilonova.identity.store.places import require_project
from kilonova.identity.store.rows import Document
from kilonova.web.response import json_response


async def list_role_assignments(request: IdentityRequest) -> Response:
    query = _query(request)
    domain_id = query.domain_id or caller(request).domain_id
    if query.project_id is not None:
        project = await require_project(request.world.db, query.project_id)
        domain_id = project["domain_id"] or project["id"]
    allow(request, "list_role_assignments", domain_id=domain_id)
    book = await request.world.roles.get()
    found = await worked_out(request.world.db, book, query)
    if not (caller(request).is_admin or caller(request).system):
        found = [one for one in found if _within(one, query, caller(request).domain_id)]
    names = await names_of(request.world.db, found) if query.include_names else None
    shown = [_shown(request, one, names) for one in found]
    own = f"{base(request)}/role_assignments"
    links = {"self": f"{own}?{request.url.query}" if request.url.query else own, "previous": None, "next": None}
    return json_response({"role_assignments": shown, "links": links})


def _within(one: Effective, query: Query, domain_id: str | None) -> bool:
    """A domain's reader sees what is about the domain, or the project asked for, which is in it."""
    return one.assignment.target_id in (domain_id, query.project_id)


def _query(request: IdentityRequest) -> Query:
    """Errors: InvalidInput for combinations that mean nothing."""
    told = request.query_params
    query = Query(
        user_id=told.get("user.id"),
        group_id=told.get("group.id"),
        role_id=told.get("role.id"),
        project_id=told.get("scope.project.id"),
        domain_id=told.get("scope.domain.id"),
        system="scope.system" in told,
        inherited=True if "scope.OS-INHERIT:inherited_to" in told else None,
        effective="effective" in told and truth(told["effective"]),
        include_names="include_names" in told and truth(told["include_names"]),
        include_subtree="include_subtree" in told and truth(told["include_subtree"]),
    )
    if query.user_id and query.group_id:
        raise InvalidInput("Specify a user or group, not both.")
    if sum(map(bool, (query.project_id, query.domain_id, query.system))) > 1:
        raise InvalidInput("Specify a project, a domain or the system, not more than one.")
    if query.effective and query.group_id:
        raise InvalidInput("Combining effective and group filter will always result in an empty list.")
    if query.include_subtree and not query.project_id:
        raise InvalidInput("scope.project.id must be specified if include_subtree is also specified.")
    return query


def _shown(request: IdentityRequest, one: Effective, names: dict[str, Document] | None) -> Document:
    assignment = one.assignment
    scope = _scope(assignment, names)
    if assignment.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    return {
        "role": _reference(assignment.role_id, names),
        assignment.actor_kind: _reference(assignment.actor_id, names),
        "scope": scope,
        "links": _links(request, one),
    }


def _scope(assignment: Assignment, names: dict[str, Document] | None) -> dict[str, Any]:
    if assignment.target_kind == "system":
        return {"system": {"all": True}}
    return {assignment.target_kind: _reference(assignment.target_id, names)}


def _reference(identifier: str, names: dict[str, Document] | None) -> Document:
    if names is None:
        return {"id": identifier}
    named = names.get(identifier)
    return {"id": identifier, "name": ""} if named is None else named


def _links(request: IdentityRequest, one: Effective) -> dict[str, str]:
    """Where the stored assignment is, and what made another of it."""
    stored = one.stored
    target = "system" if stored.target_kind == "system" else f"{stored.target_kind}s/{stored.target_id}"
    path = f"{target}/{stored.actor_kind}s/{stored.actor_id}/roles/{stored.role_id}"
    if stored.inherited:
        path = f"OS-INHERIT/{path}/inherited_to_projects"
    links = {"assignment": f"{base(request)}/{path}"}
    if one.assignment.actor_id != stored.actor_id:
        links["membership"] = f"{base(request)}/groups/{stored.actor_id}/users/{one.assignment.actor_id}"
    if one.assignment.role_id != stored.role_id:
        links["prior_role"] = f"{base(request)}/roles/{stored.role_id}"
    return links
