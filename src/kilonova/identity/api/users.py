"""/v3/users."""

from typing import Any
from uuid import uuid4

from starlette.responses import Response

from kilonova.contract import identity as subject
from kilonova.identity.api import bodies
from kilonova.identity.api.documents import (
    GROUP,
    PROJECT,
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
from kilonova.identity.errors import InvalidInput, NotAuthenticated
from kilonova.identity.removal import remove_user
from kilonova.identity.store.access import projects_of
from kilonova.identity.store.nouns import GROUPS, USERS
from kilonova.identity.store.people import find_person, group_ids
from kilonova.identity.store.places import require_domain
from kilonova.web.response import empty

_USER = {
    "name": bodies.NAME,
    "domain_id": bodies.NULLABLE_ID,
    "default_project_id": bodies.NULLABLE_ID,
    "enabled": bodies.FLAG,
    "password": bodies.NULLABLE_TEXT,
    "description": bodies.NULLABLE_TEXT,
    "options": bodies.OPTIONS,
}
_CREATE = bodies.Body("user", _USER, required=("name",))
_UPDATE = bodies.Body("user", _USER)
_PASSWORD = bodies.Body(
    "user", {"password": bodies.TEXT, "original_password": bodies.TEXT}, required=("password", "original_password")
)


async def list_users(request: IdentityRequest) -> Response:
    allow(request, "list_users", domain_id=listed_domain(request))
    return await show_page(request, USER, ("name", "domain_id", "enabled"), domain_id=seen_domain(request))


async def show_user(request: IdentityRequest) -> Response:
    return show(request, USER, await _allowed(request, "get_user"))


async def create_user(request: IdentityRequest) -> Response:
    user = await _CREATE.creation(request)
    user = {"enabled": True, "options": {}, "default_project_id": None, "password_expires_at": None, **user}
    user["id"] = uuid4().hex
    user["domain_id"] = user.get("domain_id") or default_domain(request)
    allow(request, "create_user", domain_id=user["domain_id"])
    await _hash_password(request, user)
    async with request.world.db.begin() as tx:
        await require_domain(tx, user["domain_id"])
        await USERS.add(tx, user)
    return show(request, USER, user, 201)


async def update_user(request: IdentityRequest) -> Response:
    before = await _allowed(request, "update_user")
    changes = await _UPDATE.update(request)
    if changes.get("domain_id", before["domain_id"]) != before["domain_id"]:
        raise InvalidInput("The domain of a user cannot be changed.")
    await _hash_password(request, changes)
    async with request.world.revocations.change() as change:
        user = await USERS.change(change.tx, await USERS.get(change.tx, before["id"]), changes)
        if "password_hash" in changes or changes.get("enabled") is False:
            await change.revoke(subject.user(user["id"]))
        change.touch(subject.user(user["id"]))
    return show(request, USER, user)


async def delete_user(request: IdentityRequest) -> Response:
    user = await _allowed(request, "delete_user")
    async with request.world.revocations.change() as change:
        await remove_user(change, user["id"])
    return empty()


async def change_password(request: IdentityRequest) -> Response:
    """No token is asked for: whoever knows the old password may set a new one. Ends all tokens of the user."""
    told = await _PASSWORD.creation(request)
    world = request.world
    found = await find_person(world.db, id=request.params["user_id"])
    user = await world.login.check_password(found, told["original_password"])
    if told["password"] == told["original_password"]:
        raise InvalidInput("The new password must differ from the old one.")
    password_hash = await world.passwords.hash(told["password"])
    async with world.revocations.change() as change:
        before = await USERS.get(change.tx, user.id)
        if before["password_hash"] != user.password_hash:
            # Somebody changed it while we were hashing: the old password we checked is not the old one any more.
            raise NotAuthenticated()
        await USERS.change(change.tx, before, {"password_hash": password_hash})
        await change.revoke(subject.user(user.id))
    return empty()


async def list_groups_of_user(request: IdentityRequest) -> Response:
    user = await _allowed(request, "list_groups_for_user")
    db = request.world.db
    found = await GROUPS.named(db, await group_ids(db, user["id"]))
    return show_all(request, GROUP, [found[group_id] for group_id in sorted(found)])


async def list_projects_of_user(request: IdentityRequest) -> Response:
    user = await _allowed(request, "list_user_projects")
    return show_all(request, PROJECT, await projects_of(request.world.db, user["id"]))


async def _allowed(request: IdentityRequest, rule: str) -> dict[str, Any]:
    """The user of the path. Errors: Missing, NotAllowed."""
    user = await USERS.get(request.world.db, request.params["user_id"])
    allow(request, rule, user_id=user["id"], domain_id=user["domain_id"])
    return user


async def _hash_password(request: IdentityRequest, user: dict[str, Any]) -> None:
    user.pop("password_hash", None)
    if "password" in user:
        password = user.pop("password")
        user["password_hash"] = None if password is None else await request.world.passwords.hash(password)
