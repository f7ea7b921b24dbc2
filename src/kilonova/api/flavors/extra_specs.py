"""A flavor's extra specs: list, show, add, change, take away."""

from typing import Any

from kilonova.api.flavors.handlers import visible
from kilonova.api.flavors.spec_rules import check_spec
from kilonova.api.request import Request
from kilonova.db.database import Transaction
from kilonova.db.repository import flavors
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.flavor import Flavor


class NoSuchExtraSpec(NotFound):
    def __init__(self, flavor_id: str, key: str) -> None:
        super().__init__(f"Flavor {flavor_id} has no extra specs with key {key}.")


async def index(request: Request) -> dict[str, Any]:
    flavor = await visible(request, request.params["flavor_id"])
    return {"extra_specs": flavor.specs()}


async def show(request: Request) -> dict[str, Any]:
    key = request.params["id"]
    flavor = await visible(request, request.params["flavor_id"])
    specs = flavor.specs()
    if key not in specs:
        raise NoSuchExtraSpec(flavor.id, key)
    return {key: specs[key]}


async def create(request: Request) -> dict[str, Any]:
    """Adds to what is there. Errors: InvalidExtraSpec since 2.86."""
    added = _checked(request, request.body["extra_specs"])
    async with request.world.db.begin() as tx:
        flavor = await _get(request, tx)
        await flavors.set_extra_specs(tx, flavor.id, flavor.specs() | added)
    return {"extra_specs": added}


async def update(request: Request) -> dict[str, Any]:
    """Errors: BadRequest where URL and body name different keys, InvalidExtraSpec since 2.86."""
    if request.params["id"] not in request.body:
        raise BadRequest("Request body and URI mismatch")
    changed = _checked(request, request.body)
    async with request.world.db.begin() as tx:
        flavor = await _get(request, tx)
        await flavors.set_extra_specs(tx, flavor.id, flavor.specs() | changed)
    return changed


async def delete(request: Request) -> None:
    """Errors: NoSuchExtraSpec."""
    key = request.params["id"]
    async with request.world.db.begin() as tx:
        flavor = await _get(request, tx)
        specs = flavor.specs()
        if key not in specs:
            raise NoSuchExtraSpec(flavor.id, key)
        del specs[key]
        await flavors.set_extra_specs(tx, flavor.id, specs)


async def _get(request: Request, tx: Transaction) -> Flavor:
    return await flavors.get(tx, request.params["flavor_id"], project_id=None)


def _checked(request: Request, given: dict[str, Any]) -> dict[str, str]:
    specs = {key: str(value) for key, value in given.items()}
    if request.version >= 86:
        for key, value in specs.items():
            check_spec(key, value)
    return specs
