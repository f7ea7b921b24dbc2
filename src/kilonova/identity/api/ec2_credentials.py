"""/v3/users/{id}/credentials/OS-EC2: EC2 access keys, which are stored credentials of type `ec2`."""

import hashlib
import secrets
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.identity.api.credentials import opened, sealed
from kilonova.identity.api.documents import IdentityRequest, allow, base
from kilonova.identity.errors import InvalidInput, Missing
from kilonova.identity.store.access import projects_of
from kilonova.identity.store.nouns import CREDENTIALS, USERS
from kilonova.identity.store.rows import Document
from kilonova.web.response import empty, json_response


async def list_keys(request: IdentityRequest) -> Response:
    user_id = await _allowed(request, "list_credentials")
    filters = {("user_id", ""): user_id, ("type", ""): "ec2"}
    found = await CREDENTIALS.list(request.world.db, filters)
    links = {"self": f"{base(request)}/users/{user_id}/credentials/OS-EC2", "previous": None, "next": None}
    return json_response({"credentials": [_shown(request, one) for one in found], "links": links})


async def create_key(request: IdentityRequest) -> Response:
    user_id = await _allowed(request, "create_credential")
    project_id = await _project(request, user_id)
    access = secrets.token_hex(16)
    blob = msgspec.json.encode({"access": access, "secret": secrets.token_hex(16)}).decode()
    credential = {"id": _identifier(access), "user_id": user_id, "project_id": project_id, "type": "ec2", "blob": blob}
    async with request.world.db.begin() as tx:
        await CREDENTIALS.add(tx, sealed(request, credential))
    return json_response({"credential": _shown(request, sealed(request, credential))}, 201)


async def show_key(request: IdentityRequest) -> Response:
    user_id = await _allowed(request, "get_credential")
    return json_response({"credential": _shown(request, await _key(request, user_id))})


async def delete_key(request: IdentityRequest) -> Response:
    credential = await _key(request, await _allowed(request, "delete_credential"))
    async with request.world.db.begin() as tx:
        await CREDENTIALS.remove(tx, id=credential["id"])
    return empty()


async def _allowed(request: IdentityRequest, rule: str) -> str:
    """The user of the path. Errors: Missing, NotAllowed."""
    allow(request, rule, user_id=request.params["user_id"])
    user = await USERS.get(request.world.db, request.params["user_id"])
    return str(user["id"])


async def _project(request: IdentityRequest, user_id: str) -> str:
    """The project (`tenant_id`) the key is for; the user must have a role there. Errors: InvalidInput, Missing."""
    document = await request.document()
    told = document.get("tenant_id") if isinstance(document, dict) else None
    if not isinstance(told, str):
        raise InvalidInput("Invalid input for field 'tenant_id': a project's id is needed.")
    if all(project["id"] != told for project in await projects_of(request.world.db, user_id)):
        raise Missing("project", told)
    return told


async def _key(request: IdentityRequest, user_id: str) -> Document:
    """Errors: Missing, for another user's key too."""
    access = request.params["access"]
    found = await CREDENTIALS.find(request.world.db, id=_identifier(access), user_id=user_id, type="ec2")
    if found is None:
        raise Missing("credential", access)
    return found


def _identifier(access: str) -> str:
    return hashlib.sha256(access.encode()).hexdigest()


def _shown(request: IdentityRequest, credential: Document) -> dict[str, Any]:
    blob = msgspec.json.decode(opened(request, credential)["blob"], type=dict[str, Any])
    own = f"{base(request)}/users/{credential['user_id']}/credentials/OS-EC2/{blob.get('access', '')}"
    return {
        "access": blob.get("access", ""),
        "secret": blob.get("secret", ""),
        "user_id": credential["user_id"],
        "tenant_id": credential["project_id"],
        "trust_id": None,
        "links": {"self": own},
    }
