"""Server groups: list, create, show, delete. Somebody else's is refused by policy (403), not hidden."""

from typing import Any

import msgspec

from kilonova.api import quota
from kilonova.api.paging import limit_of, offset_of
from kilonova.api.policy_checks import Target
from kilonova.api.quota import UNLIMITED, QuotaExceeded
from kilonova.api.request import Request
from kilonova.api.server_groups import view
from kilonova.db.database import Transaction
from kilonova.db.repository import server_groups
from kilonova.model.errors import BadRequest
from kilonova.model.server_group import ServerGroup

_ALL_PROJECTS = "os_compute_api:os-server-groups:index:all_projects"


async def index(request: Request) -> dict[str, Any]:
    """`all_projects` counts for admins only; others get their own as if they had not asked."""
    everybody = "all_projects" in request.query and request.caller.is_admin
    if everybody:
        request.allow(_ALL_PROJECTS)
    found = await server_groups.listed(
        request.world.db,
        project_id=None if everybody else request.caller.project_id or "",
        limit=limit_of(request),
        offset=offset_of(request),
    )
    return {"server_groups": [view.full(request, group) for group in found]}


async def show(request: Request) -> dict[str, Any]:
    group = await server_groups.get(request.world.db, request.params["id"])
    _allow(request, group)
    return {"server_group": view.full(request, group)}


async def delete(request: Request) -> None:
    async with request.world.db.begin() as tx:
        group = await server_groups.get(tx, request.params["id"])
        _allow(request, group)
        await server_groups.delete(tx, group.id)


async def create(request: Request) -> dict[str, Any]:
    """Errors: QuotaExceeded, BadRequest for rules that the policy does not know."""
    asked = request.body["server_group"]
    policy = asked["policy"] if "policy" in asked else asked["policies"][0]
    rules = {name: int(value) for name, value in asked.get("rules", {}).items()}
    if rules and policy != "anti-affinity":
        raise BadRequest("Only anti-affinity policy supports rules.")
    world = request.world
    group = ServerGroup(
        id=world.new_id(),
        project_id=request.project_id,
        user_id=request.caller.user_id,
        name=asked["name"],
        policy=policy,
        rules=msgspec.json.encode(rules).decode(),
    )
    async with world.db.begin() as tx:
        await _check_quota(request, tx, group)
        columns = msgspec.structs.asdict(group)
        del columns["members"]
        await server_groups.insert(tx, created_at=world.clock.now(), **columns)
    return {"server_group": view.full(request, group)}


def _allow(request: Request, group: ServerGroup) -> None:
    request.allow(target=Target(group.project_id, group.user_id))


async def _check_quota(request: Request, tx: Transaction, group: ServerGroup) -> None:
    held = await quota.limits(request, tx, group.project_id)
    counts = await server_groups.counts(tx, group.project_id)
    of_all, of_user = held.of("server_groups"), held.of_user("server_groups", group.user_id)
    if UNLIMITED != of_all <= sum(counts.values()) or UNLIMITED != of_user <= counts.get(group.user_id, 0):
        raise QuotaExceeded("Quota exceeded, too many server groups.")
