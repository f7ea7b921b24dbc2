"""What the volume service refuses, in Cinder's words where clients may look at them."""

from collections.abc import Iterable

from kilonova.model.errors import BadRequest, Conflict, Forbidden, NotFound, TooLarge


class VolumeNotFound(NotFound):
    def __init__(self, volume_id: str) -> None:
        super().__init__(f"Volume {volume_id} could not be found.")
        self.volume_id = volume_id


class SnapshotNotFound(NotFound):
    def __init__(self, snapshot_id: str) -> None:
        super().__init__(f"Snapshot {snapshot_id} could not be found.")
        self.snapshot_id = snapshot_id


class AttachmentNotFound(NotFound):
    def __init__(self, attachment_id: str) -> None:
        super().__init__(f"Volume attachment could not be found with filter: attachment_id = {attachment_id}.")
        self.attachment_id = attachment_id


class VolumeTypeNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"Volume type {name} could not be found.")
        self.name = name


class InvalidVolume(BadRequest):
    """The volume's state forbids it: 400 in this API, not 409."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid volume: {reason}")


class InvalidSnapshot(BadRequest):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid snapshot: {reason}")


class WrongStatus(InvalidVolume):
    def __init__(self, volume_id: str, is_now: str, wanted: Iterable[str]) -> None:
        allowed = " or ".join(sorted(wanted))
        super().__init__(f"Volume {volume_id} status must be {allowed}, but current status is: {is_now}.")


class InvalidInput(BadRequest):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid input received: {reason}")


class AttachedElsewhere(Conflict):
    """Taking a volume from under a running guest is compute's to do (CVE-2023-2088)."""

    def __init__(self, server_id: str | None) -> None:
        super().__init__(f"Detach volume from instance {server_id} using the Compute API")
        self.server_id = server_id


class NotAllowed(Forbidden):
    def __init__(self, what: str) -> None:
        super().__init__(f"Policy doesn't allow {what} to be performed.")


class OverQuota(TooLarge):
    """Source: Cinder's VolumeSizeExceedsAvailableQuota, VolumeLimitExceeded, SnapshotLimitExceeded."""


class TypeInUse(BadRequest):
    def __init__(self, type_id: str) -> None:
        super().__init__(f"Volume Type {type_id} deletion is not allowed with volumes present with the type.")
        self.type_id = type_id


class ImageUnusable(BadRequest):
    def __init__(self, image_id: str, reason: str) -> None:
        super().__init__(f"Invalid image {image_id}: {reason}")
        self.image_id = image_id
