"""Images made from servers: createImage, and the image a shelved server leaves."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from starlette.responses import Response

from kilonova.api.quota import check_metadata, limits
from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import find_server
from kilonova.api.servers.view import image_properties
from kilonova.contract.compute import FlavorOf
from kilonova.contract.work import BackupServer, ShelveServer, SnapshotServer, SnapshotVolumes
from kilonova.model.errors import BadRequest
from kilonova.model.server import Server, TaskState
from kilonova.model.server_actions import check
from kilonova.web.response import json_response

# Not passed on from image to snapshot (source: [DEFAULT]non_inheritable_image_properties, and what signs the old bits).
_NOT_INHERITED = frozenset(
    {"bittorrent", "cache_in_nova", "img_signature", "img_signature_hash_method", "img_signature_key_type",
     "img_signature_certificate_uuid", "os_glance_importing_to_stores", "os_glance_failed_import"}
)  # fmt: skip


async def create_image(request: Request) -> Response:
    """202; the image exists, queued, before the answer. Errors: BadRequest, QuotaExceeded, WrongState."""
    body = request.body["createImage"]
    metadata = body.get("metadata") or {}
    if request.version < 39:
        check_metadata(await limits(request, request.world.db, request.project_id), len(metadata))
    server = await find_server(request)
    check("createImage", server, admin=request.caller.is_admin)
    of_volumes = not server.image_id
    if of_volumes:
        request.allow("os_compute_api:servers:create_image:allow_volume_backed")
    kind = SnapshotVolumes if of_volumes else SnapshotServer
    # Such an image has no bits, of no format in particular.
    disk_format = "raw" if of_volumes else "qcow2"
    async with (
        queued_image(request, server, body["name"], metadata, disk_format=disk_format) as image_id,
        acting(request, "createImage") as it,
    ):
        await it.begin(kind(server_id=server.id, image_id=image_id), TaskState.IMAGE_SNAPSHOT_PENDING)
    return image_answer(request, image_id)


async def create_backup(request: Request) -> Response | None:
    """As createImage, but of `backup_type` only the newest `rotation` are kept; of none at all nothing is made."""
    body = request.body["createBackup"]
    rotation = int(body["rotation"])
    metadata = body.get("metadata") or {}
    if request.version < 39:
        check_metadata(await limits(request, request.world.db, request.project_id), len(metadata))
    server = await find_server(request)
    check("createBackup", server, admin=request.caller.is_admin)
    if not server.image_id:
        raise BadRequest("Backup is not supported for volume-backed instances.")
    kept = {**metadata, "image_type": "backup", "backup_type": body["backup_type"]}
    async with queued_image(request, server, body["name"], kept) as image_id, acting(request, "createBackup") as it:
        work = BackupServer(server_id=server.id, image_id=image_id, backup_type=body["backup_type"], rotation=rotation)
        await it.begin(work, TaskState.IMAGE_BACKUP)
    if rotation == 0 and request.version < 45:
        return None
    return image_answer(request, image_id)


def image_answer(request: Request, image_id: str) -> Response:
    """The id in the body from 2.45 on; before, only in the Location, with an empty HTML body."""
    if request.version >= 45:
        return json_response({"image_id": image_id}, 202)
    root = request.base.removesuffix(request.scope.get("root_path", ""))
    endpoint = request.world.settings.image_url or f"{root}/image"
    return Response(b"", 202, {"Location": f"{endpoint}/images/{image_id}"}, "text/html")


@asynccontextmanager
async def queued_image(
    request: Request, server: Server, name: str, metadata: Mapping[str, str], *, disk_format: str = "qcow2"
) -> AsyncIterator[str]:
    """The id of a new image for the server's disk; taken back when what follows is not accepted."""
    images, token = request.world.image, request.caller.token
    flavor = msgspec.json.decode(server.flavor, type=FlavorOf)
    image = await images.create(
        token,
        name=name,
        properties=_properties(request, server) | dict(metadata),
        disk_format=disk_format,
        container_format="bare",
        visibility="private",
        min_disk=flavor.root_gib,
    )
    try:
        yield image.id
    except BaseException:
        await images.delete(image.id, token)
        raise


def _properties(request: Request, server: Server) -> dict[str, str]:
    caller = request.caller
    inherited = {
        name: value for name, value in image_properties(server.request_spec).items() if name not in _NOT_INHERITED
    }
    return {
        **inherited,
        "instance_uuid": server.id,
        "user_id": caller.user_id,
        "image_type": "snapshot",
        "base_image_ref": server.image_id or "",
        "owner_user_name": caller.user_name,
        "owner_project_name": caller.project_name or "",
        "boot_roles": ",".join(sorted(caller.roles)),
    }


async def shelve(request: Request) -> None:
    """Snapshot the disk and free the host."""
    server = await find_server(request)
    check("shelve", server, admin=request.caller.is_admin)
    if not server.image_id:
        await _shelve(request, None)
        return
    async with queued_image(request, server, f"{server.name}-shelved", {}) as image_id:
        await _shelve(request, image_id)


async def _shelve(request: Request, image_id: str | None) -> None:
    async with acting(request, "shelve") as it:
        await it.begin(ShelveServer(server_id=it.server.id, image_id=image_id), TaskState.SHELVING)
