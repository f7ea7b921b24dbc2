"""Every operation as everybody: who is let in is who Nova's default rule names, and nobody else."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from kilonova.api.policy_rules import DEFAULTS
from kilonova.api.routes.route import Route
from kilonova.api.routes.table import ROUTES
from kilonova.api.version import HIGHEST
from kilonova.db.repository import server_groups
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.examples import UUID, example
from tests.api.rows import put_servers
from tests.counts import Count

ROLES = ("nobody", "reader", "member", "manager", "admin", "service")
EVERYBODY = frozenset(ROLES)

# Who has the role that each of Nova's default checks asks for, on a thing of their own.
PASSING = {
    "rule:context_is_admin": {"admin"},
    "rule:project_manager_or_admin": {"manager", "admin"},
    "rule:project_member_or_admin": {"member", "manager", "admin"},
    "rule:project_reader_or_admin": {"reader", "member", "manager", "admin"},
    "rule:service_or_admin": {"service", "admin"},
    "(rule:context_is_admin) or user_id:%(user_id)s": EVERYBODY,
    "@": EVERYBODY,
    "!": frozenset[str](),
}

# Calls that need no token have no row: they are answered before the table is looked at. These are let in by no rule,
# so that everybody with a token may call them.
WITHOUT_RULE = {
    "/versions/{id}", "/flavors", "/flavors/detail", "/flavors/{id}", "/images", "/images/detail", "/images/{id}",
    "/images/{image_id}/metadata", "/images/{image_id}/metadata/{id}", "/os-baremetal-nodes",
    "/os-baremetal-nodes/{id}", "/os-baremetal-nodes/{id}/action",
}  # fmt: skip

# What hangs on the caller: the owner of another project is as welcome as anybody.
OF_THE_CALLER = {"/os-keypairs", "/os-keypairs/{id}"}

# Bodies that an example of the schema does not make.
BODIES: dict[str, Any] = {
    "/servers/{server_id}/metadata/{id}": {"meta": {UUID: "value"}},
    "/images/{image_id}/metadata/{id}": {"meta": {UUID: "value"}},
    "/flavors/{flavor_id}/os-extra_specs/{id}": {UUID: "value"},
    "/os-aggregates/{id}": {"aggregate": {"name": "rack"}},
    "/os-hosts/{id}": {"status": "enable"},
}

# A host may be named by admins only.
ACTIONS: dict[str, Any] = {
    "migrate": {"migrate": None},
    "os-migrateLive": {"os-migrateLive": {"host": None, "block_migration": "auto"}},
}

# A bad request whoever asks, with or without a server: there is none of it any more.
WITHOUT_THE_THING = {"os-getRDPConsole"}


def rows() -> Iterator[Route]:
    return (route for route in ROUTES if not route.gone)


async def ids(cloud: Cloud, route: Route) -> dict[str, str]:
    """What the path names, of PROJECT, and fresh: a call before may have deleted it."""
    if "{server_id}" in route.path:
        (server_id,) = await put_servers(cloud.db, {})
        return {"server_id": server_id}
    if route.path.startswith("/os-server-groups/"):
        return {"id": await put_group(cloud)}
    if route.path.startswith(("/os-quota-sets/", "/os-simple-tenant-usage/")):
        return {"id": PROJECT}
    return {}


async def put_group(cloud: Cloud) -> str:
    made = str(uuid.uuid4())
    async with cloud.db.begin() as tx:
        await server_groups.insert(
            tx,
            id=made,
            project_id=PROJECT,
            user_id="user-member",
            name="group",
            policy="affinity",
            rules="{}",
            created_at=cloud.world.clock.now(),
        )
    return made


def body_of(route: Route, version: int) -> Any:
    if route.action in ACTIONS:
        return ACTIONS[route.action]
    if route.path in BODIES and route.method == "PUT":
        return BODIES[route.path]
    schema = None if route.body is None else route.body.schema_at(version)
    return None if schema is None else example(schema)


async def call(cloud: Cloud, route: Route, token: str | None) -> httpx.Response:
    version = HIGHEST if route.high is None else route.high
    known = await ids(cloud, route)
    path = re.sub(r"\{([^}]+)\}", lambda name: known.get(name[1], UUID), route.path)
    headers = {"OpenStack-API-Version": f"compute 2.{version}"} | ({"X-Auth-Token": token} if token else {})
    body = body_of(route, version)
    return await cloud.client.request(
        route.method, cloud.base + path, headers=headers, **({} if body is None else {"json": body})
    )


def verdict(answer: httpx.Response) -> str:
    """`allowed` says nothing of what came after: most things named here are not there."""
    if answer.status_code == 401:
        return "who?"
    text = answer.text
    if answer.status_code == 403 and "Policy doesn't allow" in text:
        return "refused"
    if answer.status_code == 404 and "Instance" in text and "could not be found" in text:
        return "hidden"
    return "allowed"


def expected(route: Route, role: str) -> str:
    if not route.rule or route.action in WITHOUT_THE_THING:
        return "allowed"
    return "allowed" if role in PASSING[DEFAULTS[route.rule]] else "refused"


def test_every_operation_has_a_rule_that_is_one_of_nova_s() -> None:
    assert {route.path for route in rows() if not route.rule} == WITHOUT_RULE
    assert {route.rule for route in rows() if route.rule} <= DEFAULTS.keys()
    assert {DEFAULTS[route.rule] for route in rows() if route.rule} <= PASSING.keys()


def test_the_bodies_are_such_as_the_operations_take() -> None:
    for route in rows():
        version = HIGHEST if route.high is None else route.high
        check = None if route.body is None else route.body.at(version)
        if check is not None:
            check.body(body_of(route, version), legacy=False)


async def test_every_operation_lets_in_who_its_rule_names(whole: Cloud, count: Count) -> None:
    # A stream that is closed ends at once.
    await whole.world.stream.close()
    wrong: list[str] = []
    held = 0
    for route in rows():
        found = {"no token": verdict(await call(whole, route, None))}
        wanted = {"no token": "who?"}
        for role in ROLES:
            found[role] = verdict(await call(whole, route, f"{role}:{PROJECT}"))
            wanted[role] = expected(route, role)
        other = verdict(await call(whole, route, f"member:{OTHER_PROJECT}"))
        found["another project"] = "refused" if route.owned and other == "hidden" else other
        of_somebody = route.owned and DEFAULTS[route.rule] != "@" and route.action not in WITHOUT_THE_THING
        shut = of_somebody and route.path not in OF_THE_CALLER
        wanted["another project"] = "refused" if shut else expected(route, "member")
        for who, what in wanted.items():
            if found[who] == what:
                held += 1
            else:
                name = f"{route.method} {route.path} {route.action or ''}"
                wrong.append(f"{name}: {who} was {found[who]}, should be {what}")
    count(held, held + len(wrong), "calls of the policy matrix are let in, or not, as Nova's table says")
    assert wrong == []
