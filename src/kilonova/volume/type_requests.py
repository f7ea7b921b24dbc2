"""Volume types: list, create, change, extra specs, who may use the private ones."""

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from kilonova.db.errors import AlreadyThere
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.volume.body import ChangedType, Metadata, NewType, body, checked
from kilonova.volume.errors import TypeInUse, VolumeTypeNotFound
from kilonova.volume.records import VolumeType
from kilonova.volume.store import types, volumes
from kilonova.volume.view import type_view
from kilonova.volume.world import VolumeRequest, check_trusted, trusted
from kilonova.web.response import empty, json_response

_TOLD_OF_UPDATE = ("id", "name", "description", "is_public", "extra_specs")


class ProjectAccess(msgspec.Struct):
    project: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


async def index(request: VolumeRequest) -> Response:
    """`is_public` is None for all, for admins; others see the public ones and those granted to them."""
    asked = request.query_params.get("is_public", "True").lower()
    found = await types.every(request.world.db)
    if not trusted(request.caller):
        granted = await types.granted_to(request.world.db, request.caller.project_id)
        found = [one for one in found if one.is_public or one.id in granted]
    elif asked != "none":
        found = [one for one in found if one.is_public == (asked in ("true", "1"))]
    return json_response({"volume_types": [type_view(request, one) for one in found]})


async def show(request: VolumeRequest) -> Response:
    key = request.params["type_id"]
    if key == "default":
        key = request.world.settings.default_type
    return json_response({"volume_type": type_view(request, await request.world.type(request, key))})


async def _managed(request: VolumeRequest) -> VolumeType:
    check_trusted(request, "volume_extension:types_manage")
    return await request.world.type(request, request.params["type_id"])


async def create(request: VolumeRequest) -> Response:
    check_trusted(request, "volume_extension:type_create")
    asked, world = await body(request, "volume_type", NewType), request.world
    made = VolumeType(
        id=world.new_id(),
        name=asked.name,
        description=asked.description,
        is_public=asked.is_public,
        extra_specs=dict(asked.extra_specs),
        created_at=world.clock.now(),
    )
    try:
        async with world.db.begin() as tx:
            await types.add(tx, made)
    except AlreadyThere as error:
        raise Conflict(f"Volume Type {asked.name} already exists.") from error
    # The one answer that says nothing of quality of service.
    told = {name: value for name, value in type_view(request, made).items() if name != "qos_specs_id"}
    return json_response({"volume_type": told})


async def update(request: VolumeRequest) -> Response:
    found = await _managed(request)
    asked = await body(request, "volume_type", ChangedType)
    changed = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not msgspec.UNSET}
    if not changed:
        raise BadRequest("Specify volume type name, description, is_public or a combination thereof.")
    if "name" in changed and not changed["name"]:
        raise BadRequest("Volume type name can not be empty.")
    try:
        async with request.world.db.begin() as tx:
            await types.change(tx, found.id, **changed)
    except AlreadyThere as error:
        raise Conflict(f"Volume Type {asked.name} already exists.") from error
    told = type_view(request, msgspec.structs.replace(found, **changed))
    # Shorter than elsewhere.
    return json_response({"volume_type": {name: told[name] for name in _TOLD_OF_UPDATE}})


async def delete(request: VolumeRequest) -> Response:
    found = await _managed(request)
    async with request.world.db.begin() as tx:
        if await volumes.of_type(tx, found.id):
            raise TypeInUse(found.id)
        await types.remove(tx, found.id)
    return empty(202)


async def extra_specs(request: VolumeRequest) -> Response:
    found = await request.world.type(request, request.params["type_id"])
    return json_response({"extra_specs": found.extra_specs})


async def add_extra_specs(request: VolumeRequest) -> Response:
    found = await _managed(request)
    new = await body(request, "extra_specs", Metadata)
    await _store_specs(request, found, {**found.extra_specs, **new})
    return json_response({"extra_specs": new})


async def show_extra_spec(request: VolumeRequest) -> Response:
    found = await request.world.type(request, request.params["type_id"])
    return json_response({(key := request.params["key"]): _spec(found, key)})


def _spec(found: VolumeType, key: str) -> str:
    if key not in found.extra_specs:
        raise NotFound(f"Volume Type {found.id} has no extra specs with key {key}.")
    return found.extra_specs[key]


async def update_extra_spec(request: VolumeRequest) -> Response:
    found, key = await _managed(request), request.params["key"]
    new = checked({"extra_specs": await request.document()}, "extra_specs", Metadata)
    if set(new) != {key}:
        raise BadRequest("Request body contains too many items, or does not match the URI")
    await _store_specs(request, found, {**found.extra_specs, **new})
    return json_response(new)


async def remove_extra_spec(request: VolumeRequest) -> Response:
    found, key = await _managed(request), request.params["key"]
    _spec(found, key)
    await _store_specs(request, found, {name: value for name, value in found.extra_specs.items() if name != key})
    return empty(202)


async def _store_specs(request: VolumeRequest, found: VolumeType, specs: dict[str, str]) -> None:
    async with request.world.db.begin() as tx:
        await types.change(tx, found.id, extra_specs=specs)


async def encryption(request: VolumeRequest) -> Response:
    """No type here encrypts."""
    await request.world.type(request, request.params["type_id"])
    return json_response({})


async def access(request: VolumeRequest) -> Response:
    found = await _managed(request)
    if found.is_public:
        raise VolumeTypeNotFound(found.id)
    granted = await types.projects_of(request.world.db, found.id)
    told = [{"volume_type_id": found.id, "project_id": project} for project in granted]
    return json_response({"volume_type_access": told})


async def act(request: VolumeRequest) -> Response:
    found = await _managed(request)
    document: Any = await request.document()
    name = next(iter(document), "") if isinstance(document, dict) else ""
    if name not in ("addProjectAccess", "removeProjectAccess"):
        raise BadRequest(f"There is no such action: {name[:60]}")
    project = checked(document, name, ProjectAccess).project
    if found.is_public:
        raise Conflict("Type access modification is not applicable to public volume type.")
    async with request.world.db.begin() as tx:
        if name == "removeProjectAccess":
            if not await types.revoke(tx, found.id, project):
                raise NotFound(f"Volume type access not found for {found.id} / {project} combination.")
        else:
            try:
                await types.grant(tx, found.id, project)
            except AlreadyThere as error:
                raise Conflict(f"Volume type access for {found.id} / {project} combination already exists.") from error
    return empty(202)
