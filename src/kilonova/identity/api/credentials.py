"""/v3/credentials: secrets of users for other systems (EC2 keys, TOTP seeds, certificates), stored encrypted."""

import hashlib
from typing import Any
from uuid import uuid4

import msgspec
from starlette.responses import Response

from kilonova.identity.api import bodies
from kilonova.identity.api.documents import CREDENTIAL, IdentityRequest, allow, caller, show, show_all
from kilonova.identity.errors import InvalidInput
from kilonova.identity.policy import Target, may
from kilonova.identity.store.nouns import CREDENTIALS
from kilonova.identity.store.places import require_project
from kilonova.identity.store.rows import Document
from kilonova.web.response import empty

_CREDENTIAL = {
    "user_id": bodies.ID,
    "project_id": bodies.NULLABLE_ID,
    "type": bodies.NAME,
    "blob": bodies.TEXT,
}
_CREATE = bodies.Body("credential", _CREDENTIAL, required=("type", "blob"))
_UPDATE = bodies.Body("credential", _CREDENTIAL)


async def list_credentials(request: IdentityRequest) -> Response:
    """Those the caller may see."""
    filters = {(name, ""): request.query_params[name] for name in ("user_id", "type") if name in request.query_params}
    found = await CREDENTIALS.list(request.world.db, filters)
    who = caller(request)
    visible = [one for one in found if may(who, "list_credentials", Target(user_id=one["user_id"]))]
    return show_all(request, CREDENTIAL, [opened(request, one) for one in visible])


async def show_credential(request: IdentityRequest) -> Response:
    return show(request, CREDENTIAL, opened(request, await _allowed(request, "get_credential")))


async def create_credential(request: IdentityRequest) -> Response:
    told = await _CREATE.creation(request)
    user_id = told.get("user_id") or caller(request).user_id
    allow(request, "create_credential", user_id=user_id)
    project_id = told.get("project_id")
    if told["type"] == "ec2" and project_id is None:
        raise InvalidInput("An ec2 credential needs a project_id.")
    if project_id is not None:
        await require_project(request.world.db, project_id)
    credential = {
        "id": _identifier(told),
        "user_id": user_id,
        "project_id": project_id,
        "type": told["type"],
        "blob": told["blob"],
    }
    async with request.world.db.begin() as tx:
        await CREDENTIALS.add(tx, sealed(request, credential))
    return show(request, CREDENTIAL, credential, 201)


async def update_credential(request: IdentityRequest) -> Response:
    before = await _allowed(request, "update_credential")
    told = await _UPDATE.update(request)
    changes = {name: value for name, value in told.items() if name in _CREDENTIAL}
    allow(request, "update_credential", user_id=changes.get("user_id", before["user_id"]))
    if "blob" in changes:
        changes = sealed(request, changes)
    async with request.world.db.begin() as tx:
        credential = await CREDENTIALS.change(tx, await CREDENTIALS.get(tx, before["id"]), changes)
    return show(request, CREDENTIAL, opened(request, credential))


async def delete_credential(request: IdentityRequest) -> Response:
    credential = await _allowed(request, "delete_credential")
    async with request.world.db.begin() as tx:
        await CREDENTIALS.remove(tx, id=credential["id"])
    return empty()


def _identifier(told: dict[str, Any]) -> str:
    """An EC2 credential is found by its access key: its id is that key's SHA-256. Errors: InvalidInput."""
    if told["type"] != "ec2":
        return uuid4().hex
    try:
        blob = msgspec.json.decode(told["blob"], type=dict[str, Any])
        return hashlib.sha256(str(blob["access"]).encode()).hexdigest()
    except (msgspec.MsgspecError, KeyError) as error:
        raise InvalidInput("The blob of an ec2 credential is a JSON object with access and secret.") from error


async def _allowed(request: IdentityRequest, rule: str) -> Document:
    credential = await CREDENTIALS.get(request.world.db, request.params["id"])
    allow(request, rule, user_id=credential["user_id"])
    return credential


def sealed(request: IdentityRequest, credential: Document) -> Document:
    world = request.world
    blob = world.credential_keys.seal(credential["blob"].encode(), at=world.clock.time()).decode()
    return {**credential, "blob": blob}


def opened(request: IdentityRequest, credential: Document) -> Document:
    blob = request.world.credential_keys.open(credential["blob"].encode())
    return {**credential, "blob": "" if blob is None else blob.decode()}
