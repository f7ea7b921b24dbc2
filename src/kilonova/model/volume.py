"""Volumes: their states, and which states allow what."""

from enum import StrEnum


class VolumeStatus(StrEnum):
    """Cinder's words. Those after `reverting` only a real Cinder says."""

    CREATING = "creating"
    DOWNLOADING = "downloading"  # creating from an image
    AVAILABLE = "available"
    RESERVED = "reserved"
    ATTACHING = "attaching"
    IN_USE = "in-use"
    DETACHING = "detaching"
    EXTENDING = "extending"
    UPLOADING = "uploading"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    ERROR_EXTENDING = "error_extending"
    MAINTENANCE = "maintenance"
    REVERTING = "reverting"
    RETYPING = "retyping"
    MANAGING = "managing"
    ERROR_MANAGING = "error_managing"
    BACKING_UP = "backing-up"
    RESTORING_BACKUP = "restoring-backup"
    ERROR_BACKING_UP = "error_backing-up"
    ERROR_RESTORING = "error_restoring"
    AWAITING_TRANSFER = "awaiting-transfer"


class SnapshotStatus(StrEnum):
    CREATING = "creating"
    AVAILABLE = "available"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    BACKING_UP = "backing-up"
    UNMANAGING = "unmanaging"


class AttachStatus(StrEnum):
    RESERVED = "reserved"
    ATTACHING = "attaching"
    ATTACHED = "attached"
    DETACHED = "detached"


DELETABLE = frozenset(
    {
        VolumeStatus.AVAILABLE,
        VolumeStatus.ERROR,
        VolumeStatus.ERROR_RESTORING,
        VolumeStatus.ERROR_EXTENDING,
        VolumeStatus.ERROR_MANAGING,
        # A delete that failed may be tried again.
        VolumeStatus.ERROR_DELETING,
    }
)
"""Source: Block Storage API v3, "delete a volume"."""


def status_of_attachments(statuses: "set[AttachStatus]") -> VolumeStatus:
    """A volume's status as its attachments make it: the furthest of them decides."""
    if AttachStatus.ATTACHED in statuses:
        return VolumeStatus.IN_USE
    if AttachStatus.ATTACHING in statuses:
        return VolumeStatus.ATTACHING
    if AttachStatus.RESERVED in statuses:
        return VolumeStatus.RESERVED
    return VolumeStatus.AVAILABLE
