"""/resource_providers/{uuid}/inventories and /usages"""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import Inventory, ProviderChange, ProviderState
from kilonova.db.database import Transaction
from kilonova.model.allocation import MAX_INT
from kilonova.model.errors import BadRequest, NotFound
from kilonova.placement.errors import ConcurrentUpdate
from kilonova.placement.rest.classes import check_known
from kilonova.placement.rest.world import Request, World, body, created
from kilonova.placement.store import allocations, inventories
from kilonova.web.response import empty, json_response


class GivenInventory(msgspec.Struct, forbid_unknown_fields=True):
    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = MAX_INT
    step_size: int = 1
    allocation_ratio: float = 1.0

    def checked(self, resource_class: str, minor: int) -> Inventory:
        """Errors: BadRequest. `reserved` may equal `total` from 1.26 on."""
        small = min(self.total, self.min_unit, self.max_unit, self.step_size) >= 1
        large = max(self.total, self.min_unit, self.max_unit, self.step_size, self.reserved) > MAX_INT
        if not small or large or self.reserved < 0 or not 0 < self.allocation_ratio <= 3.40282e38:
            raise BadRequest(f"JSON does not validate: inventory of '{resource_class}' is out of range")
        if self.reserved > self.total or (self.reserved == self.total and minor < 26):
            raise BadRequest(
                f"Unable to update inventory for resource provider: Invalid inventory for '{resource_class}'. "
                "The reserved value is greater than or equal to total."
            )
        return Inventory(
            total=self.total,
            reserved=self.reserved,
            allocation_ratio=self.allocation_ratio,
            min_unit=self.min_unit,
            max_unit=self.max_unit,
            step_size=self.step_size,
        )


class One(GivenInventory):
    resource_provider_generation: int = msgspec.field(default=-1)


class New(GivenInventory):
    resource_class: str = ""
    resource_provider_generation: int | None = None


class All(msgspec.Struct, forbid_unknown_fields=True):
    resource_provider_generation: int
    inventories: dict[str, GivenInventory]


def view(state: ProviderState) -> dict[str, Any]:
    return {"resource_provider_generation": state.generation, "inventories": state.inventories}


def view_one(state: ProviderState, resource_class: str) -> dict[str, Any]:
    inventory = state.inventories.get(resource_class)
    if inventory is None:
        raise NotFound(f"No inventory of class {resource_class} for {state.id}")
    return {"resource_provider_generation": state.generation, **msgspec.structs.asdict(inventory)}


async def index(request: Request, minor: int) -> Response:
    return json_response(view(await request.world.provider(request.params["uuid"])))


async def show(request: Request, minor: int) -> Response:
    state = await request.world.provider(request.params["uuid"])
    return json_response(view_one(state, request.params["resource_class"]))


async def usages(request: Request, minor: int) -> Response:
    state = await request.world.provider(request.params["uuid"])
    return json_response({"resource_provider_generation": state.generation, "usages": state.used})


async def set_all(request: Request, minor: int) -> Response:
    given = await body(request, All)
    wanted = {name: one.checked(name, minor) for name, one in given.inventories.items()}
    state = await _set(request.world, request.params["uuid"], wanted, given.resource_provider_generation)
    return json_response(view(state))


async def set_one(request: Request, minor: int) -> Response:
    given = await body(request, One)
    name = request.params["resource_class"]
    state = await request.world.provider(request.params["uuid"])
    wanted = {**state.inventories, name: given.checked(name, minor)}
    state = await _set(request.world, state.id, wanted, given.resource_provider_generation)
    return json_response(view_one(state, name))


async def create(request: Request, minor: int) -> Response:
    given = await body(request, New)
    name = given.resource_class
    state = await request.world.provider(request.params["uuid"])
    if name in state.inventories:
        raise ConcurrentUpdate(f"Update conflict: {name} inventory exists already")
    expected = given.resource_provider_generation
    state = await _set(
        request.world,
        state.id,
        {**state.inventories, name: given.checked(name, minor)},
        state.generation if expected is None else expected,
    )
    return created(request, f"/resource_providers/{state.id}/inventories/{name}", view_one(state, name))


async def delete_all(request: Request, minor: int) -> Response:
    state = await request.world.provider(request.params["uuid"])
    await _set(request.world, state.id, {}, state.generation)
    return empty()


async def delete_one(request: Request, minor: int) -> Response:
    name = request.params["resource_class"]
    state = await request.world.provider(request.params["uuid"])
    view_one(state, name)
    await _set(
        request.world,
        state.id,
        {key: inventory for key, inventory in state.inventories.items() if key != name},
        state.generation,
    )
    return empty()


async def _set(world: World, provider_id: str, wanted: dict[str, Inventory], expected: int) -> ProviderState:
    """Errors: ConcurrentUpdate, InventoryInUse, ProviderNotFound, BadRequest for an unknown class."""
    await check_known(world, wanted)

    async def write(tx: Transaction) -> list[ProviderChange]:
        return [await write_inventories(tx, provider_id, wanted, expected)]

    await world.service.change(write)
    return await world.provider(provider_id)


async def write_inventories(
    tx: Transaction, provider_id: str, wanted: dict[str, Inventory], expected: int
) -> ProviderChange:
    generation, name = await allocations.bump(tx, provider_id)
    if generation != expected + 1:
        raise ConcurrentUpdate("resource provider generation conflict")
    await inventories.set_inventories(tx, provider_id, wanted)
    return ProviderChange(name=name, generation=generation, reload=True)
