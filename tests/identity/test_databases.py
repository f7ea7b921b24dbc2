"""Identity on each of the databases: what touches every table, and what engines are known to differ in."""

import asyncio
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from kilonova.db.statement import Statement
from kilonova.identity.revocation import Revocations
from kilonova.identity.store.tables import revocations as revocation_table
from tests.identity.conftest import IdentityCloud

COUNT = Statement(select(func.count()).select_from(revocation_table))


@pytest.fixture
def store_url(database_url: str) -> str:
    return database_url


async def test_every_noun_lives_and_goes(cloud: IdentityCloud) -> None:
    domain = (await cloud.admin("POST", "/domains", {"domain": {"name": "Stadt", "enabled": True}}))["domain"]["id"]
    user, project = await cloud.user("Änne", domain_id=domain), await cloud.project("park", domain_id=domain)
    group = (await cloud.admin("POST", "/groups", {"group": {"name": "g", "domain_id": domain}}))["group"]["id"]
    await cloud.admin("PUT", f"/groups/{group}/users/{user}")
    await cloud.admin("PUT", f"/projects/{project}/groups/{group}/roles/{await cloud.role('manager')}")
    inherited = f"/OS-INHERIT/domains/{domain}/users/{user}/roles/{await cloud.role('service')}/inherited_to_projects"
    await cloud.admin("PUT", inherited)
    method = {"methods": ["password"], "password": {"user": {"id": user, "password": "Änne-secret"}}}
    answer = await cloud.authenticate(method, {"project": {"id": project}})

    assert [role["name"] for role in answer.json()["token"]["roles"]] == ["manager", "member", "reader", "service"]
    token = answer.headers["X-Subject-Token"]
    body = {"application_credential": {"name": "robot", "roles": [{"name": "reader"}]}}
    path = f"/users/{user}/application_credentials"
    credential = (await cloud.call(token, "POST", path, body)).json()["application_credential"]
    told = {"id": credential["id"], "secret": credential["secret"]}
    robot = await cloud.authenticate({"methods": ["application_credential"], "application_credential": told})
    assert robot.status_code == 201
    assert (await cloud.call(token, "POST", "/credentials", {"credential": {"type": "t", "blob": "b"}})).is_success
    assert len((await cloud.admin("GET", f"/role_assignments?user.id={user}&effective"))["role_assignments"]) == 4

    await cloud.admin("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
    assert (await cloud.validate(token)).status_code == 401
    await cloud.admin("DELETE", f"/domains/{domain}", status=204)
    for kind in ("users", "groups", "projects"):
        assert (await cloud.admin("GET", f"/{kind}?domain_id={domain}"))[kind] == []


async def test_names_differ_by_case_and_are_found_without(cloud: IdentityCloud) -> None:
    await cloud.user("eva")
    await cloud.user("EVA")
    await cloud.admin("POST", "/users", {"user": {"name": "eva"}}, status=409)

    assert [one["name"] for one in (await cloud.admin("GET", "/users?name=eva"))["users"]] == ["eva"]
    assert len((await cloud.admin("GET", "/users?name__contains=Ev"))["users"]) == 2
    assert (await cloud.login("Eva", password="eva-secret")).status_code == 401


async def test_revocations_are_forgotten_when_no_token_they_concern_can_live(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    await cloud.call(token, "DELETE", "/auth/tokens", **{"X-Subject-Token": token})
    revocations = Revocations(cloud.db, cloud.bus, cloud.clock, keep_s=0)
    assert (await cloud.validate(token)).status_code == 401

    for ahead_s, kept in ((3600 + 172000, 1), (1000, 0)):
        cloud.clock.ahead_s += ahead_s
        await revocations.prune()
        assert await cloud.db.fetch_value(COUNT) == kept


async def test_hostile_text_is_refused_or_kept_as_it_is(cloud: IdentityCloud) -> None:
    for name in ("a\x00b", "\x00", "'; DROP TABLE identity_user; --", "\u202e\U0001f600", "%_!"):
        answer = await cloud.call(
            await cloud.token("admin", "admin"), "POST", "/users", {"user": {"name": name, "description": name}}
        )
        assert answer.status_code == (400 if "\x00" in name else 201), answer.text
        if answer.status_code == 201:
            assert answer.json()["user"]["name"] == name
        for path in (f"/users/{quote(name, safe='')}", f"/users?name={quote(name)}", f"/users?marker={quote(name)}"):
            assert (await cloud.call(await cloud.token("admin", "admin"), "GET", path)).status_code < 500


async def test_assignments_made_at_the_same_time_are_all_made_once(cloud: IdentityCloud) -> None:
    user, project = await cloud.user("eva"), await cloud.project("garden")
    role = await cloud.role("reader")
    path = f"/projects/{project}/users/{user}/roles/{role}"
    await asyncio.gather(*(cloud.admin("PUT", path, status=204) for _ in range(5)))

    assert len((await cloud.admin("GET", f"/role_assignments?user.id={user}"))["role_assignments"]) == 1
