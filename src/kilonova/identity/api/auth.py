"""/v3/auth: tokens, and what a token's owner may do next."""

from typing import Any

from starlette.responses import Response

from kilonova.contract import identity as subject
from kilonova.identity.api.documents import DOMAIN, PROJECT, IdentityRequest, allow, base, caller, show_all
from kilonova.identity.errors import NotAuthenticated, TokenNotFound
from kilonova.identity.login import parse_auth
from kilonova.identity.payload import ScopeKind
from kilonova.identity.store.access import domains_of, has_system_role, projects_of
from kilonova.identity.token_document import token_document
from kilonova.identity.tokens import Token
from kilonova.web.response import empty, json_response

_VARY = {"Vary": "X-Auth-Token"}


async def create_token(request: IdentityRequest) -> Response:
    auth = parse_auth(await request.document())
    token = await request.world.login.authenticate(auth)
    return await _show_token(request, token, 201)


async def show_token(request: IdentityRequest) -> Response:
    return await _show_token(request, await _subject_token(request), 200)


async def revoke_token(request: IdentityRequest) -> Response:
    token = await _subject_token(request, rule="revoke_token")
    async with request.world.revocations.change() as change:
        await change.revoke(subject.audit(token.payload.audit_ids[0]))
    return empty()


async def show_catalog(request: IdentityRequest) -> Response:
    token = caller(request).facts
    catalog = await request.world.catalog.get()
    entries = catalog.for_token(token.project.id if token.project else None, token.user.id)
    return json_response({"catalog": entries, "links": {"self": base(request) + "/auth/catalog"}})


async def list_projects(request: IdentityRequest) -> Response:
    """Where the caller may get a project's token."""
    found = await projects_of(request.world.db, caller(request).user_id)
    return show_all(request, PROJECT, [project for project in found if project["enabled"]])


async def list_domains(request: IdentityRequest) -> Response:
    found = await domains_of(request.world.db, caller(request).user_id)
    return show_all(request, DOMAIN, [domain for domain in found if domain["enabled"]])


async def show_system(request: IdentityRequest) -> Response:
    system: list[dict[str, Any]] = []
    if await has_system_role(request.world.db, caller(request).user_id):
        system.append({"all": True})
    return json_response({"system": system, "links": {"self": base(request) + "/auth/system"}})


async def _subject_token(request: IdentityRequest, *, rule: str = "validate_token") -> Token:
    """Errors: TokenNotFound when it is not valid (any more), NotAllowed."""
    token_id = request.headers.get("x-subject-token", "")
    allow_expired = request.query_params.get("allow_expired", "").lower() in ("1", "true")
    own = caller(request).facts
    if token_id == own.id:
        return own
    try:
        token = await request.world.tokens.read(token_id, allow_expired=allow_expired)
    except NotAuthenticated as error:
        raise TokenNotFound() from error
    allow(request, rule, user_id=token.user.id)
    return token


async def _show_token(request: IdentityRequest, token: Token, status: int) -> Response:
    catalog = None
    if token.scope.kind is not ScopeKind.UNSCOPED and "nocatalog" not in request.query_params:
        known = await request.world.catalog.get()
        catalog = known.for_token(token.project.id if token.project else None, token.user.id)
    return json_response(token_document(token, catalog), status, {"X-Subject-Token": token.id, **_VARY})
