"""Rebuild: the same server from an image anew; ports, volumes and addresses stay."""

from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.api.quota import check_metadata, limits
from kilonova.api.request import Request
from kilonova.api.servers.access import access_addresses
from kilonova.api.servers.acting import acting
from kilonova.api.servers.create import public_key
from kilonova.api.servers.create_checks import check_personality, kept_files
from kilonova.api.servers.find import find_server
from kilonova.api.servers.hardware import check_rebuilt
from kilonova.api.servers.images import check_fit, usable_image
from kilonova.api.servers.life import changed_view
from kilonova.contract.compute import FlavorOf
from kilonova.contract.work import RebuildServer
from kilonova.db.repository import servers
from kilonova.db.repository.server_state import devices_of
from kilonova.model.errors import BadRequest
from kilonova.model.image import Image
from kilonova.model.server import Server, TaskState
from kilonova.web.response import json_response

_encode = msgspec.json.Encoder().encode

_PLAIN = {
    "name": "name",
    "description": "description",
    "hostname": "hostname",
    "OS-DCF:diskConfig": "disk_config",
    "user_data": "user_data",
}


async def rebuild(request: Request) -> Response:
    """202 with the server as it will be. Errors: BadRequest, QuotaExceeded, WrongState."""
    body = request.body["rebuild"]
    server = await find_server(request)
    check_personality(request, body)
    if body.get("trusted_image_certificates"):
        request.allow("os_compute_api:servers:rebuild:trusted_certs")
    image = await usable_image(request, body["imageRef"])
    reimage = None if server.image_id else await _new_content(request, server, body, image)
    check_fit(request, image, msgspec.json.decode(server.flavor, type=FlavorOf), local_root=bool(server.image_id))
    check_rebuilt(request, server, image.properties)
    password = body.get("adminPass") or request.world.secret(request.world.settings.password_length)
    changes = await _changes(request, body, server, image)
    async with acting(request, "rebuild") as it:
        check_metadata(await limits(request, it.tx, request.project_id), len(body.get("metadata") or {}))
        await servers.keep(it.tx, server.id, {"admin_password": password, **kept_files(body)})
        await it.change(**changes)
        work = RebuildServer(
            server_id=server.id,
            old_image_id=it.server.image_id,
            old_spec=server.request_spec,
            reimage=reimage,
        )
        await it.begin(work, TaskState.REBUILDING)
        after = await servers.get(it.tx, server.id, project_id=None)
    return await _answer(request, after, password)


async def _new_content(request: Request, server: Server, body: dict[str, Any], image: Image) -> str | None:
    """What the volume the server boots from is filled with anew (2.93 on); before, it must have been made from `image`.

    Errors: BadRequest.
    """
    if body.get("trusted_image_certificates"):
        raise BadRequest("Image certificate validation is not supported for volume-backed servers.")
    if request.version >= 93:
        return image.id
    devices = await devices_of(request.world.db, server.id)
    root = next((one.volume_id for one in devices if one.boot_index == 0 and one.volume_id), None)
    volume = None if root is None else await request.world.volume.show(root, request.caller.token)
    if volume is None or volume.image_metadata.get("image_id") != image.id:
        raise BadRequest("Unable to rebuild with a different image for a volume-backed server.")
    return None


async def _changes(request: Request, body: dict[str, Any], server: Server, image: Image) -> dict[str, Any]:
    changes: dict[str, Any] = {column: body[name] for name, column in _PLAIN.items() if name in body}
    changes |= access_addresses(body)
    if server.image_id:
        changes["image_id"] = image.id
    changes["request_spec"] = _respecified(server, image)
    if "metadata" in body:
        changes["metadata"] = _encode(body["metadata"]).decode()
    if "key_name" in body:
        name = body["key_name"]
        changes["key_name"] = name
        changes["key_data"] = None if name is None else await public_key(request, name)
    if "trusted_image_certificates" in body:
        certificates = body["trusted_image_certificates"]
        changes["trusted_certs"] = None if certificates is None else _encode(certificates).decode()
    return changes


def _respecified(server: Server, image: Image) -> str:
    spec = msgspec.json.decode(server.request_spec or "{}")
    spec |= {"image_id": image.id, "image_properties": image.properties}
    return _encode(spec).decode()


async def _answer(request: Request, server: Server, password: str) -> Response:
    shown = await changed_view(request, server, show_user_data=False)
    if request.world.settings.enable_instance_password:
        shown["adminPass"] = password
    if request.version >= 54:
        shown["key_name"] = server.key_name
    if request.version >= 57:
        shown["user_data"] = server.user_data
    return json_response({"server": shown}, 202, {"Location": f"{request.self_base}/servers/{server.id}"})
