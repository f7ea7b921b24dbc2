"""/traits, and the traits and aggregates of providers"""

from collections.abc import Collection
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import ProviderChange, ProviderState
from kilonova.db.database import Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.placement.errors import ConcurrentUpdate
from kilonova.placement.rest.shapes import Outside, Uuid
from kilonova.placement.rest.world import Request, World, body, dated, question
from kilonova.placement.standard import TRAITS, is_custom
from kilonova.placement.store import allocations
from kilonova.placement.store import traits as store
from kilonova.web.response import empty, json_response


async def check_known(world: World, names: Collection[str]) -> None:
    """Errors: BadRequest."""
    unknown = set(names) - TRAITS
    if unknown and (unknown := unknown - (await store.custom_traits(world.db)).keys()):
        raise BadRequest(f"No such trait(s): {', '.join(sorted(unknown))}.")


class Which(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    associated: str | None = None


async def index(request: Request, minor: int) -> Response:
    query = question(request, Which)
    names = sorted(TRAITS | (await store.custom_traits(request.world.db)).keys())
    if (wanted := query.name) is not None:
        how, colon, value = wanted.partition(":")
        if not colon or how not in ("in", "startswith"):
            raise BadRequest(
                f"Badly formatted name parameter. Expected name query string parameter in form: "
                f'?name=[in|startswith]:[name1,name2|prefix]. Got: "{wanted}"'
            )
        listed = set(value.split(","))
        names = [name for name in names if (name in listed if how == "in" else name.startswith(value))]
    if (associated := query.associated) is not None:
        if associated.lower() not in ("true", "false"):
            raise BadRequest(f"The query parameter 'associated' only accepts 'true' or 'false'. Got: \"{associated}\"")
        known = await request.world.picture.current()
        used = frozenset().union(*(state.traits for state in known.values()))
        names = [name for name in names if (name in used) == (associated.lower() == "true")]
    return json_response({"traits": names})


async def show(request: Request, minor: int) -> Response:
    name = request.params["name"]
    if name not in TRAITS and name not in await store.custom_traits(request.world.db):
        raise NotFound(f"No such trait(s): {name}.")
    return empty()


async def ensure(request: Request, minor: int) -> Response:
    name, world = request.params["name"], request.world
    if not is_custom(name):
        raise BadRequest(
            "The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "
            '"CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"'
        )
    headers = {"location": request.base + f"/traits/{name}"}
    try:
        async with world.db.begin() as tx:
            await store.add_custom_trait(tx, name, world.clock.now())
    except AlreadyThere:
        return dated(request, empty(204, headers), minor)
    return dated(request, empty(201, headers), minor)


async def delete(request: Request, minor: int) -> Response:
    name, world = request.params["name"], request.world
    if name in TRAITS:
        raise BadRequest(f"Cannot delete standard trait {name}.")
    if await store.trait_in_use(world.db, name):
        raise Conflict(f"The trait {name} is in use by a resource provider.")
    async with world.db.begin() as tx:
        if not await store.remove_custom_trait(tx, name):
            raise NotFound(f"No such trait(s): {name}.")
    return empty()


class GivenTraits(msgspec.Struct, forbid_unknown_fields=True):
    traits: list[Outside]
    resource_provider_generation: int


def _traits_view(state: ProviderState) -> dict[str, Any]:
    return {"resource_provider_generation": state.generation, "traits": sorted(state.traits)}


async def of_provider(request: Request, minor: int) -> Response:
    return json_response(_traits_view(await request.world.provider(request.params["uuid"])))


async def set_of_provider(request: Request, minor: int) -> Response:
    given = await body(request, GivenTraits)
    world, provider_id = request.world, request.params["uuid"]
    if (await world.provider(provider_id)).generation != given.resource_provider_generation:
        raise TraitsChanged
    await check_known(world, given.traits)
    await _set_traits(world, provider_id, given.traits, given.resource_provider_generation)
    return json_response(_traits_view(await world.provider(provider_id)))


async def clear_of_provider(request: Request, minor: int) -> Response:
    state = await request.world.provider(request.params["uuid"])
    await _set_traits(request.world, state.id, [], state.generation)
    return empty()


class TraitsChanged(ConcurrentUpdate):
    def __init__(self) -> None:
        super().__init__("Resource provider's generation already changed. Please update the generation and try again.")


async def _set_traits(world: World, provider_id: str, wanted: list[str], expected: int) -> None:
    async def write(tx: Transaction) -> list[ProviderChange]:
        generation, name = await allocations.bump(tx, provider_id)
        if generation != expected + 1:
            raise TraitsChanged
        await store.set_traits(tx, provider_id, wanted)
        return [ProviderChange(name=name, generation=generation, reload=True)]

    await world.service.change(write)


class GivenAggregates(msgspec.Struct, forbid_unknown_fields=True):
    aggregates: list[Uuid]
    resource_provider_generation: int


def _aggregates_view(state: ProviderState, minor: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"aggregates": sorted(state.aggregates)}
    return shown | ({"resource_provider_generation": state.generation} if minor >= 19 else {})


async def aggregates(request: Request, minor: int) -> Response:
    return json_response(_aggregates_view(await request.world.provider(request.params["uuid"]), minor))


async def set_aggregates(request: Request, minor: int) -> Response:
    """Before 1.19 a bare list, and no generation to compare."""
    world, provider_id = request.world, request.params["uuid"]
    await world.provider(provider_id)
    if minor >= 19:
        given = await body(request, GivenAggregates)
        wanted, expected = given.aggregates, given.resource_provider_generation
    else:
        wanted, expected = await body(request, list[Uuid]), None
    if len(set(wanted)) < len(wanted):
        raise BadRequest(f"JSON does not validate: {wanted} has non-unique elements")

    async def write(tx: Transaction) -> list[ProviderChange]:
        generation, name = await allocations.bump(tx, provider_id)
        if expected is not None and generation != expected + 1:
            raise ConcurrentUpdate("Update conflict: resource provider generation conflict")
        await store.set_aggregates(tx, provider_id, wanted)
        return [ProviderChange(name=name, generation=generation, reload=True)]

    await world.service.change(write)
    return json_response(_aggregates_view(await world.provider(provider_id), minor))
