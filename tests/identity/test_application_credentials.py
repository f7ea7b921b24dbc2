"""Application credentials: made by their owner, limited to what the owner has."""

from typing import Any

import pytest

from tests.identity.conftest import IdentityCloud


async def made(cloud: IdentityCloud, token: str, *, status: int = 201, **more: Any) -> dict[str, Any]:
    user = (await cloud.validate(token)).json()["token"]["user"]["id"]
    body = {"application_credential": {"name": "robot", **more}}
    answer = await cloud.call(token, "POST", f"/users/{user}/application_credentials", body)
    assert answer.status_code == status, answer.text
    shown: dict[str, Any] = answer.json().get("application_credential", {})
    return shown


def method(credential: dict[str, Any], **instead: Any) -> dict[str, Any]:
    told = {"id": credential["id"], "secret": credential["secret"], **instead}
    return {"methods": ["application_credential"], "application_credential": told}


def path(credential: dict[str, Any]) -> str:
    return f"/users/{credential['user_id']}/application_credentials/{credential['id']}"


async def test_a_credential_logs_in_to_its_project_with_the_roles_chosen(cloud: IdentityCloud) -> None:
    credential = await made(cloud, await cloud.token("demo", "demo"), roles=[{"name": "reader"}])
    token = (await cloud.authenticate(method(credential))).json()["token"]

    assert token["methods"] == ["application_credential"]
    assert token["project"]["name"] == "demo"
    assert [role["name"] for role in token["roles"]] == ["reader"]
    assert token["application_credential"] == {"id": credential["id"], "name": "robot", "restricted": True}
    by_name = {"name": "robot", "user": {"name": "demo", "domain": {"id": "default"}}, "secret": credential["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": by_name}
    assert (await cloud.authenticate(identity)).status_code == 201


async def test_the_secret_is_shown_once(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    credential = await made(cloud, token)

    shown = (await cloud.call(token, "GET", path(credential))).json()["application_credential"]
    assert shown == {name: value for name, value in credential.items() if name != "secret"}
    listed = await cloud.call(token, "GET", f"/users/{credential['user_id']}/application_credentials?name=robot")
    assert listed.json()["application_credentials"] == [shown]


@pytest.mark.parametrize("wrong", [{"secret": "wrong"}, {"id": "0" * 32}])
async def test_a_wrong_secret_is_refused_as_an_unknown_credential_is(cloud: IdentityCloud, wrong: Any) -> None:
    credential = await made(cloud, await cloud.token("demo", "demo"))
    answer = await cloud.authenticate(method(credential, **wrong))

    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "The request you have made requires authentication."


async def test_nobody_chooses_roles_they_do_not_have(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    await made(cloud, token, roles=[{"name": "admin"}], status=400)
    await made(cloud, token, roles=[{"name": "no such role"}], status=404)


async def test_access_rules_are_refused_rather_than_forgotten(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    rule = {"path": "/v2.1/servers", "method": "GET", "service": "compute"}

    await made(cloud, token, status=400, access_rules=[rule])

    assert (await made(cloud, token, access_rules=[]))["name"] == "robot"


async def test_nobody_makes_one_for_somebody_else(cloud: IdentityCloud) -> None:
    demo = await cloud.id_of("users", "demo")
    body = {"application_credential": {"name": "robot"}}
    await cloud.admin("POST", f"/users/{demo}/application_credentials", body, status=403)


async def test_a_credential_and_its_tokens_end_when_they_should(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    credential = await made(cloud, token, expires_at=cloud.clock.after(1800))
    its_token = (await cloud.authenticate(method(credential))).headers["X-Subject-Token"]
    assert (await cloud.validate(its_token)).status_code == 200
    cloud.clock.ahead_s += 1801

    assert (await cloud.validate(its_token)).status_code == 401
    assert (await cloud.authenticate(method(credential))).status_code == 401
    await made(cloud, token, name="late", expires_at="2020-01-01T00:00:00Z", status=400)
    await made(cloud, token, name="never", expires_at="tomorrow", status=400)


async def test_only_an_unrestricted_one_makes_and_deletes_others(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    restricted = await made(cloud, token)
    unrestricted = await made(cloud, token, name="free", unrestricted=True)
    bound, free = [
        (await cloud.authenticate(method(credential))).headers["X-Subject-Token"]
        for credential in (restricted, unrestricted)
    ]

    await made(cloud, bound, name="third", status=403)
    assert (await cloud.call(bound, "DELETE", path(unrestricted))).status_code == 403
    await made(cloud, free, name="third")
    assert (await cloud.call(free, "DELETE", path(restricted))).status_code == 204
    assert (await cloud.validate(bound)).status_code == 401


async def test_a_credentials_token_cannot_become_another(cloud: IdentityCloud) -> None:
    credential = await made(cloud, await cloud.token("demo", "demo"))
    token = (await cloud.authenticate(method(credential))).headers["X-Subject-Token"]

    answer = await cloud.authenticate({"methods": ["token"], "token": {"id": token}}, "unscoped")
    assert answer.status_code == 403


async def test_losing_the_role_takes_the_credential_along(cloud: IdentityCloud) -> None:
    user, project = await cloud.user("eva"), await cloud.project("garden")
    for role in ("member", "service"):
        await cloud.grant(user, project, role)
    token = await cloud.token("eva", "garden")
    credential = await made(cloud, token)
    its_token = (await cloud.authenticate(method(credential))).headers["X-Subject-Token"]

    await cloud.grant(user, project, "service", method="DELETE")
    assert (await cloud.validate(its_token)).status_code == 401
    assert (await cloud.authenticate(method(credential))).status_code == 401
    assert (await cloud.validate(token)).status_code == 200


async def test_two_of_one_name_cannot_be(cloud: IdentityCloud) -> None:
    token = await cloud.token("demo", "demo")
    await made(cloud, token)
    await made(cloud, token, status=409)
