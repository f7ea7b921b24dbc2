"""Images: what the image service keeps and everybody else reads."""

from enum import StrEnum

import msgspec

from kilonova.model.ids import ImageId
from kilonova.model.time import Timestamp


class ImageStatus(StrEnum):
    QUEUED = "queued"  # a record without bits
    SAVING = "saving"  # bits are on their way
    ACTIVE = "active"
    DEACTIVATED = "deactivated"  # only admins may read the bits
    KILLED = "killed"  # the bits were refused
    # What only a real Glance may say.
    UPLOADING = "uploading"
    IMPORTING = "importing"
    PENDING_DELETE = "pending_delete"
    DELETED = "deleted"


class Visibility(StrEnum):
    PUBLIC = "public"
    COMMUNITY = "community"
    SHARED = "shared"
    PRIVATE = "private"


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """`size` and `virtual_size` in bytes, `min_disk` in GiB, `min_ram` in MiB; hashes in hex.

    `properties` are the custom ones (`hw_disk_bus`, `os_distro` …), always text.
    """

    id: ImageId
    name: str | None = None
    status: ImageStatus = ImageStatus.QUEUED
    visibility: Visibility = Visibility.SHARED
    owner: str | None = None
    disk_format: str | None = None
    container_format: str | None = None
    size: int | None = None
    virtual_size: int | None = None
    checksum: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    min_disk: int = 0
    min_ram: int = 0
    protected: bool = False
    os_hidden: bool = False
    created_at: Timestamp
    updated_at: Timestamp
    properties: dict[str, str] = {}
    tags: tuple[str, ...] = ()


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A project that a shared image is shown to; `status` is the member's own answer: pending, accepted, rejected."""

    image_id: ImageId
    member_id: str
    status: str
    created_at: Timestamp
    updated_at: Timestamp
