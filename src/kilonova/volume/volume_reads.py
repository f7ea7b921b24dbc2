"""Volumes: list, show, and what they count up to."""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.model.errors import BadRequest, NotFound
from kilonova.volume.errors import VolumeNotFound
from kilonova.volume.microversion import since
from kilonova.volume.paging import is_true, next_link, page_of
from kilonova.volume.records import Volume, VolumeType
from kilonova.volume.store import attachments, types, volumes
from kilonova.volume.store.listing import Page
from kilonova.volume.view import extended_view, volume_summary, volume_view
from kilonova.volume.world import VolumeRequest
from kilonova.web.response import json_response

_FILTERS = ("id", "name", "status", "availability_zone", "image_id", "snapshot_id", "user_id")


async def index(request: VolumeRequest) -> Response:
    """Errors: VolumeNotFound (of the volume whose id is empty), BadRequest."""
    if request.url.path.endswith("/"):
        # Whoever lost an id must not take the list for a volume; Cinder answers so too.
        raise VolumeNotFound("")
    page, found = await _page(request)
    return await _answer(request, page, found, [volume_summary(request, one) for one in found])


async def detail(request: VolumeRequest) -> Response:
    page, found = await _page(request)
    held = await attachments.of_volumes(request.world.db, [one.id for one in found])
    kinds = await types_by_id(request)
    return await _answer(request, page, found, [extended_view(request, one, held[one.id], kinds) for one in found])


async def _answer(request: VolumeRequest, page: Page, found: list[Volume], shown: list[dict[str, Any]]) -> Response:
    answer: dict[str, Any] = {"volumes": shown}
    if link := next_link(request, page, [one.id for one in found]):
        answer["volumes_links"] = link
    if since(request, 45) and is_true(request.query_params.get("with_count", "false")):
        answer["count"] = await volumes.count(request.world.db, page)
    return json_response(answer)


async def _page(request: VolumeRequest) -> tuple[Page, list[Volume]]:
    given = request.query_params
    page = page_of(request, _FILTERS)
    for name in ("bootable", "multiattach"):
        if name in given:
            page.equal[name] = int(is_true(given[name]))
    if "volume_type" in given:
        page.equal["type_id"] = (await request.world.type(request, given["volume_type"])).id
    if "marker" in given:
        try:
            page.marker = msgspec.structs.asdict(await request.world.volume(request, given["marker"]))
        except NotFound as error:
            raise BadRequest(f"marker {given['marker'][:60]} could not be found") from error
    return page, await volumes.page(request.world.db, page)


async def types_by_id(request: VolumeRequest) -> dict[str, VolumeType]:
    return {one.id: one for one in await types.every(request.world.db)}


async def shown(request: VolumeRequest, volume: Volume) -> dict[str, Any]:
    """The answer to a create or an update."""
    held = await attachments.of_volume(request.world.db, volume.id)
    return {"volume": volume_view(request, volume, held, await types_by_id(request))}


async def show(request: VolumeRequest) -> Response:
    volume = await request.world.volume(request, request.params["volume_id"])
    held = await attachments.of_volume(request.world.db, volume.id)
    return json_response({"volume": extended_view(request, volume, held, await types_by_id(request))})


async def summary(request: VolumeRequest) -> Response:
    found = await volumes.page(request.world.db, page_of(request, _FILTERS))
    told: dict[str, Any] = {"total_count": len(found), "total_size": sum(one.size for one in found)}
    if since(request, 36):
        merged: dict[str, set[str]] = {}
        for one in found:
            for name, value in one.metadata.items():
                merged.setdefault(name, set()).add(value)
        told["metadata"] = {name: sorted(values) for name, values in sorted(merged.items())}
    return json_response({"volume-summary": told})
