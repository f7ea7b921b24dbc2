"""Volumes, snapshots and attachments as clients see them, by microversion and by who looks."""

from collections.abc import Sequence
from typing import Any

from kilonova.model.caller import Caller
from kilonova.model.time import Timestamp
from kilonova.model.volume import AttachStatus
from kilonova.volume.microversion import since
from kilonova.volume.records import Attachment, Snapshot, Volume, VolumeType
from kilonova.volume.world import VolumeRequest, trusted


def links(request: VolumeRequest, kind: str, one_id: str) -> list[dict[str, str]]:
    project = request.params.get("project_id")
    inside = f"{project}/{kind}/{one_id}" if project else f"{kind}/{one_id}"
    return [
        {"rel": "self", "href": f"{request.base}/v3/{inside}"},
        {"rel": "bookmark", "href": f"{request.base}/{inside}"},
    ]


def volume_summary(request: VolumeRequest, volume: Volume) -> dict[str, Any]:
    return {"id": volume.id, "name": volume.name, "links": links(request, "volumes", volume.id)}


def volume_view(
    request: VolumeRequest, volume: Volume, held: Sequence[Attachment], types: dict[str, VolumeType]
) -> dict[str, Any]:
    kind = types.get(volume.type_id or "")
    shown: dict[str, Any] = {
        "id": volume.id,
        "status": volume.status,
        "size": volume.size,
        "availability_zone": volume.availability_zone,
        "created_at": volume.created_at,
        "updated_at": volume.updated_at,
        "name": volume.name,
        "description": volume.description,
        "volume_type": kind.name if kind else None,
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_id,
        "metadata": volume.metadata | ({"readonly": "True"} if volume.read_only else {}),
        "links": links(request, "volumes", volume.id),
        "user_id": volume.user_id,
        "bootable": "true" if volume.bootable else "false",
        "encrypted": False,
        "replication_status": None,
        "consistencygroup_id": None,
        "multiattach": volume.multiattach,
        "attachments": [_held(request.caller, one) for one in held if one.status == AttachStatus.ATTACHED],
    }
    return shown | _by_version(request, volume)


def extended_view(
    request: VolumeRequest, volume: Volume, held: Sequence[Attachment], types: dict[str, VolumeType]
) -> dict[str, Any]:
    """What show and detail tell; the answers to create and update do not."""
    shown = volume_view(request, volume, held, types) | {"os-vol-tenant-attr:tenant_id": volume.project_id}
    if volume.image_metadata is not None:
        shown["volume_image_metadata"] = volume.image_metadata
    return shown | _for_admins(request, volume)


def _for_admins(request: VolumeRequest, volume: Volume) -> dict[str, Any]:
    if not trusted(request.caller):
        return {}
    return {
        "os-vol-host-attr:host": request.world.settings.backend,
        "migration_status": volume.migration_status,
        "os-vol-mig-status-attr:migstat": volume.migration_status,
        "os-vol-mig-status-attr:name_id": None,
    }


def _by_version(request: VolumeRequest, volume: Volume) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if since(request, 13):
        shown["group_id"] = None
    if since(request, 21) and trusted(request.caller):
        shown["provider_id"] = None
    if since(request, 48):
        shown |= {"service_uuid": None, "shared_targets": False}
    if since(request, 61) and trusted(request.caller):
        shown["cluster_name"] = None
    if since(request, 63):
        shown["volume_type_id"] = volume.type_id
    if since(request, 65):
        shown["consumes_quota"] = True
    return shown


def _held(caller: Caller, one: Attachment) -> dict[str, Any]:
    return {
        "id": one.volume_id,
        "attachment_id": one.id,
        "volume_id": one.volume_id,
        "server_id": one.server_id,
        "host_name": one.host if trusted(caller) else None,
        "device": one.device,
        "attached_at": one.attached_at,
    }


def snapshot_view(request: VolumeRequest, snapshot: Snapshot, *, detail: bool = True) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": snapshot.id,
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": snapshot.volume_id,
        "status": snapshot.status,
        "size": snapshot.size,
        "created_at": snapshot.created_at,
        "updated_at": snapshot.updated_at,
        "metadata": snapshot.metadata,
    }
    if detail:
        done = "100%" if snapshot.status == "available" else "0%"
        shown["os-extended-snapshot-attributes:progress"] = done
        shown["os-extended-snapshot-attributes:project_id"] = snapshot.project_id
    if since(request, 14):
        shown["group_snapshot_id"] = None
    if since(request, 41):
        shown["user_id"] = snapshot.user_id
    if since(request, 65):
        shown["consumes_quota"] = True
    return shown


def attachment_view(request: VolumeRequest, one: Attachment, *, detail: bool = True) -> dict[str, Any]:
    """How to connect is for those who do: it names files of the host."""
    shown: dict[str, Any] = {
        "id": one.id,
        "status": one.status,
        "instance": one.server_id,
        "volume_id": one.volume_id,
    }
    if detail:
        shown |= {
            "attached_at": one.attached_at or "",
            "detached_at": "",
            "attach_mode": one.mode,
            "connection_info": (one.connection_info or {}) if trusted(request.caller) else {},
        }
    return shown


def type_view(request: VolumeRequest, one: VolumeType) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "is_public": one.is_public,
        "os-volume-type-access:is_public": one.is_public,
        "extra_specs": one.extra_specs,
    }
    if trusted(request.caller):
        shown["qos_specs_id"] = None
    return shown


def service_view(request: VolumeRequest, now: Timestamp) -> dict[str, Any]:
    settings = request.world.settings
    shown: dict[str, Any] = {
        "binary": "cinder-volume",
        "host": f"{settings.host}@file",
        "zone": settings.availability_zone,
        "status": "enabled",
        "state": "up",
        "updated_at": now,
        "disabled_reason": None,
    }
    if since(request, 7):
        shown["cluster"] = None
    if since(request, 49):
        shown["backend_state"] = "up"
    return shown
