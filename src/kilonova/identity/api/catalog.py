"""/v3/services, /v3/endpoints, /v3/regions: what the catalog is made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from starlette.responses import Response

from kilonova.contract.identity import EVERYBODY
from kilonova.db.database import Transaction
from kilonova.identity.api import bodies
from kilonova.identity.api.documents import (
    ENDPOINT,
    REGION,
    SERVICE,
    IdentityRequest,
    Kind,
    allow,
    show,
    show_page,
)
from kilonova.identity.errors import InvalidInput, NameTaken, StillInUse
from kilonova.identity.store.nouns import ENDPOINTS, REGIONS, SERVICES
from kilonova.identity.store.rows import Document
from kilonova.web.response import empty

_REGION_ID = {"type": ["string", "null"], "maxLength": 255}
_SERVICE = bodies.Body(
    "service",
    {"type": bodies.NAME, "name": {"type": "string", "maxLength": 255}, "enabled": bodies.FLAG},
    required=("type",),
)
_ENDPOINT = bodies.Body(
    "endpoint",
    {
        "service_id": bodies.ID,
        "interface": {"enum": ["public", "internal", "admin"]},
        "url": {"type": "string", "minLength": 1, "maxLength": 2000},
        "region_id": _REGION_ID,
        "region": _REGION_ID,
        "enabled": bodies.FLAG,
    },
    required=("service_id", "interface", "url"),
)
_REGION = bodies.Body(
    "region",
    {"id": _REGION_ID, "description": bodies.NULLABLE_TEXT, "parent_region_id": _REGION_ID},
)
_FILTERS = {
    "service": ("type", "name"),
    "endpoint": ("service_id", "interface", "region_id"),
    "region": ("parent_region_id",),
}


async def list_services(request: IdentityRequest) -> Response:
    return await _list(request, SERVICE)


async def show_service(request: IdentityRequest) -> Response:
    return await _show(request, SERVICE)


async def create_service(request: IdentityRequest) -> Response:
    allow(request, "create_service")
    told = await _SERVICE.creation(request)
    service = {"enabled": True, "name": "", **told, "id": uuid4().hex}
    async with _changing(request) as tx:
        await SERVICES.add(tx, service)
    return show(request, SERVICE, service, 201)


async def update_service(request: IdentityRequest) -> Response:
    return await _update(request, SERVICE, _SERVICE)


async def delete_service(request: IdentityRequest) -> Response:
    allow(request, "delete_service")
    async with _changing(request) as tx:
        service = await SERVICES.get(tx, request.params["id"])
        await ENDPOINTS.remove(tx, service_id=service["id"])
        await SERVICES.remove(tx, id=service["id"])
    return empty()


async def list_endpoints(request: IdentityRequest) -> Response:
    return await _list(request, ENDPOINT)


async def show_endpoint(request: IdentityRequest) -> Response:
    return await _show(request, ENDPOINT)


async def create_endpoint(request: IdentityRequest) -> Response:
    allow(request, "create_endpoint")
    told = await _ENDPOINT.creation(request)
    endpoint = {"enabled": True, **told, "id": uuid4().hex}
    # `region` is the older name of `region_id`; both are shown.
    endpoint["region_id"] = endpoint.get("region_id") or endpoint.pop("region", None)
    async with _changing(request) as tx:
        await _check_service(tx, endpoint["service_id"])
        await _ensure_region(tx, endpoint["region_id"])
        await ENDPOINTS.add(tx, endpoint)
    return show(request, ENDPOINT, _with_region(endpoint), 201)


async def update_endpoint(request: IdentityRequest) -> Response:
    allow(request, "update_endpoint")
    changes = await _ENDPOINT.update(request)
    if "region" in changes:
        changes.setdefault("region_id", changes.pop("region"))
    async with _changing(request) as tx:
        if "service_id" in changes:
            await _check_service(tx, changes["service_id"])
        await _ensure_region(tx, changes.get("region_id"))
        endpoint = await ENDPOINTS.change(tx, await ENDPOINTS.get(tx, request.params["id"]), changes)
    return show(request, ENDPOINT, _with_region(endpoint))


async def delete_endpoint(request: IdentityRequest) -> Response:
    return await _delete(request, ENDPOINT)


async def list_regions(request: IdentityRequest) -> Response:
    return await _list(request, REGION)


async def show_region(request: IdentityRequest) -> Response:
    return await _show(request, REGION)


async def create_region(request: IdentityRequest) -> Response:
    """The only noun whose id the client may choose, in the body or in the path."""
    allow(request, "create_region")
    told = await _REGION.creation(request, keep=("id",))
    chosen = request.params.get("id") or told.get("id") or uuid4().hex
    region = {**told, "id": chosen, "description": told.get("description") or ""}
    region.setdefault("parent_region_id", None)
    async with _changing(request) as tx:
        if region["parent_region_id"] is not None:
            await REGIONS.get(tx, region["parent_region_id"])
        if await REGIONS.find(tx, id=chosen) is not None:
            raise NameTaken("region", chosen)
        await REGIONS.add(tx, region)
    return show(request, REGION, region, 201)


async def update_region(request: IdentityRequest) -> Response:
    return await _update(request, REGION, _REGION)


async def delete_region(request: IdentityRequest) -> Response:
    allow(request, "delete_region")
    async with _changing(request) as tx:
        region = await REGIONS.get(tx, request.params["id"])
        if await ENDPOINTS.find(tx, region_id=region["id"]) is not None:
            raise StillInUse(f"Unable to delete region {region['id']} because it has associated endpoints.")
        await REGIONS.remove(tx, id=region["id"])
    return empty()


async def _list(request: IdentityRequest, kind: Kind) -> Response:
    allow(request, f"list_{kind.plural}")
    return await show_page(request, kind, _FILTERS[kind.singular])


async def _show(request: IdentityRequest, kind: Kind) -> Response:
    allow(request, f"get_{kind.singular}")
    return show(request, kind, _with_region(await kind.rows.get(request.world.db, request.params["id"])))


async def _update(request: IdentityRequest, kind: Kind, body: bodies.Body) -> Response:
    allow(request, f"update_{kind.singular}")
    changes = await body.update(request)
    async with _changing(request) as tx:
        document = await kind.rows.change(tx, await kind.rows.get(tx, request.params["id"]), changes)
    return show(request, kind, document)


async def _delete(request: IdentityRequest, kind: Kind) -> Response:
    allow(request, f"delete_{kind.singular}")
    async with _changing(request) as tx:
        found = await kind.rows.get(tx, request.params["id"])
        await kind.rows.remove(tx, id=found["id"])
    return empty()


@asynccontextmanager
async def _changing(request: IdentityRequest) -> AsyncIterator[Transaction]:
    """A transaction after which everybody reads the catalog anew."""
    async with request.world.revocations.change() as change:
        yield change.tx
        change.touch(EVERYBODY)
    request.world.catalog.drop()


async def _check_service(tx: Transaction, service_id: str) -> None:
    """Errors: InvalidInput."""
    if await SERVICES.find(tx, id=service_id) is None:
        raise InvalidInput(f"Could not find service: {service_id}.")


async def _ensure_region(tx: Transaction, region_id: str | None) -> None:
    """An endpoint's region is made when it is named for the first time."""
    if region_id is not None and await REGIONS.find(tx, id=region_id) is None:
        await REGIONS.add(tx, {"id": region_id, "description": "", "parent_region_id": None})


def _with_region(document: Document) -> Document:
    return {**document, "region": document["region_id"]} if "region_id" in document else document
