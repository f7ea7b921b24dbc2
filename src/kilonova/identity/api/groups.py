"""/v3/groups and who is in them."""

from typing import Any
from uuid import uuid4

from starlette.responses import Response

from kilonova.contract import identity as subject
from kilonova.db.statement import delete_by, insert_into
from kilonova.identity.api import bodies
from kilonova.identity.api.documents import (
    GROUP,
    USER,
    IdentityRequest,
    allow,
    default_domain,
    listed_domain,
    seen_domain,
    show,
    show_all,
    show_page,
)
from kilonova.identity.errors import InvalidInput, Missing
from kilonova.identity.removal import remove_group
from kilonova.identity.store.nouns import GROUPS, USERS
from kilonova.identity.store.people import member_ids
from kilonova.identity.store.places import require_domain
from kilonova.identity.store.tables import memberships
from kilonova.web.response import empty

_GROUP = {"name": bodies.SHORT_NAME, "domain_id": bodies.NULLABLE_ID, "description": bodies.NULLABLE_TEXT}
_BODY = bodies.Body("group", _GROUP, required=("name",))


async def list_groups(request: IdentityRequest) -> Response:
    allow(request, "list_groups", domain_id=listed_domain(request))
    return await show_page(request, GROUP, ("name", "domain_id"), domain_id=seen_domain(request))


async def show_group(request: IdentityRequest) -> Response:
    return show(request, GROUP, await _allowed(request, "get_group"))


async def create_group(request: IdentityRequest) -> Response:
    group = {"description": "", **await _BODY.creation(request), "id": uuid4().hex}
    group["domain_id"] = group.get("domain_id") or default_domain(request)
    allow(request, "create_group", domain_id=group["domain_id"])
    async with request.world.db.begin() as tx:
        await require_domain(tx, group["domain_id"])
        await GROUPS.add(tx, group)
    return show(request, GROUP, group, 201)


async def update_group(request: IdentityRequest) -> Response:
    before = await _allowed(request, "update_group")
    changes = await _BODY.update(request)
    if changes.get("domain_id", before["domain_id"]) != before["domain_id"]:
        raise InvalidInput("The domain of a group cannot be changed.")
    async with request.world.db.begin() as tx:
        group = await GROUPS.change(tx, before, changes)
    return show(request, GROUP, group)


async def delete_group(request: IdentityRequest) -> Response:
    group = await _allowed(request, "delete_group")
    async with request.world.revocations.change() as change:
        await remove_group(change, group["id"])
    return empty()


async def list_members(request: IdentityRequest) -> Response:
    group = await _allowed(request, "list_users_in_group")
    db = request.world.db
    found = await USERS.named(db, await member_ids(db, group["id"]))
    return show_all(request, USER, [found[user_id] for user_id in sorted(found)])


async def add_member(request: IdentityRequest) -> Response:
    pair = await _pair(request, "add_user_to_group")
    async with request.world.revocations.change() as change:
        if pair["user_id"] not in await member_ids(change.tx, pair["group_id"]):
            await change.tx.execute(insert_into(memberships), **pair)
        change.touch(subject.user(pair["user_id"]))
    return empty()


async def check_member(request: IdentityRequest) -> Response:
    pair = await _pair(request, "check_user_in_group")
    if pair["user_id"] not in await member_ids(request.world.db, pair["group_id"]):
        raise Missing("user in group", pair["user_id"])
    return empty()


async def remove_member(request: IdentityRequest) -> Response:
    pair = await _pair(request, "remove_user_from_group")
    async with request.world.revocations.change() as change:
        if not await change.tx.execute(delete_by(memberships, ("user_id", "group_id")), **pair):
            raise Missing("user in group", pair["user_id"])
        change.touch(subject.user(pair["user_id"]))
    return empty()


async def _allowed(request: IdentityRequest, rule: str) -> dict[str, Any]:
    group = await GROUPS.get(request.world.db, request.params["group_id"])
    allow(request, rule, domain_id=group["domain_id"])
    return group


async def _pair(request: IdentityRequest, rule: str) -> dict[str, str]:
    """Both must be in the domain of who manages one. Errors: Missing for group or user, NotAllowed."""
    group = await _allowed(request, rule)
    user = await USERS.get(request.world.db, request.params["user_id"])
    allow(request, rule, domain_id=user["domain_id"])
    return {"user_id": user["id"], "group_id": group["id"]}
