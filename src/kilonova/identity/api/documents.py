"""What all of the API's documents have in common: links, pages, filters, and who may see them."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from kilonova.identity.errors import InvalidInput
from kilonova.identity.policy import Target, check
from kilonova.identity.store import nouns
from kilonova.identity.store.rows import Document, Rows, comparisons
from kilonova.identity.tokens import TokenCaller
from kilonova.identity.world import World
from kilonova.web.request import Request
from kilonova.web.response import json_response

IdentityRequest = Request[World]


class Kind(msgspec.Struct, frozen=True):
    """How a noun is called in bodies and URLs. `hidden` columns are never shown."""

    singular: str
    plural: str
    rows: Rows
    hidden: frozenset[str] = frozenset()


USER = Kind("user", "users", nouns.USERS, frozenset({"password_hash"}))
PROJECT = Kind("project", "projects", nouns.PROJECTS)
DOMAIN = Kind("domain", "domains", nouns.PROJECTS, frozenset({"is_domain", "domain_id", "parent_id"}))
GROUP = Kind("group", "groups", nouns.GROUPS)
ROLE = Kind("role", "roles", nouns.ROLES)
SERVICE = Kind("service", "services", nouns.SERVICES)
ENDPOINT = Kind("endpoint", "endpoints", nouns.ENDPOINTS)
REGION = Kind("region", "regions", nouns.REGIONS)
CREDENTIAL = Kind("credential", "credentials", nouns.CREDENTIALS)

# Empty in the database (so that they count in unique constraints), null in the API.
_NULL_WHEN_EMPTY = ("domain_id", "parent_id")


def caller(request: IdentityRequest) -> TokenCaller:
    """Only tokens that `Tokens.caller` read come here."""
    found = request.caller
    assert isinstance(found, TokenCaller)
    return found


def allow(request: IdentityRequest, rule: str, **target: str | None) -> None:
    """Errors: NotAllowed."""
    check(caller(request), rule, Target(**target))


def base(request: IdentityRequest) -> str:
    return request.base + "/v3"


def shown(request: IdentityRequest, kind: Kind, document: Document) -> Document:
    visible = {name: value for name, value in document.items() if name not in kind.hidden}
    for name in _NULL_WHEN_EMPTY:
        if visible.get(name) == "":
            visible[name] = None
    visible["links"] = {"self": f"{base(request)}/{kind.plural}/{document['id']}"}
    return visible


def show(request: IdentityRequest, kind: Kind, document: Document, status: int = 200) -> Response:
    return json_response({kind.singular: shown(request, kind, document)}, status)


def show_all(
    request: IdentityRequest, kind: Kind, documents: list[Document], *, more: bool = False, **beside: Any
) -> Response:
    """`more`: there is a next page, beginning after the last of these."""
    links: dict[str, str | None] = {"next": None, "self": _own_url(request), "previous": None}
    if more and documents:
        links["next"] = _own_url(request, marker=documents[-1]["id"])
    return json_response(
        {kind.plural: [shown(request, kind, document) for document in documents], "links": links, **beside}
    )


async def show_page(
    request: IdentityRequest, kind: Kind, allowed: tuple[str, ...], **fixed: str | bool | None
) -> Response:
    """The rows that pass the query's filters on `allowed` columns and the `fixed` ones (None: not fixed)."""
    filters = filters_of(request, kind, allowed)
    filters |= {(name, ""): value for name, value in fixed.items() if value is not None}
    limit = limit_of(request)
    found = await kind.rows.list(
        request.world.db,
        filters,
        limit=None if limit is None else limit + 1,
        marker=request.query_params.get("marker"),
    )
    more = limit is not None and len(found) > limit
    return show_all(request, kind, found[:limit], more=more)


def filters_of(request: IdentityRequest, kind: Kind, allowed: tuple[str, ...]) -> dict[tuple[str, str], Any]:
    """`name=x`, `name__contains=x`, `enabled` …; what is not allowed is ignored, as Keystone does."""
    found: dict[tuple[str, str], Any] = {}
    for key, value in request.query_params.multi_items():
        name, _, comparison = key.partition("__")
        if name not in allowed or (comparison and comparison not in comparisons()):
            continue
        if name in ("enabled", "is_domain"):
            found[(name, "")] = truth(value)
        else:
            found[(name, comparison)] = value
    return found


def truth(value: str) -> bool:
    """`?enabled` alone means true."""
    return value.lower() not in ("0", "false", "no", "off")


def limit_of(request: IdentityRequest) -> int | None:
    """Errors: InvalidInput."""
    told = request.query_params.get("limit")
    if told is None:
        return None
    if not told.isdigit() or not 0 < int(told) < 2**31:
        raise InvalidInput(f"Invalid input for field 'limit': {told!r} is not a positive integer.")
    return int(told)


def _own_url(request: IdentityRequest, **changed: str) -> str:
    path: str = request.scope["path"][len(request.scope.get("root_path", "")) :]
    query = {**request.query_params, **changed}
    return request.base + path + (f"?{urlencode(query)}" if query else "")


def seen_domain(request: IdentityRequest) -> str | None:
    """The one domain a caller with a domain's token sees in lists; None for who sees all."""
    who = caller(request)
    return None if who.is_admin or who.system else who.domain_id


def listed_domain(request: IdentityRequest) -> str | None:
    """The domain a list is about, for its rule."""
    return request.query_params.get("domain_id") or caller(request).domain_id


def default_domain(request: IdentityRequest) -> str:
    """Where things are made when the body does not say."""
    who = caller(request)
    return who.domain_id or who.project_domain_id or "default"
