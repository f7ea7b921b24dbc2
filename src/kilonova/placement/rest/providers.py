"""/resource_providers"""

import uuid
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import ProviderChange, ProviderState
from kilonova.db.database import Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.model.errors import BadRequest
from kilonova.model.ids import HostName, is_uuid_like
from kilonova.placement.errors import DuplicateName
from kilonova.placement.rest.query import amounts, has_room, member_of, pairs, traits
from kilonova.placement.rest.traits import check_known
from kilonova.placement.rest.world import Request, World, body, created, href
from kilonova.placement.store import allocations, providers
from kilonova.web.response import empty, json_response

LINKS = (("inventories", 0), ("usages", 0), ("aggregates", 1), ("traits", 6), ("allocations", 11))


def view(request: Request, state: ProviderState, minor: int) -> dict[str, Any]:
    path = f"/resource_providers/{state.id}"
    links = [{"rel": "self", "href": href(request, path)}]
    links += [{"rel": name, "href": href(request, f"{path}/{name}")} for name, since in LINKS if minor >= since]
    shown: dict[str, Any] = {"uuid": state.id, "name": state.name, "generation": state.generation, "links": links}
    if minor >= 14:
        shown |= {"parent_provider_uuid": state.parent_id, "root_provider_uuid": state.root_id}
    return shown


async def index(request: Request, minor: int) -> Response:
    allowed = {"name", "uuid"}
    for since, key in ((3, "member_of"), (4, "resources"), (14, "in_tree"), (18, "required")):
        if minor >= since:
            allowed.add(key)
    found = pairs(request, allowed, repeated={"member_of"} | ({"required"} if minor >= 39 else set()))
    query = dict(found)
    for key in ("uuid", "in_tree"):
        if key in query and not is_uuid_like(query[key]):
            raise BadRequest(f"Invalid query string parameters: '{query[key]}' is not a 'uuid'")
    known = await request.world.picture.current()
    wanted_traits = traits([value for key, value in found if key == "required"], minor)
    wanted_aggregates = member_of([value for key, value in found if key == "member_of"], minor)
    await check_known(request.world, wanted_traits.named)
    wanted = amounts(query["resources"]) if "resources" in query else {}
    root = known[query["in_tree"]].root_id if query.get("in_tree") in known else ""
    shown = [
        view(request, state, minor)
        for state in known.values()
        if query.get("name", state.name) == state.name
        and query.get("uuid", state.id) == state.id
        and ("in_tree" not in query or state.root_id == root)
        and wanted_traits.admits(state.traits)
        and wanted_aggregates.admits(state.aggregates)
        and has_room(state, wanted)
    ]
    return json_response({"resource_providers": shown})


class NewProvider(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    uuid: str | None = None
    parent_provider_uuid: str | None = None


async def create(request: Request, minor: int) -> Response:
    given = await body(request, NewProvider)
    if not 1 <= len(given.name) <= 200:
        raise BadRequest("JSON does not validate: the name must have 1 to 200 characters")
    if given.parent_provider_uuid is not None and minor < 14:
        raise BadRequest("JSON does not validate: Additional properties are not allowed ('parent_provider_uuid')")
    provider_id = _checked(given.uuid) if given.uuid is not None else str(uuid.uuid4())
    world = request.world
    root = await _root(world, given.parent_provider_uuid, provider_id)

    async def write(tx: Transaction) -> list[ProviderChange]:
        await providers.create(
            tx,
            id=provider_id,
            name=given.name,
            parent_id=given.parent_provider_uuid,
            root_id=root,
            now=world.clock.now(),
        )
        return [ProviderChange(name=HostName(given.name), generation=0, reload=True)]

    try:
        await world.service.change(write)
    except AlreadyThere as error:
        taken = "uuid" if provider_id in await world.picture.current() else "name"
        value = provider_id if taken == "uuid" else given.name
        raise DuplicateName(f"Conflicting resource provider {taken}: {value} already exists.") from error
    path = f"/resource_providers/{provider_id}"
    if minor < 20:
        return created(request, path)
    return created(request, path, view(request, await world.provider(provider_id), minor), 200)


def _checked(given: str) -> str:
    if not is_uuid_like(given):
        raise BadRequest(f"JSON does not validate: '{given}' is not a 'uuid'")
    return str(uuid.UUID(given))


async def _root(world: World, parent_id: str | None, own_id: str) -> str:
    if parent_id is None:
        return own_id
    if parent_id == own_id:
        raise BadRequest("Parent provider UUID cannot be same as UUID. Unable to create resource provider")
    parent = (await world.picture.current()).get(parent_id)
    if parent is None:
        raise BadRequest(f"Parent provider UUID {parent_id} does not exist.")
    return parent.root_id


async def show(request: Request, minor: int) -> Response:
    return json_response(view(request, await request.world.provider(request.params["uuid"]), minor))


async def update(request: Request, minor: int) -> Response:
    world, provider_id = request.world, request.params["uuid"]
    given = await body(request, NewProvider)
    state = await world.provider(provider_id)
    known = await world.picture.current()
    moved = minor >= 14 and given.parent_provider_uuid != state.parent_id
    if moved and state.parent_id is not None and minor < 37:
        raise BadRequest("Unable to save resource provider: re-parenting a provider is not currently allowed.")
    root = await _root(world, given.parent_provider_uuid, provider_id) if moved else state.root_id
    family = _descendants(known, provider_id)
    if moved and given.parent_provider_uuid in family:
        raise BadRequest("Unable to save resource provider: creating loop in the provider tree is not allowed.")

    async def write(tx: Transaction) -> list[ProviderChange]:
        changes = []
        for member in sorted(family if moved else {provider_id}):
            generation, name = await allocations.bump(tx, member)
            changes.append(ProviderChange(name=name, generation=generation, reload=True))
            if moved:
                parent_id = given.parent_provider_uuid if member == provider_id else known[member].parent_id
                await providers.adopt(tx, member, parent_id=parent_id, root_id=root)
        if given.name != state.name:
            await providers.rename(tx, provider_id, given.name, world.clock.now())
        return changes

    try:
        await world.service.change(write)
    except AlreadyThere as error:
        raise DuplicateName(f"Conflicting resource provider name: {given.name} already exists.") from error
    return json_response(view(request, await world.provider(provider_id), minor))


def _descendants(known: dict[str, ProviderState], provider_id: str) -> set[str]:
    """The provider and all below it."""
    found = {provider_id}
    while more := {state.id for state in known.values() if state.parent_id in found} - found:
        found |= more
    return found


async def delete(request: Request, minor: int) -> Response:
    await request.world.service.remove(request.params["uuid"])
    return empty()
