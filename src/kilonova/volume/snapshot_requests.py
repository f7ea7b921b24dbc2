"""Snapshots: list, create, show, update, delete, metadata, reset."""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.volume import SnapshotStatus, VolumeStatus
from kilonova.volume import quotas
from kilonova.volume.body import ChangedRecord, Metadata, NewSnapshot, body, checked
from kilonova.volume.errors import InvalidInput, InvalidSnapshot, WrongStatus
from kilonova.volume.jobs import Jobs
from kilonova.volume.paging import metadata_of, next_link, page_of
from kilonova.volume.records import Snapshot, Volume
from kilonova.volume.store import projects, snapshots, volumes
from kilonova.volume.view import snapshot_view
from kilonova.volume.volume_actions import ResetStatus
from kilonova.volume.world import VolumeRequest, check_trusted, check_writer, is_service
from kilonova.web.response import empty, json_response

_FILTERS = ("id", "name", "status", "volume_id", "user_id")
_DELETABLE = frozenset({SnapshotStatus.AVAILABLE, SnapshotStatus.ERROR, SnapshotStatus.ERROR_DELETING})


class SnapshotRequests:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def create(self, request: VolumeRequest) -> Response:
        check_writer(request, "volume:create_snapshot")
        asked = await body(request, "snapshot", NewSnapshot)
        world = request.world
        volume = await world.volume(request, asked.volume_id or "None")
        await _check_still(request, volume)
        made = Snapshot(
            id=world.new_id(),
            volume_id=volume.id,
            project_id=volume.project_id,
            user_id=request.caller.user_id,
            name=asked.name if asked.name is not None else asked.display_name,
            description=asked.description if asked.description is not None else asked.display_description,
            size=volume.size,
            status=SnapshotStatus.CREATING,
            metadata=asked.metadata or {},
            image_metadata=volume.image_metadata,
            created_at=world.clock.now(),
        )
        await projects.ensure(world.db, volume.project_id, world.clock.now())
        async with world.db.begin() as tx:
            await quotas.claim(world, tx, volume.project_id, snapshots=1, gigabytes=volume.size)
            await _check_still(request, await volumes.lock(tx, volume.id, made.created_at) or volume)
            await snapshots.add(tx, made)
        self._jobs.work_on_snapshot(made)
        return json_response({"snapshot": snapshot_view(request, made, detail=False)}, 202)

    async def delete(self, request: VolumeRequest) -> Response:
        world = request.world
        found = await world.snapshot(request, request.params["snapshot_id"])
        check_writer(request, "volume:delete_snapshot")
        if found.status not in _DELETABLE:
            raise InvalidSnapshot("Snapshot status must be available or error to be deleted.")
        await self._begin_delete(request, found)
        return empty(202)

    async def _begin_delete(self, request: VolumeRequest, found: Snapshot) -> None:
        world = request.world
        async with world.db.begin() as tx:
            await snapshots.lock(tx, found.id, world.clock.now())
            if await volumes.being_made_from(tx, found.id):
                raise InvalidSnapshot(f"A volume is being made from snapshot {found.id}.")
            await snapshots.change(tx, found.id, world.clock.now(), status=SnapshotStatus.DELETING)
        self._jobs.work_on_snapshot(msgspec.structs.replace(found, status=SnapshotStatus.DELETING))

    async def act(self, request: VolumeRequest) -> Response:
        document = await request.document()
        found = await request.world.snapshot(request, request.params["snapshot_id"])
        name = next(iter(document), "") if isinstance(document, dict) else ""
        check_trusted(request, f"snapshot_extension:{name[:60]}")
        if name == "os-force_delete":
            await self._begin_delete(request, found)
        elif name == "os-reset_status":
            status = _status(checked(document, name, ResetStatus).status)
            async with request.world.db.begin() as tx:
                await snapshots.change(tx, found.id, request.world.clock.now(), status=status)
        else:
            raise BadRequest(f"There is no such action: {name[:60]}")
        return empty(202)


async def _check_still(request: VolumeRequest, volume: Volume) -> None:
    """The file is copied, so nobody may write to it: a volume in use only for compute, which has paused its guest."""
    if volume.status == VolumeStatus.AVAILABLE:
        return
    if volume.status == VolumeStatus.IN_USE and await is_service(request):
        return
    raise WrongStatus(volume.id, volume.status, (VolumeStatus.AVAILABLE,))


def _status(text: str | None) -> SnapshotStatus:
    try:
        return SnapshotStatus(text or "")
    except ValueError as error:
        raise InvalidInput(f"Must specify a valid status; {text} is none.") from error


async def index(request: VolumeRequest) -> Response:
    return await _list(request, detail=False)


async def detail(request: VolumeRequest) -> Response:
    return await _list(request, detail=True)


async def _list(request: VolumeRequest, *, detail: bool) -> Response:
    page = page_of(request, _FILTERS)
    page.metadata = {}
    if "marker" in request.query_params:
        page.marker = msgspec.structs.asdict(await request.world.snapshot(request, request.query_params["marker"]))
    found = await snapshots.page(request.world.db, page)
    if "metadata" in request.query_params:
        wanted = metadata_of(request.query_params["metadata"]).items()
        found = [one for one in found if wanted <= one.metadata.items()]
    answer: dict[str, Any] = {"snapshots": [snapshot_view(request, one, detail=detail) for one in found]}
    if link := next_link(request, page, [one.id for one in found]):
        answer["snapshots_links"] = link
    return json_response(answer)


async def show(request: VolumeRequest) -> Response:
    found = await request.world.snapshot(request, request.params["snapshot_id"])
    return json_response({"snapshot": snapshot_view(request, found)})


async def update(request: VolumeRequest) -> Response:
    world = request.world
    found = await world.snapshot(request, request.params["snapshot_id"])
    check_writer(request, "volume:update_snapshot")
    changed = (await body(request, "snapshot", ChangedRecord)).columns()
    async with world.db.begin() as tx:
        await snapshots.change(tx, found.id, world.clock.now(), **changed)
    after = await world.snapshot(request, found.id)
    return json_response({"snapshot": snapshot_view(request, after, detail=False)})


async def show_metadata(request: VolumeRequest) -> Response:
    found = await request.world.snapshot(request, request.params["snapshot_id"])
    return json_response({"metadata": found.metadata})


async def set_metadata(request: VolumeRequest) -> Response:
    """POST adds, PUT replaces all."""
    found = await request.world.snapshot(request, request.params["snapshot_id"])
    new = await body(request, "metadata", Metadata)
    return await _store_metadata(request, found, {**found.metadata, **new} if request.method == "POST" else new)


async def show_metadata_item(request: VolumeRequest) -> Response:
    found = await request.world.snapshot(request, request.params["snapshot_id"])
    key = request.params["key"]
    _check_has(found, key)
    return json_response({"meta": {key: found.metadata[key]}})


def _check_has(found: Snapshot, key: str) -> None:
    if key not in found.metadata:
        raise NotFound(f"Snapshot {found.id} has no metadata with key {key}.")


async def set_metadata_item(request: VolumeRequest) -> Response:
    found = await request.world.snapshot(request, request.params["snapshot_id"])
    meta = await body(request, "meta", Metadata)
    if set(meta) != {request.params["key"]}:
        raise BadRequest("Request body and URI mismatch")
    await _store_metadata(request, found, {**found.metadata, **meta})
    return json_response({"meta": meta})


async def remove_metadata_item(request: VolumeRequest) -> Response:
    found = await request.world.snapshot(request, request.params["snapshot_id"])
    key = request.params["key"]
    _check_has(found, key)
    await _store_metadata(request, found, {name: value for name, value in found.metadata.items() if name != key})
    return empty(200)


async def _store_metadata(request: VolumeRequest, found: Snapshot, metadata: dict[str, str]) -> Response:
    check_writer(request, "volume:update_snapshot_metadata")
    async with request.world.db.begin() as tx:
        await snapshots.change(tx, found.id, request.world.clock.now(), metadata=metadata)
    return json_response({"metadata": metadata})
