"""/allocations, /usages, /reshaper"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import ProviderChange
from kilonova.db.database import Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.model.allocation import MAX_INT
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.ids import is_uuid_like
from kilonova.placement.errors import ConcurrentUpdate
from kilonova.placement.rest.classes import check_known
from kilonova.placement.rest.inventories import All, write_inventories
from kilonova.placement.rest.query import pairs
from kilonova.placement.rest.world import Request, World, body
from kilonova.placement.store import allocations as store
from kilonova.placement.store import holdings, inventories, usages
from kilonova.placement.store.allocations import ConsumerChanged, Holder, Short
from kilonova.placement.store.holdings import Holdings
from kilonova.web.response import empty, json_response

MAX_NAME = 255
_TYPE = re.compile(r"[A-Z0-9_]{1,255}|unknown")
UNKNOWN = "00000000-0000-0000-0000-000000000000"
NO_TYPE = "unknown"


class OfProvider(msgspec.Struct):
    """What is taken of one provider; `generation` may come along from a GET and says nothing."""

    resources: dict[str, int]


class ProviderId(msgspec.Struct):
    uuid: str


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    resource_provider: ProviderId
    resources: dict[str, int]


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """The body from 1.12 on; which members have to be there depends on the version."""

    allocations: dict[str, OfProvider]
    project_id: str | None = None
    user_id: str | None = None
    consumer_generation: int | msgspec.UnsetType | None = msgspec.UNSET
    consumer_type: str | None = None
    mappings: dict[str, list[str]] | None = None


class GivenList(msgspec.Struct, forbid_unknown_fields=True):
    """The body before 1.12."""

    allocations: list[Listed]
    project_id: str | None = None
    user_id: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A body, checked. `new`: nothing may be held yet."""

    holder: Holder
    holdings: Holdings
    new: bool = False


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
    if minor < 12:
        wanted = _from_list(consumer_id, await body(request, GivenList), minor)
    else:
        wanted = _from(consumer_id, await body(request, Given), minor)
    await _write(request.world, [wanted])
    return empty()


async def post(request: Request, minor: int) -> Response:
    """Several consumers in one transaction."""
    given = await body(request, dict[str, Given])
    if not given:
        raise BadRequest("JSON does not validate: {} does not have enough properties")
    await _write(request.world, [_from(consumer_id, one, minor) for consumer_id, one in given.items()])
    return empty()


class Reshaping(msgspec.Struct, forbid_unknown_fields=True):
    inventories: dict[str, All]
    allocations: dict[str, Given]


async def reshape(request: Request, minor: int) -> Response:
    """Inventories move from one provider to another together with what is held of them."""
    given = await body(request, Reshaping)
    world = request.world
    wanted = [_from(consumer_id, one, minor) for consumer_id, one in given.allocations.items()]
    stock = {
        provider_id: {name: one.checked(name, minor) for name, one in every.inventories.items()}
        for provider_id, every in given.inventories.items()
    }
    await check_known(world, {name for every in stock.values() for name in every})
    known = await world.picture.current()

    async def prepare(tx: Transaction) -> list[ProviderChange]:
        # First all there was and will be, so that allocations find room wherever they are going.
        changes = []
        for provider_id in sorted(stock):
            before = known[provider_id].inventories if provider_id in known else {}
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


async def totals(request: Request, minor: int) -> Response:
    """/usages: what a project (or one user in it) holds; by consumer type from 1.38 on."""
    allowed = {"project_id", "user_id"} | ({"consumer_type"} if minor >= 38 else set())
    query = dict(pairs(request, allowed))
    if "project_id" not in query:
        raise BadRequest("Invalid query string parameters: 'project_id' is a required property")
    found = await usages.by_type(request.world.db, query["project_id"], query.get("user_id"))
    wanted = query.get("consumer_type", "all")
    if minor < 38 or wanted == "all":
        total = usages.summed(found)
        return json_response(
            {"usages": total.resources if minor < 38 else {"all": _counted(total)} if total.count else {}}
        )
    return json_response({"usages": {kind: _counted(one) for kind, one in found.items() if kind == wanted}})


def _counted(total: usages.Usage) -> dict[str, int]:
    return {"consumer_count": total.count, **total.resources}


def _from_list(consumer_id: str, given: GivenList, minor: int) -> Wanted:
    if not given.allocations:
        raise BadRequest("JSON does not validate: [] is too short")
    taken = {one.resource_provider.uuid: one.resources for one in given.allocations}
    return _wanted(consumer_id, taken, given.project_id, given.user_id, NO_TYPE, msgspec.UNSET, minor)


def _from(consumer_id: str, given: Given, minor: int) -> Wanted:
    if not given.allocations and minor < 28:
        raise BadRequest("JSON does not validate: {} does not have enough properties")
    if minor >= 28 and given.consumer_generation is msgspec.UNSET:
        raise BadRequest("JSON does not validate: 'consumer_generation' is a required property")
    if minor >= 38 and given.consumer_type is None:
        raise BadRequest("JSON does not validate: 'consumer_type' is a required property")
    taken = {provider_id: one.resources for provider_id, one in given.allocations.items()}
    kind = given.consumer_type or NO_TYPE
    return _wanted(consumer_id, taken, given.project_id, given.user_id, kind, given.consumer_generation, minor)


def _wanted(
    consumer_id: str,
    taken: Mapping[str, dict[str, int]],
    project_id: str | None,
    user_id: str | None,
    kind: str,
    generation: int | msgspec.UnsetType | None,
    minor: int,
) -> Wanted:
    if minor >= 8 and (project_id is None or user_id is None):
        raise BadRequest("JSON does not validate: 'project_id' and 'user_id' are required properties")
    if not is_uuid_like(consumer_id):
        raise BadRequest(f"JSON does not validate: consumer '{consumer_id}' is not a 'uuid'")
    if max(len(project_id or UNKNOWN), len(user_id or UNKNOWN)) > MAX_NAME or _TYPE.fullmatch(kind) is None:
        raise BadRequest("JSON does not validate: project_id, user_id or consumer_type is too long or malformed")
    for amounts in taken.values():
        if not amounts or not all(1 <= amount <= MAX_INT for amount in amounts.values()):
            raise BadRequest("JSON does not validate: amounts are whole numbers from 1 on")
    holder = Holder(
        id=consumer_id,
        project_id=project_id or UNKNOWN,
        user_id=user_id or UNKNOWN,
        type=kind,
        generation=generation if isinstance(generation, int) else None,
    )
    return Wanted(holder, dict(taken), new=generation is None)


async def _write(world: World, wanted: list[Wanted], *, before: Any = None, after: Any = None) -> None:
    """Errors: ConcurrentUpdate, Conflict for what is short, BadRequest for unknown providers and classes."""
    known = await world.picture.current()
    await check_known(world, {name for one in wanted for amounts in one.holdings.values() for name in amounts})
    if strange := {provider for one in wanted for provider in one.holdings} - known.keys():
        raise BadRequest(f"Allocation for resource provider '{min(strange)}' that does not exist.")
    now = world.clock.now()

    async def write(tx: Transaction) -> list[ProviderChange]:
        changes = list(await before(tx)) if before is not None else []
        for one in sorted(wanted, key=lambda one: one.holder.id):
            exists = await holdings.consumer(tx, one.holder.id) is not None
            if one.new and exists:
                raise ConcurrentUpdate(f"consumer generation conflict - expected null but got {one.holder.id}")
            if exists:
                changes += await store.replace(tx, one.holder, one.holdings, now)
            elif one.holder.generation is not None:
                raise ConsumerChanged
            elif one.holdings:
                changes += await store.add(tx, one.holder, one.holdings, now)
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
