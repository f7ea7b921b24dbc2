"""Placement's URLs and its shape of errors."""

import secrets
from http import HTTPStatus

from starlette.responses import Response

from kilonova.model.errors import KilonovaError
from kilonova.placement.errors import NoSuchMethod
from kilonova.placement.rest import allocations, candidates, classes, inventories, providers, traits
from kilonova.placement.rest.microversion import HEADER, MAXIMUM, MINIMUM, BadMicroversion, minor_of
from kilonova.placement.rest.world import Handler, Request, World, href, stamped, versioned
from kilonova.placement.service import PlacementService
from kilonova.web.application import Application, Routes, TokenCheck, routes_of
from kilonova.web.response import json_response

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PROVIDER = "/resource_providers/{uuid}"

# Method, path, handler, and the microversion 1.N it is there from.
TABLE: tuple[tuple[str, str, Handler, int], ...] = (
    ("GET", "/resource_providers", providers.index, 0),
    ("POST", "/resource_providers", providers.create, 0),
    ("GET", PROVIDER, providers.show, 0),
    ("PUT", PROVIDER, providers.update, 0),
    ("DELETE", PROVIDER, providers.delete, 0),
    ("GET", f"{PROVIDER}/inventories", inventories.index, 0),
    ("POST", f"{PROVIDER}/inventories", inventories.create, 0),
    ("PUT", f"{PROVIDER}/inventories", inventories.set_all, 0),
    ("DELETE", f"{PROVIDER}/inventories", inventories.delete_all, 0),
    ("GET", f"{PROVIDER}/inventories/{{resource_class}}", inventories.show, 0),
    ("PUT", f"{PROVIDER}/inventories/{{resource_class}}", inventories.set_one, 0),
    ("DELETE", f"{PROVIDER}/inventories/{{resource_class}}", inventories.delete_one, 0),
    ("GET", f"{PROVIDER}/usages", inventories.usages, 0),
    ("GET", f"{PROVIDER}/allocations", allocations.of_provider, 0),
    ("GET", f"{PROVIDER}/aggregates", traits.aggregates, 1),
    ("PUT", f"{PROVIDER}/aggregates", traits.set_aggregates, 1),
    ("GET", f"{PROVIDER}/traits", traits.of_provider, 6),
    ("PUT", f"{PROVIDER}/traits", traits.set_of_provider, 6),
    ("DELETE", f"{PROVIDER}/traits", traits.clear_of_provider, 6),
    ("GET", "/allocations/{consumer}", allocations.show, 0),
    ("PUT", "/allocations/{consumer}", allocations.put, 0),
    ("DELETE", "/allocations/{consumer}", allocations.delete, 0),
    ("POST", "/allocations", allocations.post, 13),
    ("GET", "/allocation_candidates", candidates.index, 10),
    ("GET", "/usages", allocations.totals, 9),
    ("POST", "/reshaper", allocations.reshape, 30),
    ("GET", "/resource_classes", classes.index, 2),
    ("POST", "/resource_classes", classes.create, 2),
    ("GET", "/resource_classes/{name}", classes.show, 2),
    ("PUT", "/resource_classes/{name}", classes.ensure, 2),
    ("DELETE", "/resource_classes/{name}", classes.delete, 2),
    ("GET", "/traits", traits.index, 6),
    ("GET", "/traits/{name}", traits.show, 6),
    ("PUT", "/traits/{name}", traits.ensure, 6),
    ("DELETE", "/traits/{name}", traits.delete, 6),
)


def application(service: PlacementService, check_token: TokenCheck | None) -> Application[World]:
    routes: Routes = routes_of(("GET", "/", root), public=True)
    for method, path, handler, since in TABLE:
        routes_of((method, path, versioned(handler, since, readers=path == "/usages")), into=routes)
    for path in dict.fromkeys(("/", *(path for _, path, _, _ in TABLE))):
        _refuse_others(routes, path)
    return Application("placement", routes, World(service), render=render, check_token=check_token)


def _refuse_others(routes: Routes, path: str) -> None:
    """405 for the methods that a path has not."""
    known = set(routes.methods(path))
    allowed = ", ".join(sorted(known - {"HEAD"}))

    async def refuse(request: Request) -> Response:
        raise NoSuchMethod(request.method, allowed)

    routes_of(*((method, path, refuse) for method in METHODS if method not in known), public=path == "/", into=routes)


async def root(request: Request) -> Response:
    # Clients negotiate here: a version that is not to be had must be refused.
    minor = minor_of(request.headers.get(HEADER))
    version = {
        "id": "v1.0",
        "status": "CURRENT",
        "min_version": f"1.{MINIMUM}",
        "max_version": f"1.{MAXIMUM}",
        "links": [{"rel": "self", "href": href(request, "")}],
    }
    return stamped(request, json_response({"versions": [version]}), minor)


def render(status: int, error: BaseException, request: Request) -> Response:
    """`{"errors": [{…}]}`; `code` from 1.23 on."""
    message = error.message if isinstance(error, KilonovaError) and status != 500 else "Internal server error."
    try:
        minor = minor_of(request.headers.get(HEADER))
    except KilonovaError:
        minor = MAXIMUM
    shown: dict[str, object] = {
        "status": status,
        "title": HTTPStatus(status).phrase,
        "detail": message,
        "request_id": f"req-{secrets.token_hex(16)}",
    }
    if minor >= 23:
        shown["code"] = getattr(error, "code", "placement.undefined_code")
    if isinstance(error, BadMicroversion):
        shown |= {"max_version": error.max_version, "min_version": error.min_version}
    headers = {HEADER: f"placement 1.{minor}", "vary": HEADER}
    if isinstance(error, NoSuchMethod):
        headers["allow"] = error.allowed
    if status == 401:
        headers["www-authenticate"] = "Keystone"
    return json_response({"errors": [shown]}, status, headers)
