"""Users, groups, projects, domains, roles, the catalog: made, found, changed, deleted."""

from typing import Any

import pytest

from tests.identity.conftest import IdentityCloud

NOUNS: dict[str, dict[str, Any]] = {
    "users": {"name": "x"},
    "groups": {"name": "x"},
    "projects": {"name": "x"},
    "domains": {"name": "x", "enabled": False},
    "roles": {"name": "x"},
    "services": {"type": "x"},
    "regions": {"id": "x"},
    "credentials": {"type": "totp", "blob": "seed"},
}


@pytest.mark.parametrize("plural", NOUNS)
async def test_a_noun_is_made_shown_listed_changed_and_deleted(cloud: IdentityCloud, plural: str) -> None:
    noun = plural[:-1]
    made = (await cloud.admin("POST", f"/{plural}", {noun: NOUNS[plural]}, status=201))[noun]
    path = f"/{plural}/{made['id']}"

    assert made["links"]["self"] == f"http://cloud:8774/identity/v3{path}"
    assert {name: made[name] for name in NOUNS[plural]} == NOUNS[plural]
    assert (await cloud.admin("GET", path))[noun] == made
    assert made in (await cloud.admin("GET", f"/{plural}"))[plural]
    change = {"blob": "other"} if noun == "credential" else {"description": "changed"}
    changed = (await cloud.admin("PATCH", path, {noun: change}))[noun]
    assert changed == {**made, **change}
    assert (await cloud.admin("GET", path))[noun] == changed
    await cloud.admin("DELETE", path, status=204)
    await cloud.admin("GET", path, status=404)
    await cloud.admin("PATCH", path, {noun: change}, status=404)
    await cloud.admin("DELETE", path, status=404)


@pytest.mark.parametrize("plural", ["users", "groups", "projects", "domains", "roles"])
async def test_names_are_unique_where_they_should_be(cloud: IdentityCloud, plural: str) -> None:
    noun = plural[:-1]
    await cloud.admin("POST", f"/{plural}", {noun: {"name": "one"}}, status=201)
    refused = await cloud.admin("POST", f"/{plural}", {noun: {"name": "one"}}, status=409)
    assert refused["error"]["title"] == "Conflict"
    other = (await cloud.admin("POST", f"/{plural}", {noun: {"name": "two"}}, status=201))[noun]
    await cloud.admin("PATCH", f"/{plural}/{other['id']}", {noun: {"name": "one"}}, status=409)
    if plural in ("users", "groups", "projects"):
        domain = (await cloud.admin("POST", "/domains", {"domain": {"name": "elsewhere"}}))["domain"]["id"]
        await cloud.admin("POST", f"/{plural}", {noun: {"name": "one", "domain_id": domain}}, status=201)


@pytest.mark.parametrize(
    ("plural", "body"),
    [
        ("users", {}),
        ("users", {"name": ""}),
        ("users", {"name": "   "}),
        ("users", {"name": "x" * 256}),
        ("users", {"name": "x", "enabled": "yes"}),
        ("users", {"name": 7}),
        ("users", {"name": "x", "domain_id": "y" * 37}),
        ("projects", {"name": "x" * 65}),
        ("projects", {"name": "x", "tags": ["a,b"]}),
        ("projects", {"name": "x", "is_domain": True, "domain_id": "default"}),
        ("domains", {"enabled": True}),
        ("endpoints", {"interface": "public", "url": "http://x"}),
        ("endpoints", {"interface": "secret", "url": "http://x", "service_id": "y"}),
        ("endpoints", {"interface": "public", "url": "http://x", "service_id": "unknown"}),
        ("credentials", {"type": "ec2", "blob": "not json", "project_id": "default"}),
    ],
)
async def test_bad_bodies_are_refused(cloud: IdentityCloud, plural: str, body: dict[str, Any]) -> None:
    refused = await cloud.admin("POST", f"/{plural}", {plural[:-1]: body}, status=400)
    assert refused["error"]["code"] == 400


async def test_a_user_in_an_unknown_domain_cannot_be(cloud: IdentityCloud) -> None:
    await cloud.admin("POST", "/users", {"user": {"name": "x", "domain_id": "nowhere"}}, status=404)


async def test_lists_are_filtered_and_come_in_pages(cloud: IdentityCloud) -> None:
    for number in range(5):
        await cloud.user(f"worker_{number}", enabled=number % 2 == 0)

    async def names(query: str) -> list[str]:
        return sorted(one["name"] for one in (await cloud.admin("GET", f"/users?{query}"))["users"])

    assert await names("name=worker_1") == ["worker_1"]
    assert await names("name__startswith=WORKER_&enabled=false") == ["worker_1", "worker_3"]
    assert await names("name__contains=r%25") == []
    assert await names("domain_id=nowhere") == []
    seen: list[str] = []
    url = "/users?limit=3"
    while url:
        page = await cloud.admin("GET", url)
        assert 0 < len(page["users"]) <= 3
        seen += [one["name"] for one in page["users"]]
        following = page["links"]["next"]
        url = following.removeprefix("http://cloud:8774/identity/v3") if following else ""
    assert sorted(seen) == await names("")
    await cloud.admin("GET", "/users?limit=many", status=400)


async def test_passwords_are_never_shown(cloud: IdentityCloud) -> None:
    user = await cloud.user("eva")
    for answer in (
        await cloud.admin("GET", f"/users/{user}"),
        await cloud.admin("GET", "/users"),
        await cloud.admin("PATCH", f"/users/{user}", {"user": {"password": "other"}}),
    ):
        assert "password" not in str(answer).replace("password_expires_at", "")
    assert (await cloud.login("eva", password="other")).status_code == 201


async def test_users_see_themselves_and_nobody_else(cloud: IdentityCloud) -> None:
    demo, admin, token = await cloud.id_of("users", "demo"), await cloud.id_of("users", "admin"), ""
    token = await cloud.token("demo", "demo")

    assert (await cloud.call(token, "GET", f"/users/{demo}")).status_code == 200
    project = await cloud.id_of("projects", "demo")
    assert (await cloud.call(token, "GET", f"/projects/{project}")).status_code == 200
    assert [one["id"] for one in (await cloud.call(token, "GET", "/auth/projects")).json()["projects"]] == [project]
    assert (await cloud.call(token, "GET", "/auth/system")).json()["system"] == []
    assert (await cloud.call(token, "GET", "/auth/catalog")).json()["catalog"]
    for method, path in (
        ("GET", "/users"),
        ("GET", f"/users/{admin}"),
        ("PATCH", f"/users/{demo}"),
        ("GET", "/projects"),
        ("GET", f"/projects/{await cloud.id_of('projects', 'admin')}"),
        ("GET", "/roles"),
        ("GET", "/role_assignments"),
        ("GET", "/services"),
        ("POST", "/projects"),
        ("DELETE", f"/projects/{project}"),
    ):
        body = {"user": {"enabled": True}, "project": {"name": "mine"}} if method in ("PATCH", "POST") else None
        assert (await cloud.call(token, method, path, body)).status_code == 403, path


async def test_a_domain_goes_with_all_that_is_in_it_once_it_is_disabled(cloud: IdentityCloud) -> None:
    domain = (await cloud.admin("POST", "/domains", {"domain": {"name": "city"}}))["domain"]["id"]
    user, project = await cloud.user("mayor", domain_id=domain), await cloud.project("park", domain_id=domain)
    group = (await cloud.admin("POST", "/groups", {"group": {"name": "g", "domain_id": domain}}))["group"]["id"]
    await cloud.grant(user, project, "member")

    await cloud.admin("DELETE", f"/domains/{domain}", status=403)
    await cloud.admin("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
    await cloud.admin("DELETE", f"/domains/{domain}", status=204)
    for path in (f"/domains/{domain}", f"/users/{user}", f"/projects/{project}", f"/groups/{group}"):
        await cloud.admin("GET", path, status=404)
    assert (await cloud.admin("GET", f"/role_assignments?user.id={user}"))["role_assignments"] == []


async def test_projects_stand_below_projects_and_leaves_go_first(cloud: IdentityCloud) -> None:
    parent = await cloud.project("garden")
    child = (await cloud.admin("POST", "/projects", {"project": {"name": "bed", "parent_id": parent}}))["project"]

    assert (child["parent_id"], child["domain_id"]) == (parent, "default")
    listed = (await cloud.admin("GET", f"/projects?parent_id={parent}"))["projects"]
    assert [one["name"] for one in listed] == ["bed"]
    await cloud.admin("DELETE", f"/projects/{parent}", status=403)
    await cloud.admin("DELETE", f"/projects/{child['id']}", status=204)
    await cloud.admin("DELETE", f"/projects/{parent}", status=204)


async def test_projects_have_tags(cloud: IdentityCloud) -> None:
    path = f"/projects/{await cloud.project('garden', tags=['green'])}"

    await cloud.admin("PUT", f"{path}/tags/small", status=201)
    await cloud.admin("HEAD", f"{path}/tags/small", status=204)
    assert sorted((await cloud.admin("GET", f"{path}/tags"))["tags"]) == ["green", "small"]
    await cloud.admin("DELETE", f"{path}/tags/green", status=204)
    await cloud.admin("GET", f"{path}/tags/green", status=404)
    assert (await cloud.admin("GET", path))["project"]["tags"] == ["small"]


async def test_the_catalog_changes_with_its_endpoints(cloud: IdentityCloud) -> None:
    service = (await cloud.admin("POST", "/services", {"service": {"type": "dns", "name": "d"}}))["service"]["id"]
    body = {"service_id": service, "interface": "public", "url": "http://d/%(tenant_id)s", "region_id": "far"}
    endpoint = (await cloud.admin("POST", "/endpoints", {"endpoint": body}, status=201))["endpoint"]
    assert (endpoint["region"], endpoint["region_id"]) == ("far", "far")
    await cloud.admin("DELETE", "/regions/far", status=403)

    async def urls() -> list[str]:
        catalog = (await cloud.admin("GET", "/auth/catalog"))["catalog"]
        return [one["url"] for entry in catalog if entry["type"] == "dns" for one in entry["endpoints"]]

    assert await urls() == [f"http://d/{await cloud.id_of('projects', 'admin')}"]
    await cloud.admin("PATCH", f"/endpoints/{endpoint['id']}", {"endpoint": {"url": "http://e"}})
    assert await urls() == ["http://e"]
    await cloud.admin("PATCH", f"/services/{service}", {"service": {"enabled": False}})
    assert await urls() == []
    await cloud.admin("DELETE", f"/services/{service}", status=204)
    await cloud.admin("GET", f"/endpoints/{endpoint['id']}", status=404)


async def test_stored_credentials_are_encrypted_and_for_their_owner_only(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    body = {"credential": {"type": "totp", "blob": "very secret seed"}}
    made = (await cloud.call(token, "POST", "/credentials", body)).json()["credential"]
    await cloud.admin("POST", "/credentials", body)

    own = (await cloud.call(token, "GET", "/credentials")).json()["credentials"]
    assert [(one["id"], one["blob"]) for one in own] == [(made["id"], "very secret seed")]
    files = list(cloud.settings.keys_dir.parent.glob("kilonova.db*"))
    assert files
    assert all(b"very secret seed" not in path.read_bytes() for path in files)


async def test_ec2_keys_are_made_and_deleted_by_their_owner(cloud: IdentityCloud) -> None:
    token, demo = await cloud.token("demo", "demo"), await cloud.id_of("users", "demo")
    path, project = f"/users/{demo}/credentials/OS-EC2", await cloud.id_of("projects", "demo")
    key = (await cloud.call(token, "POST", path, {"tenant_id": project})).json()["credential"]

    assert (key["user_id"], key["tenant_id"]) == (demo, project)
    assert (await cloud.call(token, "GET", f"{path}/{key['access']}")).json()["credential"] == key
    assert (await cloud.call(token, "GET", path)).json()["credentials"] == [key]
    foreign = {"tenant_id": await cloud.id_of("projects", "admin")}
    assert (await cloud.call(token, "POST", path, foreign)).status_code == 404
    assert (await cloud.call(token, "DELETE", f"{path}/{key['access']}")).status_code == 204
    assert (await cloud.call(token, "GET", f"{path}/{key['access']}")).status_code == 404


async def test_versions_lead_clients_to_v3(cloud: IdentityCloud) -> None:
    root = await cloud.http.get("/identity/")
    assert root.status_code == 300
    (version,) = root.json()["versions"]["values"]
    assert (version["id"], version["status"]) == ("v3.14", "stable")
    assert version["links"] == [{"rel": "self", "href": "http://cloud:8774/identity/v3/"}]
    for path in ("/identity/v3", "/identity/v3/"):
        assert (await cloud.http.get(path)).json() == {"version": version}
    assert (await cloud.http.get("/identity")).status_code == 300
