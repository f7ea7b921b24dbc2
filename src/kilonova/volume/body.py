"""Request bodies, as typed values."""

from typing import Annotated, Any, TypeVar

import msgspec

from kilonova.model.errors import BadRequest
from kilonova.volume.world import VolumeRequest

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(max_length=255)] | None
Size = Annotated[int, msgspec.Meta(ge=1, le=2147483647)]
Identifier = Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F-]{32,36}$")]
Metadata = dict[
    Annotated[str, msgspec.Meta(min_length=1, max_length=255)], Annotated[str, msgspec.Meta(max_length=255)]
]


class NewVolume(msgspec.Struct):
    """Source: Block Storage API v3, "create a volume". `size` in GiB."""

    size: Size | None = None
    name: Name = None
    description: Name = None
    display_name: Name = None
    display_description: Name = None
    volume_type: Name = None
    availability_zone: Name = None
    imageRef: Name = None
    image_id: Name = None
    snapshot_id: Name = None
    source_volid: Name = None
    consistencygroup_id: Name = None
    group_id: Name = None
    backup_id: Name = None
    multiattach: bool = False
    metadata: Metadata | None = None


class ChangedRecord(msgspec.Struct):
    """A volume's or snapshot's new words; what is unset stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    description: Name | msgspec.UnsetType = msgspec.UNSET
    display_name: Name | msgspec.UnsetType = msgspec.UNSET
    display_description: Name | msgspec.UnsetType = msgspec.UNSET
    metadata: Metadata | msgspec.UnsetType = msgspec.UNSET

    def columns(self) -> dict[str, Any]:
        new_name = self.name if self.name is not msgspec.UNSET else self.display_name
        new_text = self.description if self.description is not msgspec.UNSET else self.display_description
        given = {"name": new_name, "description": new_text}
        return {name: value for name, value in given.items() if value is not msgspec.UNSET}


class NewSnapshot(msgspec.Struct):
    volume_id: Identifier | None
    name: Name = None
    description: Name = None
    display_name: Name = None
    display_description: Name = None
    force: bool = False
    metadata: Metadata | None = None


class NewAttachment(msgspec.Struct):
    volume_uuid: Identifier
    instance_uuid: Identifier | None = None
    connector: dict[str, Any] | None = None
    mode: str | None = None


class ChangedAttachment(msgspec.Struct):
    connector: dict[str, Any]


class NewType(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    description: Name = None
    is_public: Annotated[bool, msgspec.Meta()] = msgspec.field(name="os-volume-type-access:is_public", default=True)
    extra_specs: Metadata = {}


class ChangedType(msgspec.Struct):
    name: Name | msgspec.UnsetType = msgspec.UNSET
    description: Name | msgspec.UnsetType = msgspec.UNSET
    is_public: bool | msgspec.UnsetType = msgspec.UNSET


async def body(request: VolumeRequest, key: str, kind: type[T]) -> T:
    """The document's member `key` as a `kind`. Errors: BadRequest."""
    return checked(await request.document(), key, kind)


def checked(document: Any, key: str, kind: type[T]) -> T:
    inner = document.get(key) if isinstance(document, dict) else None
    if inner is None:
        raise BadRequest(f"Missing required element '{key}' in request body.")
    try:
        return msgspec.convert(inner, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid input for field/attribute {key}. {error}") from error
