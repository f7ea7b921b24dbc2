"""/v3/domains."""

from uuid import uuid4

from starlette.responses import Response

from kilonova.identity.api import bodies
from kilonova.identity.api.documents import DOMAIN, IdentityRequest, allow, caller, show, show_page
from kilonova.identity.api.projects import change_project, refuse_enabled
from kilonova.identity.removal import remove_domain
from kilonova.identity.store.nouns import PROJECTS
from kilonova.identity.store.places import require_domain
from kilonova.identity.store.rows import Document
from kilonova.web.response import empty

_DOMAIN = {
    "name": bodies.SHORT_NAME,
    "enabled": bodies.FLAG,
    "description": bodies.NULLABLE_TEXT,
    "tags": bodies.TAGS,
    "options": bodies.OPTIONS,
}
_BODY = bodies.Body("domain", _DOMAIN, required=("name",))
# What makes a project of a domain is not for its body to say.
_FIXED = ("domain_id", "parent_id", "is_domain", "explicit_domain_id")


async def list_domains(request: IdentityRequest) -> Response:
    allow(request, "list_domains", domain_id=caller(request).domain_id)
    only = caller(request).domain_id if not caller(request).is_admin else None
    return await show_page(request, DOMAIN, ("name", "enabled"), is_domain=True, id=only)


async def show_domain(request: IdentityRequest) -> Response:
    allow(request, "get_domain", domain_id=request.params["domain_id"])
    return show(request, DOMAIN, await require_domain(request.world.db, request.params["domain_id"]))


async def create_domain(request: IdentityRequest) -> Response:
    allow(request, "create_domain")
    told = await _BODY.creation(request)
    domain: Document = {
        **{"enabled": True, "tags": [], "options": {}, "description": ""},
        **{name: value for name, value in told.items() if name not in _FIXED},
        **{"id": uuid4().hex, "domain_id": "", "parent_id": "", "is_domain": True},
    }
    async with request.world.db.begin() as tx:
        await PROJECTS.add(tx, domain)
    return show(request, DOMAIN, domain, 201)


async def update_domain(request: IdentityRequest) -> Response:
    allow(request, "update_domain")
    domain = await require_domain(request.world.db, request.params["domain_id"])
    told = await _BODY.update(request)
    changes = {name: value for name, value in told.items() if name not in _FIXED}
    return show(request, DOMAIN, await change_project(request, domain["id"], changes))


async def delete_domain(request: IdentityRequest) -> Response:
    allow(request, "delete_domain")
    domain = await require_domain(request.world.db, request.params["domain_id"])
    refuse_enabled(domain)
    async with request.world.revocations.change() as change:
        await remove_domain(change, domain["id"])
    return empty()
