"""/allocations, /usages, /reshaper"""

import uuid
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import ProviderChange
from kilonova.db.database import Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.ids import is_uuid_like
from kilonova.placement.errors import ConcurrentUpdate, UnknownProvider
from kilonova.placement.rest.classes import check_known
from kilonova.placement.rest.inventories import write_inventories
from kilonova.placement.rest.shapes import Outside, Rows, at
from kilonova.placement.rest.wanted import NO_TYPE, POSTS, PUTS, RESHAPES, Wanted, wanted_by
from kilonova.placement.rest.world import Request, World, body, question
from kilonova.placement.store import allocations as store
from kilonova.placement.store import holdings, inventories, usages
from kilonova.placement.store.allocations import ConsumerChanged, Holder, Short
from kilonova.placement.store.exchange import Wish, exchange
from kilonova.web.response import empty, json_response


async def show(request: Request, minor: int) -> Response:
    world, consumer_id = request.world, request.params["consumer"]
    held = await holdings.held_by(world.db, consumer_id)
    if not held:
        return json_response({"allocations": {}})
    known = await world.picture.current()
    shown: dict[str, Any] = {
        "allocations": {
            provider_id: {"generation": known[provider_id].generation, "resources": amounts}
            for provider_id, amounts in held.items()
            if provider_id in known
        }
    }
    consumer = await holdings.consumer(world.db, consumer_id)
    if consumer is not None and minor >= 12:
        shown |= {"project_id": consumer.project_id, "user_id": consumer.user_id}
    if consumer is not None and minor >= 28:
        shown["consumer_generation"] = consumer.generation
    if consumer is not None and minor >= 38:
        shown["consumer_type"] = consumer.type
    return json_response(shown)


async def of_provider(request: Request, minor: int) -> Response:
    state = await request.world.provider(request.params["uuid"])
    found = await holdings.held_of(request.world.db, state.id)
    shown: dict[str, Any] = {}
    for consumer_id, (amounts, consumer) in found.items():
        shown[consumer_id] = {"resources": amounts}
        if minor >= 28:
            shown[consumer_id]["consumer_generation"] = consumer.generation
    return json_response({"allocations": shown, "resource_provider_generation": state.generation})


async def put(request: Request, minor: int) -> Response:
    consumer_id = request.params["consumer"]
    if not is_uuid_like(consumer_id):
        raise BadRequest(f"Malformed consumer_uuid: {consumer_id}")
    given = await body(request, at(minor, PUTS))
    await _write(request.world, [wanted_by(str(uuid.UUID(consumer_id)), given)])
    return empty()


async def post(request: Request, minor: int) -> Response:
    """Several consumers in one transaction."""
    given = await body(request, at(minor, POSTS))
    await _write(request.world, [wanted_by(consumer_id, one) for consumer_id, one in given.items()])
    return empty()


async def reshape(request: Request, minor: int) -> Response:
    """Inventories move from one provider to another together with what is held of them."""
    given = await body(request, at(minor, RESHAPES))
    world = request.world
    known = await world.picture.current()
    if strange := given.inventories.keys() - known.keys():
        raise UnknownProvider(min(strange))
    wanted = [wanted_by(consumer_id, one) for consumer_id, one in given.allocations.items()]
    stock = {
        provider_id: {name: one.checked(name, minor, provider_id) for name, one in every.inventories.items()}
        for provider_id, every in given.inventories.items()
    }
    await check_known(world, {name for every in stock.values() for name in every})

    async def prepare(tx: Transaction) -> list[ProviderChange]:
        # First all there was and will be, so that allocations find room wherever they are going.
        changes = []
        for provider_id in sorted(stock):
            before = known[provider_id].inventories
            expected = given.inventories[provider_id].resource_provider_generation
            changes.append(await write_inventories(tx, provider_id, {**before, **stock[provider_id]}, expected))
        return changes

    async def finish(tx: Transaction) -> None:
        for provider_id in sorted(stock):
            await inventories.set_inventories(tx, provider_id, stock[provider_id])

    await _write(world, wanted, before=prepare, after=finish)
    return empty()


async def delete(request: Request, minor: int) -> Response:
    consumer_id = request.params["consumer"]
    changed = await request.world.service.change(lambda tx: store.drop(tx, consumer_id))
    if not changed:
        raise NotFound(f"No allocations for consumer '{consumer_id}'")
    return empty()


class UsageOf(msgspec.Struct, forbid_unknown_fields=True):
    project_id: Outside
    user_id: Outside | msgspec.UnsetType = msgspec.UNSET


class UsageOfType(UsageOf):
    consumer_type: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9_]+$|^all$|^unknown$", max_length=255)] | (
        msgspec.UnsetType
    ) = msgspec.UNSET


USAGES: Rows[UsageOf] = ((0, UsageOf), (38, UsageOfType))


async def totals(request: Request, minor: int) -> Response:
    """/usages: what a project (or one user in it) holds; from 1.38 on by consumer type, or of all together."""
    query = question(request, at(minor, USAGES))
    found = await usages.by_type(request.world.db, query.project_id, query.user_id or None)
    if minor < 38:
        return json_response({"usages": usages.summed(found).resources})
    wanted = query.consumer_type if isinstance(query, UsageOfType) else msgspec.UNSET
    if wanted == "all":
        found = {"all": usages.summed(found)} if found else {}
    elif wanted:
        found = {kind: one for kind, one in found.items() if kind == wanted}
    return json_response(
        {"usages": {kind: {"consumer_count": one.count, **one.resources} for kind, one in found.items()}}
    )


async def _write(world: World, wanted: list[Wanted], *, before: Any = None, after: Any = None) -> None:
    """Errors: ConcurrentUpdate, Conflict for what is short, BadRequest for unknown providers and classes."""
    known = await world.picture.current()
    for one in wanted:
        names = {name for amounts in one.holdings.values() for name in amounts}
        await check_known(world, names, f"Unable to allocate inventory for consumer {one.consumer}")
    if strange := {provider for one in wanted for provider in one.holdings} - known.keys():
        raise BadRequest(f"Allocation for resource provider '{min(strange)}' that does not exist.")
    now = world.clock.now()

    async def write(tx: Transaction) -> list[ProviderChange]:
        changes = list(await before(tx)) if before is not None else []
        changes += await exchange(tx, [await _agreed(tx, one) for one in wanted], now)
        if after is not None:
            await after(tx)
        return changes

    try:
        await world.service.change(write)
    except (ConsumerChanged, AlreadyThere) as error:
        raise ConcurrentUpdate("consumer generation conflict - it was changed by another process") from error
    except Short as short:
        reason = await store.reason_of(world.db, short)
        raise Conflict(f"Unable to allocate inventory: Unable to create allocation: {reason}") from None


async def _agreed(tx: Transaction, wanted: Wanted) -> Wish:
    """Errors: ConcurrentUpdate."""
    consumer = await holdings.consumer(tx, wanted.consumer)
    actual = None if consumer is None else consumer.generation
    if wanted.generation is not msgspec.UNSET and wanted.generation != actual:
        raise ConcurrentUpdate(
            f"consumer generation conflict - expected {_json(actual)} but got {_json(wanted.generation)}"
        )
    holder = Holder(
        id=wanted.consumer,
        project_id=wanted.project_id,
        user_id=wanted.user_id,
        type=wanted.type or (NO_TYPE if consumer is None else consumer.type),
        generation=None if wanted.generation is msgspec.UNSET else actual,
    )
    return Wish(holder, wanted.holdings, known=consumer is not None)


def _json(generation: int | None) -> str:
    return "null" if generation is None else str(generation)
