"""How other services check tokens: over REST, remembered briefly, never past a revocation."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kilonova.model.errors import Unauthenticated, Unavailable
from kilonova.observe import trace
from kilonova.peers.identity import ServiceSession, ServiceUser, TokenChecker
from tests.identity.conftest import IdentityCloud


class Counter:
    """The application, with how often it was asked to validate."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.validations = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].endswith("/auth/tokens") and scope["method"] == "GET":
            self.validations += 1
        await self._app(scope, receive, send)


@pytest.fixture
def counter(cloud: IdentityCloud) -> Counter:
    cloud.app = counted = Counter(cloud.app)  # type: ignore[assignment]
    return counted


@pytest.fixture
async def checker(cloud: IdentityCloud, counter: Counter) -> AsyncIterator[TokenChecker]:
    checker = cloud.checker(step="4,5")
    subscription = await checker.listen(cloud.bus)
    yield checker
    await subscription.cancel()


async def settled() -> None:
    """Until what was announced has been delivered."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_checker_tells_who_calls(cloud: IdentityCloud, checker: TokenChecker) -> None:
    caller = await checker(await cloud.token("demo", "demo"))

    assert (caller.user_name, caller.project_name, caller.project_domain_id) == ("demo", "demo", "default")
    assert caller.roles == {"member", "reader"}
    assert not caller.system
    system = await cloud.authenticate(
        {"methods": ["token"], "token": {"id": await cloud.token("admin")}}, {"system": {"all": True}}
    )
    admin = await checker(system.headers["X-Subject-Token"])
    assert admin.system
    assert {"admin", "reader"} <= admin.roles


async def test_a_known_token_is_not_asked_for_again_until_its_time_is_over(
    cloud: IdentityCloud, checker: TokenChecker, counter: Counter
) -> None:
    token = await cloud.token("demo", "demo")
    await asyncio.gather(*(checker(token) for _ in range(20)))
    await checker(token)
    assert counter.validations == 1

    cloud.clock.ahead_s += 61
    await checker(token)
    assert counter.validations == 2


async def test_an_expired_token_is_refused_though_it_is_known(cloud: IdentityCloud, checker: TokenChecker) -> None:
    token = await cloud.token("demo", "demo")
    cloud.clock.ahead_s += 3590
    await checker(token)
    cloud.clock.ahead_s += 11

    with pytest.raises(Unauthenticated):
        await checker(token)


@pytest.mark.parametrize("token", ["nonsense", "", "ümlaut", "a b", "x\r\nX-Evil: 1", "y" * 9000])
async def test_what_is_no_token_is_refused(checker: TokenChecker, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await checker(token)


@pytest.mark.parametrize("how", ["revoke", "password", "disable user", "disable project", "delete project", "ungrant"])
async def test_a_revocation_reaches_the_memory_of_a_checker(
    cloud: IdentityCloud, checker: TokenChecker, how: str
) -> None:
    user, project = await cloud.user("eva"), await cloud.project("garden")
    await cloud.grant(user, project, "member")
    token, bystander = await cloud.token("eva", "garden"), await cloud.token("demo", "demo")
    assert (await checker(token)).user_id == user
    await checker(bystander)

    if how == "revoke":
        await cloud.call(token, "DELETE", "/auth/tokens", **{"X-Subject-Token": token})
    elif how == "password":
        told = {"user": {"password": "new", "original_password": "eva-secret"}}
        assert (await cloud.http.post(f"/identity/v3/users/{user}/password", json=told)).status_code == 204
    elif how == "disable user":
        await cloud.admin("PATCH", f"/users/{user}", {"user": {"enabled": False}})
    elif how == "disable project":
        await cloud.admin("PATCH", f"/projects/{project}", {"project": {"enabled": False}})
    elif how == "delete project":
        await cloud.admin("DELETE", f"/projects/{project}")
    else:
        await cloud.grant(user, project, "member", method="DELETE")
    await settled()

    with pytest.raises(Unauthenticated):
        await checker(token)
    assert (await checker(bystander)).user_name == "demo"


async def test_a_role_that_a_group_loses_is_gone_at_the_next_check(cloud: IdentityCloud, checker: TokenChecker) -> None:
    user, project = await cloud.user("eva"), await cloud.project("garden")
    group = (await cloud.admin("POST", "/groups", {"group": {"name": "gardeners"}}))["group"]["id"]
    await cloud.admin("PUT", f"/groups/{group}/users/{user}")
    await cloud.grant(user, project, "reader")
    path = f"/projects/{project}/groups/{group}/roles/{await cloud.role('manager')}"
    await cloud.admin("PUT", path)
    token = await cloud.token("eva", "garden")
    assert (await checker(token)).roles == {"manager", "member", "reader"}

    await cloud.admin("DELETE", path)
    await settled()
    assert (await checker(token)).roles == {"reader"}


async def test_a_changed_implication_is_seen_at_once(cloud: IdentityCloud, checker: TokenChecker) -> None:
    token = await cloud.token("demo", "demo")
    await checker(token)

    await cloud.admin("DELETE", f"/roles/{await cloud.role('member')}/implies/{await cloud.role('reader')}")
    await settled()
    assert (await checker(token)).roles == {"member"}


async def test_a_service_whose_own_token_ended_logs_in_again(cloud: IdentityCloud, checker: TokenChecker) -> None:
    await checker(await cloud.token("demo", "demo"))
    nova = await cloud.id_of("users", "nova")
    for enabled in (False, True):
        await cloud.admin("PATCH", f"/users/{nova}", {"user": {"enabled": enabled}})
    assert (await checker(await cloud.token("demo", "demo"))).user_name == "demo"
    cloud.clock.ahead_s += 4000
    assert (await checker(await cloud.token("demo", "demo"))).user_name == "demo"


async def test_a_service_keeps_its_token_until_shortly_before_its_end(cloud: IdentityCloud) -> None:
    session = cloud.session("glance")
    first = await session.token()
    assert await session.token() == first
    cloud.clock.ahead_s += 3500
    assert await session.token() != first


async def test_a_wrong_service_password_is_the_clouds_fault_not_the_users(cloud: IdentityCloud) -> None:
    session = ServiceSession(cloud.rest(), ServiceUser(username="nova", password="wrong"), cloud.clock)
    checker = TokenChecker(session, cloud.clock)

    with pytest.raises(Unavailable):
        await checker(await cloud.token("demo", "demo"))


async def test_a_bounded_memory_forgets_the_oldest(cloud: IdentityCloud, counter: Counter) -> None:
    checker = cloud.checker(size=2)
    tokens = [await cloud.token("demo", "demo") for _ in range(3)]
    for token in tokens:
        await checker(token)
    assert counter.validations == 3
    await checker(tokens[2])
    assert counter.validations == 3
    await checker(tokens[0])
    assert counter.validations == 4


async def test_compute_can_ask_whether_a_project_exists(cloud: IdentityCloud) -> None:
    asker = cloud.asker()
    assert await asker.project_exists(await cloud.id_of("projects", "demo"))
    for strange in ("0" * 32, "", "../users", "a?b", "ü", "a b"):
        assert not await asker.project_exists(strange)


async def test_a_check_is_a_step_of_the_trace_asked_or_remembered(cloud: IdentityCloud, checker: TokenChecker) -> None:
    token = await cloud.token("demo", "demo")
    spans: list[trace.Span] = []
    trace.set_sink(spans.append)
    traced = trace.begin_trace()
    try:
        await checker(token)
        await checker(token)
    finally:
        trace.end_trace(traced)
        trace.set_sink(None)

    checks = [(span.name, span.kind, span.target) for span in spans if span.step == "4,5"]
    assert checks == [("GET /v3/auth/tokens", "rest", "identity"), ("token known", "work", "identity")]
