"""A flavor's extra specs: list and show."""

from typing import Any

from kilonova.api.flavors.handlers import visible
from kilonova.api.request import Request
from kilonova.model.errors import NotFound


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
