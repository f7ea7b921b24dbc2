"""/v3/roles, and which role implies which."""

from typing import Any
from uuid import uuid4

from starlette.responses import Response

from kilonova.contract.identity import EVERYBODY
from kilonova.db.statement import delete_by, insert_into
from kilonova.identity.api import bodies
from kilonova.identity.api.documents import ROLE, IdentityRequest, allow, base, show, show_page
from kilonova.identity.errors import GlobalRoleRefused, InvalidInput, Missing
from kilonova.identity.removal import remove_role
from kilonova.identity.rolebook import Role, RoleBook
from kilonova.identity.store.nouns import ROLES
from kilonova.identity.store.tables import implied_roles
from kilonova.web.response import empty, json_response

_ROLE = {
    "name": bodies.NAME,
    "domain_id": bodies.NULLABLE_ID,
    "description": bodies.NULLABLE_TEXT,
    "options": bodies.OPTIONS,
}
_BODY = bodies.Body("role", _ROLE, required=("name",))


async def list_roles(request: IdentityRequest) -> Response:
    """Without `domain_id` the roles of all domains, not those of one."""
    allow(request, "list_roles")
    return await show_page(
        request, ROLE, ("name", "domain_id"), **({} if "domain_id" in request.query_params else {"domain_id": ""})
    )


async def show_role(request: IdentityRequest) -> Response:
    allow(request, "get_role")
    return show(request, ROLE, await ROLES.get(request.world.db, request.params["role_id"]))


async def create_role(request: IdentityRequest) -> Response:
    allow(request, "create_role")
    role = {"options": {}, "description": None, **await _BODY.creation(request), "id": uuid4().hex}
    role["domain_id"] = role.get("domain_id") or ""
    async with request.world.db.begin() as tx:
        await ROLES.add(tx, role)
    request.world.roles.drop()
    return show(request, ROLE, role, 201)


async def update_role(request: IdentityRequest) -> Response:
    allow(request, "update_role")
    changes = await _BODY.update(request)
    async with request.world.revocations.change() as change:
        before = await ROLES.get(change.tx, request.params["role_id"])
        if (changes.pop("domain_id", None) or before["domain_id"]) != before["domain_id"]:
            raise InvalidInput("The domain of a role cannot be changed.")
        role = await ROLES.change(change.tx, before, changes)
        change.touch(EVERYBODY)
    request.world.roles.drop()
    return show(request, ROLE, role)


async def delete_role(request: IdentityRequest) -> Response:
    allow(request, "delete_role")
    async with request.world.revocations.change() as change:
        role = await ROLES.get(change.tx, request.params["role_id"])
        await remove_role(change, role["id"])
    request.world.roles.drop()
    return empty()


async def list_implied(request: IdentityRequest) -> Response:
    allow(request, "list_implied_roles")
    prior = await ROLES.get(request.world.db, request.params["role_id"])
    book = await request.world.roles.get()
    inference = _inference(request, book, prior["id"])
    links = {"self": f"{base(request)}/roles/{prior['id']}/implies"}
    return json_response({"role_inference": inference, "links": links})


async def show_implied(request: IdentityRequest) -> Response:
    allow(request, "get_implied_role")
    pair = await _pair(request)
    book = await request.world.roles.get()
    _require(book, pair)
    return _show_pair(request, book, pair, 200)


async def check_implied(request: IdentityRequest) -> Response:
    allow(request, "get_implied_role")
    _require(await request.world.roles.get(), await _pair(request))
    return empty()


async def create_implied(request: IdentityRequest) -> Response:
    allow(request, "create_implied_role")
    pair = await _pair(request)
    book = await request.world.roles.get()
    if pair["implied_role_id"] not in book.direct.get(pair["prior_role_id"], set()):
        _check_implication(book, pair)
        async with request.world.revocations.change() as change:
            await change.tx.execute(insert_into(implied_roles), **pair)
            change.touch(EVERYBODY)
        request.world.roles.drop()
    return _show_pair(request, await request.world.roles.get(), pair, 201)


async def delete_implied(request: IdentityRequest) -> Response:
    allow(request, "delete_implied_role")
    pair = await _pair(request)
    async with request.world.revocations.change() as change:
        if not await change.tx.execute(delete_by(implied_roles, tuple(pair)), **pair):
            raise Missing("implied role", pair["implied_role_id"])
        change.touch(EVERYBODY)
    request.world.roles.drop()
    return empty()


async def list_inferences(request: IdentityRequest) -> Response:
    allow(request, "list_role_inference_rules")
    book = await request.world.roles.get()
    inferences = [_inference(request, book, role_id) for role_id in sorted(book.direct) if role_id in book.roles]
    return json_response({"role_inferences": inferences, "links": {"self": base(request) + "/role_inferences"}})


def _check_implication(book: RoleBook, pair: dict[str, str]) -> None:
    """Errors: InvalidInput for a circle, GlobalRoleRefused for a domain's role, which a common one cannot imply."""
    prior, implied = pair["prior_role_id"], pair["implied_role_id"]
    if book.roles[implied].domain_id and not book.roles[prior].domain_id:
        raise GlobalRoleRefused(implied)
    if prior == implied or prior in book.implied_by(implied):
        raise InvalidInput(f"Role {implied} implies {prior} already: they cannot imply one another.")


async def _pair(request: IdentityRequest) -> dict[str, str]:
    """Errors: Missing."""
    book = await request.world.roles.get()
    pair = {"prior_role_id": request.params["role_id"], "implied_role_id": request.params["implied_id"]}
    for role_id in pair.values():
        if role_id not in book.roles:
            raise Missing("role", role_id)
    return pair


def _require(book: RoleBook, pair: dict[str, str]) -> None:
    if pair["implied_role_id"] not in book.direct.get(pair["prior_role_id"], set()):
        raise Missing("implied role", pair["implied_role_id"])


def _show_pair(request: IdentityRequest, book: RoleBook, pair: dict[str, str], status: int) -> Response:
    prior, implied = book.roles[pair["prior_role_id"]], book.roles[pair["implied_role_id"]]
    inference = {"prior_role": _named(request, prior), "implies": _named(request, implied)}
    links = {"self": f"{base(request)}/roles/{prior.id}/implies/{implied.id}"}
    return json_response({"role_inference": inference, "links": links}, status)


def _inference(request: IdentityRequest, book: RoleBook, prior_id: str) -> dict[str, Any]:
    implied = [_named(request, book.roles[one]) for one in sorted(book.direct.get(prior_id, ())) if one in book.roles]
    return {"prior_role": _named(request, book.roles[prior_id]), "implies": implied}


def _named(request: IdentityRequest, role: Role) -> dict[str, Any]:
    links = {"self": f"{base(request)}/roles/{role.id}"}
    return {"id": role.id, "name": role.name, "domain_id": role.domain_id or None, "links": links}
