"""Every URL of the Identity API, in one table."""

from kilonova.identity.api import (
    application_credentials,
    auth,
    catalog,
    credentials,
    domains,
    ec2_credentials,
    groups,
    project_tags,
    projects,
    role_assignments,
    roles,
    users,
    versions,
)
from kilonova.identity.api.grants import Grants
from kilonova.identity.store.assignments import ActorKind, TargetKind
from kilonova.web.application import Handler, Route, Routes, routes_of
from kilonova.web.router import Router

_PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", versions.list_versions),
    ("GET", "/v3", versions.show_version),
    ("POST", "/v3/auth/tokens", auth.create_token),
    ("POST", "/v3/users/{user_id}/password", users.change_password),
)

_AUTH: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v3/auth/tokens", auth.show_token),
    ("DELETE", "/v3/auth/tokens", auth.revoke_token),
    ("GET", "/v3/auth/catalog", auth.show_catalog),
    ("GET", "/v3/auth/projects", auth.list_projects),
    ("GET", "/v3/auth/domains", auth.list_domains),
    ("GET", "/v3/auth/system", auth.show_system),
)

_PEOPLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v3/users", users.list_users),
    ("POST", "/v3/users", users.create_user),
    ("GET", "/v3/users/{user_id}", users.show_user),
    ("PATCH", "/v3/users/{user_id}", users.update_user),
    ("DELETE", "/v3/users/{user_id}", users.delete_user),
    ("GET", "/v3/users/{user_id}/groups", users.list_groups_of_user),
    ("GET", "/v3/users/{user_id}/projects", users.list_projects_of_user),
    ("GET", "/v3/users/{user_id}/application_credentials", application_credentials.list_credentials),
    ("POST", "/v3/users/{user_id}/application_credentials", application_credentials.create_credential),
    ("GET", "/v3/users/{user_id}/application_credentials/{credential_id}", application_credentials.show_credential),
    (
        "DELETE",
        "/v3/users/{user_id}/application_credentials/{credential_id}",
        application_credentials.delete_credential,
    ),
    ("GET", "/v3/users/{user_id}/credentials/OS-EC2", ec2_credentials.list_keys),
    ("POST", "/v3/users/{user_id}/credentials/OS-EC2", ec2_credentials.create_key),
    ("GET", "/v3/users/{user_id}/credentials/OS-EC2/{access}", ec2_credentials.show_key),
    ("DELETE", "/v3/users/{user_id}/credentials/OS-EC2/{access}", ec2_credentials.delete_key),
    ("GET", "/v3/groups", groups.list_groups),
    ("POST", "/v3/groups", groups.create_group),
    ("GET", "/v3/groups/{group_id}", groups.show_group),
    ("PATCH", "/v3/groups/{group_id}", groups.update_group),
    ("DELETE", "/v3/groups/{group_id}", groups.delete_group),
    ("GET", "/v3/groups/{group_id}/users", groups.list_members),
    ("PUT", "/v3/groups/{group_id}/users/{user_id}", groups.add_member),
    ("GET", "/v3/groups/{group_id}/users/{user_id}", groups.check_member),
    ("DELETE", "/v3/groups/{group_id}/users/{user_id}", groups.remove_member),
    ("GET", "/v3/credentials", credentials.list_credentials),
    ("POST", "/v3/credentials", credentials.create_credential),
    ("GET", "/v3/credentials/{id}", credentials.show_credential),
    ("PATCH", "/v3/credentials/{id}", credentials.update_credential),
    ("DELETE", "/v3/credentials/{id}", credentials.delete_credential),
)

_PLACES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v3/domains", domains.list_domains),
    ("POST", "/v3/domains", domains.create_domain),
    ("GET", "/v3/domains/{domain_id}", domains.show_domain),
    ("PATCH", "/v3/domains/{domain_id}", domains.update_domain),
    ("DELETE", "/v3/domains/{domain_id}", domains.delete_domain),
    ("GET", "/v3/projects", projects.list_projects),
    ("POST", "/v3/projects", projects.create_project),
    ("GET", "/v3/projects/{project_id}", projects.show_project),
    ("PATCH", "/v3/projects/{project_id}", projects.update_project),
    ("DELETE", "/v3/projects/{project_id}", projects.delete_project),
    ("GET", "/v3/projects/{project_id}/tags", project_tags.list_tags),
    ("PUT", "/v3/projects/{project_id}/tags", project_tags.replace_tags),
    ("DELETE", "/v3/projects/{project_id}/tags", project_tags.delete_tags),
    ("GET", "/v3/projects/{project_id}/tags/{tag}", project_tags.check_tag),
    ("PUT", "/v3/projects/{project_id}/tags/{tag}", project_tags.add_tag),
    ("DELETE", "/v3/projects/{project_id}/tags/{tag}", project_tags.delete_tag),
)

_ROLES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v3/roles", roles.list_roles),
    ("POST", "/v3/roles", roles.create_role),
    ("GET", "/v3/roles/{role_id}", roles.show_role),
    ("PATCH", "/v3/roles/{role_id}", roles.update_role),
    ("DELETE", "/v3/roles/{role_id}", roles.delete_role),
    ("GET", "/v3/roles/{role_id}/implies", roles.list_implied),
    ("PUT", "/v3/roles/{role_id}/implies/{implied_id}", roles.create_implied),
    ("DELETE", "/v3/roles/{role_id}/implies/{implied_id}", roles.delete_implied),
    ("GET", "/v3/role_inferences", roles.list_inferences),
    ("GET", "/v3/role_assignments", role_assignments.list_role_assignments),
)

_CATALOG: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v3/services", catalog.list_services),
    ("POST", "/v3/services", catalog.create_service),
    ("GET", "/v3/services/{id}", catalog.show_service),
    ("PATCH", "/v3/services/{id}", catalog.update_service),
    ("DELETE", "/v3/services/{id}", catalog.delete_service),
    ("GET", "/v3/endpoints", catalog.list_endpoints),
    ("POST", "/v3/endpoints", catalog.create_endpoint),
    ("GET", "/v3/endpoints/{id}", catalog.show_endpoint),
    ("PATCH", "/v3/endpoints/{id}", catalog.update_endpoint),
    ("DELETE", "/v3/endpoints/{id}", catalog.delete_endpoint),
    ("GET", "/v3/regions", catalog.list_regions),
    ("POST", "/v3/regions", catalog.create_region),
    ("PUT", "/v3/regions/{id}", catalog.create_region),
    ("GET", "/v3/regions/{id}", catalog.show_region),
    ("PATCH", "/v3/regions/{id}", catalog.update_region),
    ("DELETE", "/v3/regions/{id}", catalog.delete_region),
)

_TARGETS: tuple[tuple[TargetKind, str], ...] = (
    ("project", "/projects/{target_id}"),
    ("domain", "/domains/{target_id}"),
    ("system", "/system"),
)
_ACTORS: tuple[ActorKind, ...] = ("user", "group")


def all_routes() -> Routes:
    routes: Routes = Router()
    routes_of(*_PUBLIC, public=True, into=routes)
    routes_of(*_AUTH, *_PEOPLE, *_PLACES, *_ROLES, *_CATALOG, into=routes)
    # Unlike elsewhere, HEAD answers 204 here.
    routes.add("GET", "/v3/roles/{role_id}/implies/{implied_id}", Route(roles.show_implied))
    routes.add("HEAD", "/v3/roles/{role_id}/implies/{implied_id}", Route(roles.check_implied))
    for target, path in _TARGETS:
        for actor in _ACTORS:
            _add_grants(routes, target, actor, path)
    return routes


def _add_grants(routes: Routes, target: TargetKind, actor: ActorKind, path: str) -> None:
    given = Grants(target, actor)
    roles_path = f"/v3{path}/{actor}s/{{actor_id}}/roles"
    routes_of(("GET", roles_path, given.list), into=routes)
    _add_one_grant(routes, given, roles_path + "/{role_id}")
    if target != "system":
        inherited = Grants(target, actor, inherited=True)
        prefix = f"/v3/OS-INHERIT{path}/{actor}s/{{actor_id}}/roles"
        routes_of(("GET", f"{prefix}/inherited_to_projects", inherited.list), into=routes)
        _add_one_grant(routes, inherited, f"{prefix}/{{role_id}}/inherited_to_projects")


def _add_one_grant(routes: Routes, grants: Grants, path: str) -> None:
    rows: tuple[tuple[str, Handler], ...] = (
        ("PUT", grants.create),
        ("GET", grants.check),
        ("HEAD", grants.check),
        ("DELETE", grants.revoke),
    )
    for method, handler in rows:
        routes.add(method, path, Route(handler))
