"""Volumes of a server: what is attached, attach, detach. The id in the URL is the volume's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.api.paging import limit_of, offset_of
from kilonova.api.parameters import TRUE_TEXTS
from kilonova.api.request import Request
from kilonova.api.servers import volume_swap
from kilonova.api.servers.acting import Acting, acting
from kilonova.api.servers.block_devices import columns_of
from kilonova.api.servers.create_checks import check_free_volume
from kilonova.api.servers.find import find_server
from kilonova.contract.compute import BlockDevice
from kilonova.contract.work import AttachVolumeWork, DetachVolumeWork
from kilonova.db.repository import servers
from kilonova.db.repository.server_state import devices_of
from kilonova.model.errors import BadRequest, Forbidden, NotFound
from kilonova.model.server import Server, VmState
from kilonova.model.server_actions import WrongState, check
from kilonova.model.volume import VolumeStatus
from kilonova.web.response import empty, json_response

_SHELVED = (VmState.SHELVED, VmState.SHELVED_OFFLOADED)


class NotAttached(NotFound):
    def __init__(self, server_id: str, volume_id: str) -> None:
        super().__init__(f"Instance {server_id} is not attached to volume {volume_id}")


async def index(request: Request) -> dict[str, Any]:
    server = await find_server(request)
    attached = [device for device in await devices_of(request.world.db, server.id) if device.volume_id]
    start = offset_of(request)
    shown = attached[start : start + limit_of(request)]
    return {"volumeAttachments": [_view(request, server, device) for device in shown]}


async def show(request: Request) -> dict[str, Any]:
    server = await find_server(request)
    device = await _device(request, server, request.params["id"])
    return {"volumeAttachment": _view(request, server, device)}


async def attach(request: Request) -> Response:
    """Accepted with a device name below 2.101; the volume is attached later. Errors: BadRequest, Conflict, NotFound."""
    asked = request.body["volumeAttachment"]
    volume_id = asked["volumeId"]
    server = await find_server(request)
    _check_shelved(request, server, "attach_volume")
    await check_free_volume(request, volume_id, booting=False)
    async with acting(request, "attach_volume") as it:
        devices = await devices_of(it.tx, server.id)
        if any(device.volume_id == volume_id for device in devices):
            raise BadRequest(f"Invalid volume: volume {volume_id} already attached")
        device = BlockDevice(
            id=request.world.new_id(),
            source_type="volume",
            destination_type="volume",
            volume_id=volume_id,
            device_name=asked.get("device") or next_device(it.server.root_device_name, devices),
            tag=asked.get("tag"),
            delete_on_termination=asked.get("delete_on_termination") in (True, *TRUE_TEXTS),
        )
        await _add(it, devices, device)
        await it.begin(AttachVolumeWork(server_id=server.id, volume_id=volume_id, mapping_id=device.id))
    if request.version >= 101:
        return empty(202)
    # An answer to the call itself, not yet with what only an attachment has.
    return json_response({"volumeAttachment": _view(request, server, device, attached=False)})


def next_device(root: str, devices: tuple[BlockDevice, ...]) -> str:
    """The first free name after the root disk's."""
    taken = {device.device_name for device in devices} | {root}
    stem = root.rstrip("0123456789")[:-1]
    names = (f"{stem}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")
    for name in names:
        if name not in taken:
            return name
    raise Forbidden("No free disk device names for the instance")


async def _add(it: Acting, devices: tuple[BlockDevice, ...], device: BlockDevice) -> None:
    now = it.request.world.clock.now()
    await servers.insert_device(it.tx, server_id=it.server.id, created_at=now, **columns_of(device))
    await it.change(volumes_attached=_shown((*devices, device)))


def _shown(devices: tuple[BlockDevice, ...]) -> str:
    return msgspec.json.encode(
        [
            {"id": device.volume_id, "delete_on_termination": device.delete_on_termination}
            for device in devices
            if device.volume_id
        ]
    ).decode()


async def update(request: Request) -> None:
    """What happens to the volume with the server (2.85); another volume is a swap. Errors: BadRequest, Conflict."""
    asked, volume_id = request.body["volumeAttachment"], request.params["id"]
    server = await find_server(request)
    if asked["volumeId"] != volume_id or request.version < 85:
        volume_swap.check_allowed(request, server)
        await volume_swap.swap(request, server, await _device(request, server, volume_id), asked["volumeId"])
        return
    device = await _device(request, server, volume_id)
    _check_unchanged(asked, server, device)
    if "delete_on_termination" not in asked:
        raise BadRequest("volumeId must be different from the one attached, or delete_on_termination be given.")
    async with acting(request, None) as it:
        keep = asked["delete_on_termination"] in (True, *TRUE_TEXTS)
        await servers.change_device(it.tx, device.id, delete_on_termination=int(keep))
        await it.change(volumes_attached=_shown(await devices_of(it.tx, server.id)))


def _check_unchanged(asked: dict[str, Any], server: Server, device: BlockDevice) -> None:
    for name, value in (
        ("id", device.volume_id),
        ("serverId", server.id),
        ("device", device.device_name),
        ("tag", device.tag),
    ):
        if name in asked and asked[name] != value:
            raise BadRequest(f"The {name} property of the volume attachment cannot be changed.")


async def detach(request: Request) -> None:
    """202; the volume is free when the guest has let go. Errors: BadRequest (root volume), NotAttached, WrongState."""
    volume_id = request.params["id"]
    server = await find_server(request)
    _check_shelved(request, server, "detach_volume")
    device = await _device(request, server, volume_id)
    if device.boot_index == 0 and server.vm_state != VmState.SHELVED_OFFLOADED:
        raise BadRequest("Cannot detach a root device volume")
    check("detach_volume", server, admin=request.caller.is_admin)
    async with _detaching(request, volume_id), acting(request, "detach_volume") as it:
        await it.begin(DetachVolumeWork(server_id=server.id, volume_id=volume_id, mapping_id=device.id))


@asynccontextmanager
async def _detaching(request: Request, volume_id: str) -> AsyncIterator[None]:
    """The volume shows that before the answer; not for long where what follows is not accepted."""
    volumes, token = request.world.volume, request.caller.token
    begun = (await volumes.show(volume_id, token)).status != VolumeStatus.DETACHING
    if begun:
        await volumes.begin_detaching(volume_id, token)
    try:
        yield
    except BaseException:
        if begun:
            await volumes.roll_detaching(volume_id, token)
        raise


def _check_shelved(request: Request, server: Server, action: str) -> None:
    if request.version < 20 and server.vm_state in _SHELVED:
        raise WrongState(server.id, action, "vm_state", server.vm_state)


async def _device(request: Request, server: Server, volume_id: str) -> BlockDevice:
    for device in await devices_of(request.world.db, server.id):
        if device.volume_id == volume_id:
            return device
    raise NotAttached(server.id, volume_id)


def _view(request: Request, server: Server, device: BlockDevice, *, attached: bool = True) -> dict[str, Any]:
    version = request.version
    shown: dict[str, Any] = {"serverId": server.id, "volumeId": device.volume_id, "device": device.device_name}
    if version < 89 or not attached:
        shown["id"] = device.volume_id
    else:
        shown["attachment_id"] = device.attachment_id
        shown["bdm_uuid"] = device.id
    if version >= 70:
        shown["tag"] = device.tag
    if version >= 79:
        shown["delete_on_termination"] = device.delete_on_termination
    return shown
