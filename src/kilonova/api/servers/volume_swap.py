"""A volume of a server gives way to another: asked by the volume service, which is migrating it. Texts: Nova's."""

from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import owner_of
from kilonova.contract.compute import BlockDevice
from kilonova.contract.work import SwapVolumeWork
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.server import Server
from kilonova.model.server_actions import check
from kilonova.peers.volume import Volume

RULE = "os_compute_api:os-volumes-attachments:swap"


def check_allowed(request: Request, server: Server) -> None:
    """Errors: PolicyForbids."""
    request.allow(RULE, owner_of(server))


async def swap(request: Request, server: Server, device: BlockDevice, new_id: str) -> None:
    """202; the guest runs on. Errors: BadRequest, Conflict unless a migration is under way, NotFound, WrongState."""
    old_id = str(device.volume_id)
    old, new = await _volume(request, old_id, NotFound), await _volume(request, new_id, BadRequest)
    if not old.migration_status:
        raise Conflict(f"volume {old_id} is not migrating this api should only be called by Cinder")
    if new.migration_status != f"target:{old_id}":
        raise Conflict(f"volume {new_id} is not where volume {old_id} is migrating to")
    check("swap_volume", server, admin=request.caller.is_admin)
    _check_fits(server, old, new)
    async with acting(request, "swap_volume") as it:
        await it.begin(
            SwapVolumeWork(server_id=server.id, volume_id=old_id, new_volume_id=new_id, mapping_id=device.id)
        )


async def _volume(request: Request, volume_id: str, unknown: type[BadRequest] | type[NotFound]) -> Volume:
    try:
        return await request.world.volume.show(volume_id, request.caller.token)
    except NotFound as error:
        raise unknown(f"Volume {volume_id} could not be found.") from error


def _check_fits(server: Server, old: Volume, new: Volume) -> None:
    if not any(held.server_id == server.id for held in old.attachments):
        raise BadRequest("Old volume is attached to a different instance.")
    if new.attachments:
        raise BadRequest("Invalid volume: New volume must be detached in order to swap.")
    if new.size < old.size:
        raise BadRequest("Invalid volume: New volume must be the same size or larger.")
    if sum(held.server_id is not None for held in old.attachments) > 1:
        raise BadRequest("Swapping multi-attach volumes with more than one read/write attachment is not supported.")
