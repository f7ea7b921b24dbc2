"""/resource_providers"""

import uuid
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import ProviderChange, ProviderState
from kilonova.db.database import Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.model.errors import BadRequest
from kilonova.model.ids import HostName
from kilonova.placement.errors import DuplicateName
from kilonova.placement.rest import classes
from kilonova.placement.rest.query import amounts, has_room, member_of, traits
from kilonova.placement.rest.shapes import Rows, Uuid, at
from kilonova.placement.rest.traits import check_known
from kilonova.placement.rest.world import Request, World, body, created, href, question
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


class Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str | msgspec.UnsetType = msgspec.UNSET
    uuid: Uuid | msgspec.UnsetType = msgspec.UNSET


class Member(Named):
    member_of: str | msgspec.UnsetType = msgspec.UNSET


class Having(Member):
    resources: str | msgspec.UnsetType = msgspec.UNSET


class Related(Having):
    in_tree: Uuid | msgspec.UnsetType = msgspec.UNSET


class Able(Related):
    required: str | msgspec.UnsetType = msgspec.UNSET


QUESTIONS: Rows[Named] = ((0, Named), (3, Member), (4, Having), (14, Related), (18, Able))


async def index(request: Request, minor: int) -> Response:
    query = question(request, at(minor, QUESTIONS))
    resources = query.resources if isinstance(query, Having) else msgspec.UNSET
    in_tree = query.in_tree if isinstance(query, Related) else msgspec.UNSET
    wanted_traits = traits(request.query_params.getlist("required"), minor)
    wanted_aggregates = member_of(request.query_params.getlist("member_of"), minor)
    await check_known(request.world, wanted_traits.named)
    wanted = {} if resources is msgspec.UNSET else amounts(resources)
    await classes.check_known(request.world, wanted, "Invalid resource class in resources parameter")
    known = await request.world.picture.current()
    root = known[in_tree].root_id if in_tree in known else ""
    shown = [
        view(request, state, minor)
        for state in known.values()
        if query.name in (msgspec.UNSET, state.name)
        and query.uuid in (msgspec.UNSET, state.id)
        and (in_tree is msgspec.UNSET or state.root_id == root)
        and wanted_traits.admits(state.traits)
        and wanted_aggregates.admits(state.aggregates)
        and has_room(state, wanted)
    ]
    return json_response({"resource_providers": shown})


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewProvider(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Name
    uuid: Uuid | msgspec.UnsetType = msgspec.UNSET


class NewChild(NewProvider, kw_only=True):
    parent_provider_uuid: Uuid | None = None


class ChangedProvider(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Name


class ChangedChild(ChangedProvider, kw_only=True):
    """A parent that is not named stays."""

    parent_provider_uuid: Uuid | msgspec.UnsetType | None = msgspec.UNSET


NEW: Rows[NewProvider] = ((0, NewProvider), (14, NewChild))
CHANGED: Rows[ChangedProvider] = ((0, ChangedProvider), (14, ChangedChild))


async def create(request: Request, minor: int) -> Response:
    given = await body(request, at(minor, NEW))
    provider_id = str(uuid.uuid4() if given.uuid is msgspec.UNSET else uuid.UUID(given.uuid))
    parent_id = given.parent_provider_uuid if isinstance(given, NewChild) else None
    world = request.world
    refused = f'Unable to create resource provider "{given.name}", {provider_id}'
    if parent_id == provider_id:
        raise BadRequest(f"{refused}: parent provider UUID cannot be same as UUID")
    root = await _root(world, parent_id, provider_id, refused)

    async def write(tx: Transaction) -> list[ProviderChange]:
        await providers.create(
            tx,
            id=provider_id,
            name=given.name,
            parent_id=parent_id,
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


async def _root(world: World, parent_id: str | None, own_id: str, refused: str) -> str:
    if parent_id is None:
        return own_id
    parent = (await world.picture.current()).get(parent_id)
    if parent is None:
        raise BadRequest(f"{refused}: parent provider UUID does not exist")
    return parent.root_id


async def show(request: Request, minor: int) -> Response:
    return json_response(view(request, await request.world.provider(request.params["uuid"]), minor))


async def update(request: Request, minor: int) -> Response:
    world, provider_id = request.world, request.params["uuid"]
    given = await body(request, at(minor, CHANGED))
    state = await world.provider(provider_id)
    known = await world.picture.current()
    named = given.parent_provider_uuid if isinstance(given, ChangedChild) else msgspec.UNSET
    wanted = state.parent_id if named is msgspec.UNSET else named
    moved = wanted != state.parent_id
    refused = f"Unable to save resource provider {provider_id}"
    if moved and state.parent_id is not None and minor < 37:
        kind = "un-parenting" if wanted is None else "re-parenting"
        raise BadRequest(f"{refused}: {kind} a provider is not currently allowed.")
    family = _descendants(known, provider_id)
    if moved and wanted in family:
        raise BadRequest(f"{refused}: creating loop in the provider tree is not allowed.")
    root = await _root(world, wanted, provider_id, refused) if moved else state.root_id

    async def write(tx: Transaction) -> list[ProviderChange]:
        changes = []
        for member in sorted(family if moved else {provider_id}):
            generation, name = await allocations.bump(tx, member)
            changes.append(ProviderChange(name=name, generation=generation, reload=True))
            if moved:
                parent_id = wanted if member == provider_id else known[member].parent_id
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
