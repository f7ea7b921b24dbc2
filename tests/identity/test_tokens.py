"""Tokens: asked for, looked at, ended."""

from typing import Any

import pytest

from kilonova.identity.bootstrap import bootstrap
from tests.identity.conftest import PASSWORDS, IdentityCloud, password_method


async def test_a_password_gets_a_project_token_with_roles_and_catalog(cloud: IdentityCloud) -> None:
    answer = await cloud.login("demo", "demo")

    token = answer.json()["token"]
    assert token["project"]["name"] == "demo"
    assert token["methods"] == ["password"]
    assert [role["name"] for role in token["roles"]] == ["member", "reader"]
    assert len(answer.headers["X-Subject-Token"]) < 255
    project_id = token["project"]["id"]
    urls = {entry["type"]: {one["url"] for one in entry["endpoints"]} for entry in token["catalog"]}
    assert urls == {
        "identity": {"http://cloud:8774/identity"},
        "compute": {"http://cloud:8774/compute/v2.1"},
        "image": {"http://cloud:8774/image"},
        "network": {"http://cloud:8774/network"},
        "volumev3": {f"http://cloud:8774/volume/v3/{project_id}"},
        "block-storage": {f"http://cloud:8774/volume/v3/{project_id}"},
        "placement": {"http://cloud:8774/placement"},
    }
    interfaces = [one["interface"] for one in token["catalog"][0]["endpoints"]]
    assert sorted(interfaces) == ["admin", "internal", "public"]


async def test_tokens_are_scoped_to_a_project_a_domain_the_system_or_nothing(cloud: IdentityCloud) -> None:
    demo = await cloud.id_of("users", "demo")
    await cloud.admin("PUT", f"/domains/default/users/{demo}/roles/{await cloud.role('reader')}")
    method = password_method("demo", PASSWORDS["demo"])

    unscoped = (await cloud.authenticate(method, "unscoped")).json()["token"]
    assert not {"project", "domain", "system", "roles", "catalog"} & unscoped.keys()
    in_domain = (await cloud.authenticate(method, {"domain": {"name": "Default"}})).json()["token"]
    assert in_domain["domain"] == {"id": "default", "name": "Default"}
    assert [role["name"] for role in in_domain["roles"]] == ["reader"]
    assert (await cloud.authenticate(method, {"system": {"all": True}})).status_code == 401
    admin = await cloud.authenticate(password_method("admin", PASSWORDS["admin"]), {"system": {"all": True}})
    assert admin.json()["token"]["system"] == {"all": True}


async def test_without_a_scope_the_default_project_counts_when_there_is_a_role(cloud: IdentityCloud) -> None:
    demo, project = await cloud.id_of("users", "demo"), await cloud.id_of("projects", "demo")
    await cloud.admin("PATCH", f"/users/{demo}", {"user": {"default_project_id": project}})
    method = password_method("demo", PASSWORDS["demo"])

    assert (await cloud.authenticate(method)).json()["token"]["project"]["id"] == project
    await cloud.grant(demo, project, "member", method="DELETE")
    assert "project" not in (await cloud.authenticate(method)).json()["token"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "demo", "domain": {"id": "default"}, "password": "wrong"},
        {"name": "nobody", "domain": {"id": "default"}, "password": "demo-secret"},
        {"name": "demo", "domain": {"name": "Nowhere"}, "password": "demo-secret"},
        {"id": "0" * 32, "password": "demo-secret"},
        {"name": "demo", "domain": {"id": "default"}, "password": ""},
    ],
)
async def test_a_refused_login_says_the_same_whatever_was_wrong(cloud: IdentityCloud, wrong: dict[str, Any]) -> None:
    answer = await cloud.authenticate({"methods": ["password"], "password": {"user": wrong}})

    assert answer.status_code == 401
    message = "The request you have made requires authentication."
    assert answer.json() == {"error": {"code": 401, "message": message, "title": "Unauthorized"}}
    assert answer.headers["WWW-Authenticate"] == 'Keystone uri="http://cloud:8774/identity"'


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"auth": {}},
        {"auth": {"identity": {"methods": []}}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": "x"}}}}},
        {"auth": {"identity": {"methods": "password"}}},
    ],
)
async def test_a_login_without_its_parts_is_a_bad_request(cloud: IdentityCloud, body: Any) -> None:
    answer = await cloud.http.post("/identity/v3/auth/tokens", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["title"] == "Bad Request"


async def test_a_token_makes_another_that_ends_with_it(cloud: IdentityCloud) -> None:
    first = await cloud.login("demo")
    cloud.clock.ahead_s += 600
    identity = {"methods": ["token"], "token": {"id": first.headers["X-Subject-Token"]}}
    second = await cloud.authenticate(identity, {"project": {"name": "demo", "domain": {"id": "default"}}})

    old, new = first.json()["token"], second.json()["token"]
    assert new["expires_at"] == old["expires_at"]
    assert new["methods"] == ["password", "token"]
    assert new["audit_ids"][1] == old["audit_ids"][0]


async def test_a_token_expires_and_services_may_look_at_it_a_while_longer(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    cloud.clock.ahead_s += 3500
    nova = await cloud.token("nova", "service")
    assert (await cloud.validate(token, by=nova)).status_code == 200
    cloud.clock.ahead_s += 200

    assert (await cloud.validate(token)).status_code == 401
    assert (await cloud.validate(token, by=nova)).status_code == 404
    assert (await cloud.validate(token, by=nova, query="?allow_expired=1")).status_code == 200
    cloud.clock.ahead_s += 172800
    nova = await cloud.token("nova", "service")
    assert (await cloud.validate(token, by=nova, query="?allow_expired=1")).status_code == 404


async def test_only_services_admins_and_the_owner_look_at_a_token(cloud: IdentityCloud) -> None:
    admin, demo = await cloud.token("admin", "admin"), await cloud.token("demo", "demo")
    nova = await cloud.token("nova", "service")

    assert (await cloud.validate(demo, by=nova)).json()["token"]["user"]["name"] == "demo"
    assert (await cloud.validate(demo, by=admin)).status_code == 200
    assert (await cloud.validate(demo)).status_code == 200
    assert (await cloud.validate(admin, by=demo)).status_code == 403
    assert "catalog" not in (await cloud.validate(demo, query="?nocatalog")).json()["token"]
    head = await cloud.call(demo, "HEAD", "/auth/tokens", **{"X-Subject-Token": demo})
    assert (head.status_code, head.headers["X-Subject-Token"]) == (200, demo)


async def test_a_token_that_was_tampered_with_is_none(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    middle = len(token) // 2
    for forged in (token[:-3], token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :], "x", ""):
        assert (await cloud.validate(forged)).status_code == 401
        nova = await cloud.token("nova", "service")
        assert (await cloud.validate(forged, by=nova)).status_code == 404


async def test_headers_that_claim_an_identity_mean_nothing(cloud: IdentityCloud) -> None:
    claims = {"X-User-Id": "admin", "X-Roles": "admin", "X-Identity-Status": "Confirmed", "X-Is-Admin-Project": "True"}

    assert (await cloud.http.get("/identity/v3/users", headers=claims)).status_code == 401
    demo = await cloud.token("demo", "demo")
    assert (await cloud.call(demo, "GET", "/users", **claims)).status_code == 403


async def test_a_revoked_token_is_void_and_others_of_the_user_are_not(cloud: IdentityCloud) -> None:
    token, other = await cloud.token("demo", "demo"), await cloud.token("demo", "demo")

    assert (await cloud.call(token, "DELETE", "/auth/tokens", **{"X-Subject-Token": token})).status_code == 204
    assert (await cloud.validate(token)).status_code == 401
    assert (await cloud.validate(other)).status_code == 200


async def test_a_removed_role_is_gone_from_tokens_and_the_last_one_takes_the_token_along(cloud: IdentityCloud) -> None:
    user, project = await cloud.user("eva"), await cloud.project("garden")
    await cloud.grant(user, project, "manager")
    await cloud.grant(user, project, "service")
    token = await cloud.token("eva", "garden")

    await cloud.grant(user, project, "manager", method="DELETE")
    assert [role["name"] for role in (await cloud.validate(token)).json()["token"]["roles"]] == ["service"]
    await cloud.grant(user, project, "service", method="DELETE")
    assert (await cloud.validate(token)).status_code == 401


@pytest.mark.parametrize("kind", ["user", "project"])
async def test_disabling_ends_tokens_for_good(cloud: IdentityCloud, kind: str) -> None:
    token = await cloud.token("demo", "demo")
    path = f"/{kind}s/{await cloud.id_of(kind + 's', 'demo')}"

    await cloud.admin("PATCH", path, {kind: {"enabled": False}})
    assert (await cloud.validate(token)).status_code == 401
    assert (await cloud.login("demo", "demo")).status_code == 401
    await cloud.admin("PATCH", path, {kind: {"enabled": True}})
    assert (await cloud.validate(token)).status_code == 401
    assert (await cloud.login("demo", "demo")).status_code == 201


async def test_changing_a_password_ends_all_tokens_and_needs_the_old_one(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    path = f"/identity/v3/users/{await cloud.id_of('users', 'demo')}/password"

    wrong = await cloud.http.post(path, json={"user": {"password": "new", "original_password": "wrong"}})
    assert wrong.status_code == 401
    right = await cloud.http.post(path, json={"user": {"password": "new", "original_password": "demo-secret"}})
    assert right.status_code == 204
    assert (await cloud.validate(token)).status_code == 401
    assert (await cloud.login("demo", "demo")).status_code == 401
    assert (await cloud.login("demo", "demo", password="new")).status_code == 201


async def test_bootstrap_twice_changes_nothing_but_the_addresses(cloud: IdentityCloud) -> None:
    async def everything() -> dict[str, Any]:
        kinds = ("users", "projects", "domains", "roles", "role_assignments", "services", "endpoints", "regions")
        return {kind: (await cloud.admin("GET", f"/{kind}"))[kind] for kind in kinds}

    before = await everything()
    await bootstrap(cloud.db, passwords=PASSWORDS, base_url="https://elsewhere", settings=cloud.settings)
    after = await everything()

    for endpoint in before["endpoints"]:
        endpoint["url"] = endpoint["url"].replace("http://cloud:8774", "https://elsewhere")
    assert after == before
    assert (await cloud.login("demo", "demo")).status_code == 201
