"""Quota sets and absolute limits."""

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from kilonova.model.errors import BadRequest
from kilonova.volume.body import checked
from kilonova.volume.errors import NotAllowed
from kilonova.volume.microversion import since
from kilonova.volume.paging import is_true
from kilonova.volume.quotas import limits_of, usage_of
from kilonova.volume.store import projects, types
from kilonova.volume.world import QUOTAS, VolumeRequest, check_trusted, project_of, trusted
from kilonova.web.response import empty, json_response

Limits = dict[str, Annotated[int, msgspec.Meta(ge=-1, le=2147483647)]]
_PER_TYPE = ("volumes", "gigabytes", "snapshots")


async def show(request: VolumeRequest) -> Response:
    target = _target(request)
    limits = await _all_limits(request, await limits_of(request.world, target))
    if not is_true(request.query_params.get("usage", "false")):
        return json_response({"quota_set": {**limits, "id": target}})
    used = await usage_of(request.world.db, target)
    detailed: dict[str, Any] = {
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in limits.items()
    }
    return json_response({"quota_set": {**detailed, "id": target}})


def _target(request: VolumeRequest) -> str:
    """Others' quotas are for admins. Errors: NotAllowed."""
    target = request.params["target"]
    if target != request.caller.project_id and not trusted(request.caller):
        raise NotAllowed("volume_extension:quotas:show")
    return target


async def _all_limits(request: VolumeRequest, limits: dict[str, int]) -> dict[str, int]:
    """Types have no limits of their own; clients expect to see so."""
    kinds = await types.every(request.world.db)
    return {**limits, **{f"{name}_{one.name}": -1 for one in kinds for name in _PER_TYPE}}


async def defaults(request: VolumeRequest) -> Response:
    quotas = await _all_limits(request, {**QUOTAS, **request.world.settings.quotas})
    return json_response({"quota_set": {**quotas, "id": _target(request)}})


async def update(request: VolumeRequest) -> Response:
    check_trusted(request, "volume_extension:quotas:update")
    world, target = request.world, request.params["target"]
    if len(target) > 255:
        raise BadRequest("A project's id has at most 255 characters.")
    document = await request.document()
    asked = document.get("quota_set") if isinstance(document, dict) else None
    known = {name: value for name, value in (asked or {}).items() if name in QUOTAS} if isinstance(asked, dict) else {}
    if not isinstance(asked, dict) or not known:
        raise BadRequest("Bad key(s) in quota set, or none at all.")
    new = checked({"quota_set": known}, "quota_set", Limits)
    merged = {**await projects.limits(world.db, target), **new}
    await projects.ensure(world.db, target, world.clock.now())
    async with world.db.begin() as tx:
        await projects.set_limits(tx, target, world.clock.now(), merged)
    return json_response({"quota_set": await _all_limits(request, await limits_of(world, target))})


async def delete(request: VolumeRequest) -> Response:
    """Back to the defaults."""
    check_trusted(request, "volume_extension:quotas:delete")
    world, target = request.world, request.params["target"]
    async with world.db.begin() as tx:
        await projects.set_limits(tx, target, world.clock.now(), {})
    return empty(200)


async def class_defaults(request: VolumeRequest) -> Response:
    name = request.params["name"]
    quotas = await _all_limits(request, {**QUOTAS, **request.world.settings.quotas})
    return json_response({"quota_class_set": {**quotas, "id": name}})


async def limits(request: VolumeRequest) -> Response:
    target = project_of(request)
    if since(request, 39) and trusted(request.caller):
        target = request.query_params.get("project_id", target)
    own, used = await limits_of(request.world, target), await usage_of(request.world.db, target)
    absolute = {
        "maxTotalVolumes": own["volumes"],
        "maxTotalSnapshots": own["snapshots"],
        "maxTotalVolumeGigabytes": own["gigabytes"],
        "maxTotalBackups": own["backups"],
        "maxTotalBackupGigabytes": own["backup_gigabytes"],
        "totalVolumesUsed": used["volumes"],
        "totalGigabytesUsed": used["gigabytes"],
        "totalSnapshotsUsed": used["snapshots"],
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    return json_response({"limits": {"rate": [], "absolute": absolute}})
