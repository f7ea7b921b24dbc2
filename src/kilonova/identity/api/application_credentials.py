"""/v3/users/{id}/application_credentials: passwords for programs, with some of a user's roles on one project."""

import secrets
from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from kilonova.contract import identity as subject
from kilonova.identity.api import bodies
from kilonova.identity.api.documents import IdentityRequest, allow, base, caller
from kilonova.identity.errors import InvalidInput, Missing, NotAllowed
from kilonova.identity.rolebook import RoleBook
from kilonova.identity.store.nouns import APPLICATION_CREDENTIALS, USERS
from kilonova.identity.store.rows import Document
from kilonova.identity.tokens import TokenCaller
from kilonova.model.time import moment_of, stamp
from kilonova.web.response import empty, json_response

_ROLE_REFERENCE = {
    "type": "object",
    "properties": {"id": bodies.ID, "name": bodies.NAME},
    "minProperties": 1,
}
_CREATE = bodies.Body(
    "application_credential",
    {
        "name": bodies.NAME,
        "description": bodies.NULLABLE_TEXT,
        "secret": bodies.NULLABLE_TEXT,
        "expires_at": bodies.NULLABLE_TEXT,
        "roles": {"type": "array", "items": _ROLE_REFERENCE},
        "unrestricted": {"type": ["boolean", "null"]},
    },
    required=("name",),
)


async def list_credentials(request: IdentityRequest) -> Response:
    user_id = await _allowed(request, "list_application_credentials")
    filters: dict[tuple[str, str], Any] = {("user_id", ""): user_id}
    if (name := request.query_params.get("name")) is not None:
        filters[("name", "")] = name
    found = await APPLICATION_CREDENTIALS.list(request.world.db, filters)
    book = await request.world.roles.get()
    shown = [_shown(request, book, one) for one in found]
    links = {"self": f"{base(request)}/users/{user_id}/application_credentials", "previous": None, "next": None}
    return json_response({"application_credentials": shown, "links": links})


async def show_credential(request: IdentityRequest) -> Response:
    user_id = await _allowed(request, "get_application_credential")
    credential = await _get(request, user_id)
    return json_response({"application_credential": _shown(request, await request.world.roles.get(), credential)})


async def create_credential(request: IdentityRequest) -> Response:
    """The secret is shown here and never again."""
    user_id = await _allowed(request, "create_application_credential")
    who = caller(request)
    _refuse_restricted(who)
    if who.project_id is None:
        raise InvalidInput("An application credential is made with a token of the project it is for.")
    told = await _CREATE.creation(request)
    if told.get("access_rules"):
        # Made without them it could do more than it was meant to.
        raise InvalidInput("Application credentials cannot be held to access rules here; hold them to roles.")
    book = await request.world.roles.get()
    secret = told.get("secret") or secrets.token_urlsafe(64)
    credential: Document = {
        "id": uuid4().hex,
        "user_id": user_id,
        "project_id": who.project_id,
        "name": told["name"],
        "description": told.get("description"),
        "expires_at": _expiry(request, told.get("expires_at")),
        "unrestricted": bool(told.get("unrestricted")),
        "role_ids": _roles(who, book, told.get("roles")),
        "secret_hash": await request.world.passwords.hash(secret),
    }
    async with request.world.db.begin() as tx:
        await APPLICATION_CREDENTIALS.add(tx, credential)
    return json_response({"application_credential": {**_shown(request, book, credential), "secret": secret}}, 201)


async def delete_credential(request: IdentityRequest) -> Response:
    user_id = await _allowed(request, "delete_application_credential")
    _refuse_restricted(caller(request))
    credential = await _get(request, user_id)
    async with request.world.revocations.change() as change:
        await APPLICATION_CREDENTIALS.remove(change.tx, id=credential["id"])
        await change.revoke(subject.application_credential(credential["id"]))
    return empty()


def _refuse_restricted(who: TokenCaller) -> None:
    """A credential that could make credentials could outlive its own end. Errors: NotAllowed."""
    grant = who.facts.grant
    if grant is not None and not grant.unrestricted:
        raise NotAllowed("a restricted application credential may not manage application credentials")


def _roles(who: TokenCaller, book: RoleBook, told: list[dict[str, str]] | None) -> list[str]:
    """Ids of the roles told, all of which the caller's token must have. Errors: InvalidInput, Missing."""
    held = {role.id: role for role in who.facts.roles}
    if not told:
        return sorted(held)
    by_name = {role.name: role.id for role in book.roles.values() if not role.domain_id}
    chosen: set[str] = set()
    for reference in told:
        role_id = reference.get("id") or by_name.get(reference.get("name", ""), "")
        if role_id not in book.roles:
            raise Missing("role", reference.get("id") or reference.get("name", ""))
        if role_id not in held:
            raise InvalidInput(f"The caller does not have the role {book.roles[role_id].name} on the project.")
        chosen.add(role_id)
    return sorted(chosen)


def _expiry(request: IdentityRequest, told: str | None) -> str | None:
    """Errors: InvalidInput when it is no time or not in the future."""
    if told is None:
        return None
    try:
        moment: datetime = moment_of(told)
    except ValueError as error:
        raise InvalidInput(f"Invalid input for field 'expires_at': {told!r} is not a time.") from error
    if stamp(moment) <= request.world.clock.now():
        raise InvalidInput("Invalid input for field 'expires_at': it must be in the future.")
    return stamp(moment)


async def _allowed(request: IdentityRequest, rule: str) -> str:
    """The user of the path. Errors: Missing, NotAllowed."""
    allow(request, rule, user_id=request.params["user_id"])
    user = await USERS.get(request.world.db, request.params["user_id"])
    return str(user["id"])


async def _get(request: IdentityRequest, user_id: str) -> Document:
    credential = await APPLICATION_CREDENTIALS.get(request.world.db, request.params["credential_id"])
    if credential["user_id"] != user_id:
        raise Missing("application credential", credential["id"])
    return credential


def _shown(request: IdentityRequest, book: RoleBook, credential: Document) -> Document:
    roles = [book.roles[role_id] for role_id in credential["role_ids"] if role_id in book.roles]
    own = f"{base(request)}/users/{credential['user_id']}/application_credentials/{credential['id']}"
    return {
        "id": credential["id"],
        "name": credential["name"],
        "description": credential["description"],
        "project_id": credential["project_id"],
        "user_id": credential["user_id"],
        "roles": [{"id": role.id, "name": role.name, "domain_id": role.domain_id or None} for role in roles],
        "expires_at": credential["expires_at"],
        "unrestricted": credential["unrestricted"],
        "links": {"self": own},
    }
