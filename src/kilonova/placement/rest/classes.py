"""/resource_classes"""

from collections.abc import Collection

import msgspec
from starlette.responses import Response

from kilonova.db.errors import AlreadyThere
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.placement.rest.shapes import Custom, shaped
from kilonova.placement.rest.world import Request, World, body, created, href
from kilonova.placement.standard import RESOURCE_CLASSES
from kilonova.placement.store import traits as store
from kilonova.web.response import empty, json_response


class Name(msgspec.Struct, forbid_unknown_fields=True):
    name: Custom


async def check_known(world: World, names: Collection[str], where: str = "Unknown resource class in inventory") -> None:
    """Errors: BadRequest."""
    unknown = set(names) - set(RESOURCE_CLASSES)
    if unknown and (unknown := unknown - (await store.custom_classes(world.db)).keys()):
        raise BadRequest(f"{where}: No such resource class {', '.join(sorted(unknown))}.")


def _view(request: Request, name: str) -> dict[str, object]:
    return {"name": name, "links": [{"rel": "self", "href": href(request, f"/resource_classes/{name}")}]}


async def index(request: Request, minor: int) -> Response:
    names = [*RESOURCE_CLASSES, *await store.custom_classes(request.world.db)]
    return json_response({"resource_classes": [_view(request, name) for name in names]})


async def _exists(world: World, name: str) -> bool:
    return name in RESOURCE_CLASSES or name in await store.custom_classes(world.db)


async def show(request: Request, minor: int) -> Response:
    name = request.params["name"]
    if not await _exists(request.world, name):
        raise NotFound(f"No such resource class {name}.")
    return json_response(_view(request, name))


async def create(request: Request, minor: int) -> Response:
    name = (await body(request, Name)).name
    if not await _make(request.world, name):
        raise Conflict(f"Conflicting resource class already exists: {name}")
    return created(request, f"/resource_classes/{name}")


async def ensure(request: Request, minor: int) -> Response:
    """Before 1.7 PUT renames; from then on it makes sure that there is such a class."""
    name = request.params["name"]
    if minor < 7:
        return await _rename(request, name)
    if await _make(request.world, shaped({"name": name}, Name).name):
        return created(request, f"/resource_classes/{name}")
    return empty(headers={"location": request.base + f"/resource_classes/{name}"})


async def _rename(request: Request, name: str) -> Response:
    new = (await body(request, Name)).name
    if name in RESOURCE_CLASSES:
        raise BadRequest(f"Cannot update standard resource class {name}")
    try:
        async with request.world.db.begin() as tx:
            if not await store.rename_custom_class(tx, name, new):
                raise NotFound(f"No such resource class {name}.")
    except AlreadyThere as error:
        raise Conflict(f"Resource class already exists: {new}") from error
    return json_response(_view(request, new))


async def delete(request: Request, minor: int) -> Response:
    name, world = request.params["name"], request.world
    if name in RESOURCE_CLASSES:
        raise BadRequest(f"Error in delete resource class: Cannot delete standard resource class {name}.")
    if await store.class_in_use(world.db, name):
        raise Conflict(f"Error in delete resource class {name}: Class is in use in inventory.")
    async with world.db.begin() as tx:
        if not await store.remove_custom_class(tx, name):
            raise NotFound(f"No such resource class {name}.")
    return empty()


async def _make(world: World, name: str) -> bool:
    """False when there is one already."""
    try:
        async with world.db.begin() as tx:
            await store.add_custom_class(tx, name, world.clock.now())
    except AlreadyThere:
        return False
    return True
