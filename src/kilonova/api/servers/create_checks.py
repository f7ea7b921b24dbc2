"""What a create may not ask, found without storing anything. Texts: Nova's."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kilonova.api.quota import UNLIMITED, QuotaExceeded
from kilonova.api.request import Request
from kilonova.contract.compute import BlockDevice, InjectedFile
from kilonova.db.repository.server_state import INJECTED_FILES
from kilonova.model.errors import BadRequest, NotFound
from kilonova.peers.volume import Volume


def check_counts(body: Mapping[str, Any]) -> tuple[int, int]:
    """How many servers: at least, at most. Errors: BadRequest."""
    least = int(body.get("min_count", 1))
    most = int(body.get("max_count", least))
    if least > most:
        raise BadRequest("min_count must be <= max_count")
    if most > 1 and body.get("hostname"):
        raise BadRequest("Unable to launch multiple instances with a single configured hostname.")
    return least, most


def check_policy(request: Request, body: Mapping[str, Any]) -> None:
    """Rules beyond `create` itself. Errors: PolicyForbids."""
    rule = "os_compute_api:servers:create"
    if body.get("networks") and body["networks"] != "none":
        request.allow(f"{rule}:attach_network")
    if body.get("block_device_mapping_v2") or body.get("block_device_mapping"):
        request.allow(f"{rule}:attach_volume")
    if body.get("trusted_image_certificates"):
        request.allow(f"{rule}:trusted_certs")


def check_personality(request: Request, body: Mapping[str, Any]) -> None:
    """Files below 2.57: how many, how long. Errors: QuotaExceeded, BadRequest."""
    files = body.get("personality") or []
    quota = request.world.settings.quota
    if _over(len(files), quota["injected_files"]):
        raise QuotaExceeded("Personality file limit exceeded")
    for file in files:
        if _over(len(file.get("path", "")), quota["injected_file_path_bytes"]):
            raise QuotaExceeded("Personality file path exceeds maximum " + str(quota["injected_file_path_bytes"]))
        contents = base64.b64decode("".join(file.get("contents", "").split()))
        if _over(len(contents), quota["injected_file_content_bytes"]):
            raise QuotaExceeded("Personality file content exceeds maximum " + str(quota["injected_file_content_bytes"]))


def kept_files(body: Mapping[str, Any]) -> dict[str, str | None]:
    """`personality` as it is kept with the server, for its config drive: nothing else ever shows it."""
    files = [InjectedFile(path=one["path"], contents=one["contents"]) for one in body.get("personality") or ()]
    return {INJECTED_FILES: msgspec.json.encode(files).decode() if files else None}


def _over(count: int, allowed: int) -> bool:
    return allowed != UNLIMITED and count > allowed


async def check_volumes(
    request: Request, devices: Iterable[BlockDevice], *, count: int, imageless: bool
) -> dict[str, str]:
    """Volumes and snapshots named are there and free. Without an image, what is known of the one that the volume it
    boots from was made of. Errors: BadRequest.
    """
    known: dict[str, str] = {}
    for device in devices:
        if device.volume_id is not None:
            if count > 1:
                raise BadRequest(
                    "Unable to launch multiple instances with a single volume. Please launch your instances one by one."
                )
            volume = await check_free_volume(request, device.volume_id, booting=True)
            if imageless and device.boot_index == 0:
                if not volume.bootable:
                    raise BadRequest(f"Block Device {volume.id} is not bootable.")
                known = volume.image_metadata
    return known


async def check_free_volume(request: Request, volume_id: str, *, booting: bool) -> Volume:
    """The volume, if a server can have it. Errors: BadRequest; NotFound unless `booting`."""
    try:
        volume = await request.world.volume.show(volume_id, request.caller.token)
    except NotFound as error:
        if not booting:
            raise NotFound(f"Volume {volume_id} could not be found.") from error
        raise BadRequest(f"Block Device Mapping is Invalid: failed to get volume {volume_id}.") from error
    if volume.status == "in-use" and volume.multiattach:
        if request.version < 60:
            raise BadRequest("Multiattach volumes are only supported starting with compute API version 2.60.")
        return volume
    if volume.status != "available":
        raise BadRequest(
            f"Invalid volume: volume '{volume_id}' status must be 'available'. Currently in '{volume.status}'"
        )
    return volume
