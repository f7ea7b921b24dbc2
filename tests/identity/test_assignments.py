"""Roles: given to users and groups, inherited, implied, listed as stored and as they work out."""

from typing import Any

import pytest

from tests.identity.conftest import IdentityCloud, password_method


async def group_of(cloud: IdentityCloud, *users: str) -> str:
    group = str((await cloud.admin("POST", "/groups", {"group": {"name": "people"}}))["group"]["id"])
    for user in users:
        await cloud.admin("PUT", f"/groups/{group}/users/{user}")
    return group


async def listed(cloud: IdentityCloud, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await cloud.admin("GET", f"/role_assignments?{query}"))["role_assignments"]
    return found


@pytest.mark.parametrize("actor", ["users", "groups"])
@pytest.mark.parametrize("target", ["project", "domain", "system"])
async def test_a_role_is_given_found_listed_and_taken(cloud: IdentityCloud, target: str, actor: str) -> None:
    user = await cloud.user("eva")
    actor_id = user if actor == "users" else await group_of(cloud, user)
    project = await cloud.project("garden")
    places = {"project": f"/projects/{project}", "domain": "/domains/default", "system": "/system"}
    role = await cloud.role("reader")
    path = f"{places[target]}/{actor}/{actor_id}/roles"

    await cloud.admin("HEAD", f"{path}/{role}", status=404)
    await cloud.admin("PUT", f"{path}/{role}", status=204)
    await cloud.admin("PUT", f"{path}/{role}", status=204)
    await cloud.admin("HEAD", f"{path}/{role}", status=204)
    assert [one["name"] for one in (await cloud.admin("GET", path))["roles"]] == ["reader"]
    await cloud.admin("DELETE", f"{path}/{role}", status=204)
    await cloud.admin("DELETE", f"{path}/{role}", status=404)
    assert (await cloud.admin("GET", path))["roles"] == []


async def test_what_is_not_there_cannot_be_assigned(cloud: IdentityCloud) -> None:
    user, project, role = await cloud.user("eva"), await cloud.project("garden"), await cloud.role("reader")
    for path in (
        f"/projects/{'0' * 32}/users/{user}/roles/{role}",
        f"/projects/{project}/users/{'0' * 32}/roles/{role}",
        f"/projects/{project}/users/{user}/roles/{'0' * 32}",
        f"/domains/{project}/users/{user}/roles/{role}",
    ):
        await cloud.admin("PUT", path, status=404)


async def test_admin_implies_manager_implies_member_implies_reader(cloud: IdentityCloud) -> None:
    user, project = await cloud.user("eva"), await cloud.project("garden")
    await cloud.grant(user, project, "admin")

    token = (await cloud.login("eva", "garden")).json()["token"]
    assert [role["name"] for role in token["roles"]] == ["admin", "manager", "member", "reader"]
    inferences = (await cloud.admin("GET", "/role_inferences"))["role_inferences"]
    assert {one["prior_role"]["name"]: [role["name"] for role in one["implies"]] for one in inferences} == {
        "admin": ["manager"],
        "manager": ["member"],
        "member": ["reader"],
    }


async def test_roles_cannot_imply_one_another_in_a_circle(cloud: IdentityCloud) -> None:
    reader, admin = await cloud.role("reader"), await cloud.role("admin")
    await cloud.admin("PUT", f"/roles/{reader}/implies/{admin}", status=400)
    await cloud.admin("HEAD", f"/roles/{reader}/implies/{admin}", status=404)
    await cloud.admin("PUT", f"/roles/{admin}/implies/{reader}", status=201)
    await cloud.admin("HEAD", f"/roles/{admin}/implies/{reader}", status=204)


async def test_a_domains_role_is_inherited_by_its_projects_and_those_below(cloud: IdentityCloud) -> None:
    user, parent = await cloud.user("eva"), await cloud.project("garden")
    await cloud.project("bed", parent_id=parent)
    path = f"/OS-INHERIT/domains/default/users/{user}/roles/{await cloud.role('reader')}/inherited_to_projects"
    await cloud.admin("PUT", path, status=204)

    for name in ("garden", "bed"):
        assert (await cloud.login("eva", name)).status_code == 201
    in_domain = await cloud.authenticate(password_method("eva", "eva-secret"), {"domain": {"id": "default"}})
    assert in_domain.status_code == 401
    names = [one["name"] for one in (await cloud.admin("GET", f"/users/{user}/projects"))["projects"]]
    assert sorted(names) == ["admin", "bed", "demo", "garden", "service"]
    assert len(await listed(cloud, f"user.id={user}")) == 1
    assert len(await listed(cloud, f"user.id={user}&effective")) == 5


async def test_effective_assignments_show_members_for_groups_and_implied_roles(cloud: IdentityCloud) -> None:
    user, project = await cloud.user("eva"), await cloud.project("garden")
    group = await group_of(cloud, user)
    member, reader = await cloud.role("member"), await cloud.role("reader")
    await cloud.admin("PUT", f"/projects/{project}/groups/{group}/roles/{member}")

    stored = await listed(cloud, f"scope.project.id={project}")
    assert [(one["group"]["id"], one["role"]["id"]) for one in stored] == [(group, member)]
    effective = await listed(cloud, f"scope.project.id={project}&effective")
    assert {(one["user"]["id"], one["role"]["id"]) for one in effective} == {(user, member), (user, reader)}
    assert all(one["links"]["membership"].endswith(f"/groups/{group}/users/{user}") for one in effective)
    assert await listed(cloud, f"scope.project.id={project}&effective&role.id={reader}") == [
        one for one in effective if one["role"]["id"] == reader
    ]


async def test_names_come_along_when_asked_for(cloud: IdentityCloud) -> None:
    demo = await cloud.id_of("users", "demo")
    (one,) = await listed(cloud, f"user.id={demo}&include_names")

    domain = {"id": "default", "name": "Default"}
    assert one["user"] == {"id": demo, "name": "demo", "domain": domain}
    assert (one["role"]["name"], one["scope"]["project"]["name"]) == ("member", "demo")
    assert one["scope"]["project"]["domain"] == domain


@pytest.mark.parametrize(
    "query", ["user.id=a&group.id=b", "scope.project.id=a&scope.domain.id=b", "group.id=a&effective", "include_subtree"]
)
async def test_filters_that_contradict_each_other_are_refused(cloud: IdentityCloud, query: str) -> None:
    await cloud.admin("GET", f"/role_assignments?{query}", status=400)


async def test_a_deleted_project_user_or_role_leaves_no_assignment(cloud: IdentityCloud) -> None:
    before = await listed(cloud, "")
    user, project, other = await cloud.user("eva"), await cloud.project("garden"), await cloud.project("house")
    role = (await cloud.admin("POST", "/roles", {"role": {"name": "gardener"}}))["role"]["id"]
    await cloud.grant(user, project, "member")
    await cloud.grant(user, other, "gardener")
    await cloud.grant(await cloud.id_of("users", "demo"), other, "gardener")

    await cloud.admin("DELETE", f"/projects/{project}", status=204)
    await cloud.admin("DELETE", f"/roles/{role}", status=204)
    await cloud.grant(user, other, "member")
    await cloud.admin("DELETE", f"/users/{user}", status=204)
    assert await listed(cloud, "") == before


async def test_a_domains_manager_rules_the_domain_and_nothing_else(cloud: IdentityCloud) -> None:
    domain = (await cloud.admin("POST", "/domains", {"domain": {"name": "city"}}))["domain"]["id"]
    manager = await cloud.user("mayor", domain_id=domain)
    await cloud.admin("PUT", f"/domains/{domain}/users/{manager}/roles/{await cloud.role('manager')}")
    told = {"user": {"id": manager, "password": "mayor-secret"}}
    answer = await cloud.authenticate({"methods": ["password"], "password": told}, {"domain": {"id": domain}})
    token = answer.headers["X-Subject-Token"]

    user = await cloud.call(token, "POST", "/users", {"user": {"name": "eva"}})
    project = await cloud.call(token, "POST", "/projects", {"project": {"name": "park"}})
    assert (user.json()["user"]["domain_id"], project.json()["project"]["domain_id"]) == (domain, domain)
    path = f"/projects/{project.json()['project']['id']}/users/{user.json()['user']['id']}/roles"
    assert (await cloud.call(token, "PUT", f"{path}/{await cloud.role('member')}")).status_code == 204
    assert (await cloud.call(token, "PUT", f"{path}/{await cloud.role('admin')}")).status_code == 403
    names = [one["name"] for one in (await cloud.call(token, "GET", "/users")).json()["users"]]
    assert sorted(names) == ["eva", "mayor"]
    demo, elsewhere = await cloud.id_of("users", "demo"), await cloud.id_of("projects", "demo")
    member = await cloud.role("member")
    for method, refused in (
        ("GET", f"/users/{demo}"),
        ("DELETE", f"/users/{demo}"),
        ("GET", "/users?domain_id=default"),
        ("PUT", f"/projects/{elsewhere}/users/{manager}/roles/{member}"),
        ("PUT", f"/domains/{domain}/users/{demo}/roles/{member}"),
        ("DELETE", f"/domains/{domain}"),
    ):
        assert (await cloud.call(token, method, refused)).status_code == 403, refused
