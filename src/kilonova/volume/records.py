"""The volume service's own records, one Struct per table."""

from typing import Any

import msgspec

from kilonova.model.time import Timestamp
from kilonova.model.volume import AttachStatus, SnapshotStatus, VolumeStatus


class VolumeType(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    description: str | None
    is_public: bool
    extra_specs: dict[str, str]
    created_at: Timestamp


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """`size` in GiB. `work` is what a task of ours is at (`{"size": 5}`), `previous_status` where it goes back to."""

    id: str
    project_id: str
    user_id: str | None = None
    name: str | None = None
    description: str | None = None
    size: int
    status: VolumeStatus
    type_id: str | None = None
    availability_zone: str
    bootable: bool = False
    read_only: bool = False
    multiattach: bool = False
    image_id: str | None = None
    snapshot_id: str | None = None
    source_id: str | None = None
    image_metadata: dict[str, str] | None = None
    work: dict[str, Any] | None = None
    previous_status: VolumeStatus | None = None
    created_at: Timestamp
    updated_at: Timestamp | None = None
    migration_status: str | None = None
    metadata: dict[str, str] = {}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    volume_id: str
    project_id: str
    user_id: str | None = None
    name: str | None = None
    description: str | None = None
    size: int
    status: SnapshotStatus
    metadata: dict[str, str] = {}
    image_metadata: dict[str, str] | None = None
    created_at: Timestamp
    updated_at: Timestamp | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """`mode` is rw or ro. `connection_info` is flat, as the API shows it, `driver_volume_type` among the rest."""

    id: str
    volume_id: str
    project_id: str
    server_id: str | None = None
    status: AttachStatus
    mode: str = "rw"
    device: str | None = None
    host: str | None = None
    connector: dict[str, Any] | None = None
    connection_info: dict[str, Any] | None = None
    attached_at: Timestamp | None = None
    created_at: Timestamp
