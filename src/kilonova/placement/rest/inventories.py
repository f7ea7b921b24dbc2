"""/resource_providers/{uuid}/inventories and /usages"""

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import Inventory, ProviderChange, ProviderState
from kilonova.db.database import Transaction
from kilonova.model.allocation import MAX_INT
from kilonova.model.errors import BadRequest, NotFound
from kilonova.placement.errors import ConcurrentUpdate, NoSuchMethod
from kilonova.placement.rest.classes import check_known
from kilonova.placement.rest.shapes import Count, Upper
from kilonova.placement.rest.world import Request, World, body, created
from kilonova.placement.store import allocations, inventories
from kilonova.web.response import empty, json_response


class GivenInventory(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    total: Count
    reserved: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)] = 0
    min_unit: Count = 1
    max_unit: Count = MAX_INT
    step_size: Count = 1
    allocation_ratio: Annotated[float, msgspec.Meta(gt=0, le=3.40282e38)] = 1.0
    # Says nothing where many are given, or a new one.
    resource_provider_generation: int | msgspec.UnsetType = msgspec.UNSET

    def checked(self, resource_class: str, minor: int, provider_id: str, verb: str = "update") -> Inventory:
        """Errors: BadRequest. From 1.26 on there may be nothing left besides what is reserved."""
        inventory = Inventory(
            total=self.total,
            reserved=self.reserved,
            allocation_ratio=self.allocation_ratio,
            min_unit=self.min_unit,
            max_unit=self.max_unit,
            step_size=self.step_size,
        )
        if self.reserved > self.total or (inventory.capacity == 0 and minor < 26):
            raise BadRequest(
                f"Unable to {verb} inventory for resource provider {provider_id}: what is reserved of "
                f"'{resource_class}' is greater than {'' if minor >= 26 else 'or equal to '}total"
            )
        return inventory


class One(GivenInventory, kw_only=True):
    resource_provider_generation: int


class New(GivenInventory, kw_only=True):
    resource_class: Upper


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
    provider_id = (await request.world.provider(request.params["uuid"])).id
    given = await body(request, All)
    wanted = {name: one.checked(name, minor, provider_id) for name, one in given.inventories.items()}
    state = await _set(request.world, provider_id, wanted, given.resource_provider_generation)
    return json_response(view(state))


async def set_one(request: Request, minor: int) -> Response:
    name = request.params["resource_class"]
    state = await request.world.provider(request.params["uuid"])
    given = await body(request, One)
    wanted = {**state.inventories, name: given.checked(name, minor, state.id)}
    if name not in state.inventories:
        raise BadRequest(f"No inventory record with resource class {name} to update for {state.id}")
    state = await _set(request.world, state.id, wanted, given.resource_provider_generation)
    return json_response(view_one(state, name))


async def create(request: Request, minor: int) -> Response:
    state = await request.world.provider(request.params["uuid"])
    given = await body(request, New)
    name = given.resource_class
    if name in state.inventories:
        raise ConcurrentUpdate(f"Update conflict: {name} inventory exists already")
    wanted = {**state.inventories, name: given.checked(name, minor, state.id, "create")}
    state = await _set(request.world, state.id, wanted, state.generation)
    return created(request, f"/resource_providers/{state.id}/inventories/{name}", view_one(state, name))


async def delete_all(request: Request, minor: int) -> Response:
    if minor < 5:
        raise NoSuchMethod(request.method, "GET, POST, PUT")
    state = await request.world.provider(request.params["uuid"])
    await _set(request.world, state.id, {}, state.generation)
    return empty()


async def delete_one(request: Request, minor: int) -> Response:
    name = request.params["resource_class"]
    state = await request.world.provider(request.params["uuid"])
    if name not in state.inventories:
        raise NotFound(f"No inventory of class {name} found for delete")
    wanted = {key: inventory for key, inventory in state.inventories.items() if key != name}
    await _set(request.world, state.id, wanted, state.generation)
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
        raise ConcurrentUpdate(
            f"resource provider generation conflict for {provider_id}: actual: {generation - 1}, given: {expected}"
        )
    await inventories.set_inventories(tx, provider_id, wanted)
    return ProviderChange(name=name, generation=generation, reload=True)
