"""Block device mappings of a new server, from any of their spellings to one. Rules and texts: Nova's block_device.

The flavor's own ephemeral disks and swap are made by the host; here is what the caller asks for.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from kilonova.api.parameters import TRUE_TEXTS
from kilonova.contract.compute import BlockDevice, FlavorOf
from kilonova.model.errors import BadRequest
from kilonova.model.ids import is_uuid_like

Source = Literal["image", "volume", "snapshot", "blank"]
Destination = Literal["local", "volume"]

_KINDS = {
    ("image", "local"),
    ("image", "volume"),
    ("volume", "volume"),
    ("snapshot", "volume"),
    ("blank", "local"),
    ("blank", "volume"),
}
_DESTINATIONS: dict[Source, Destination] = {
    "image": "local",
    "volume": "volume",
    "snapshot": "volume",
    "blank": "local",
}


class InvalidMapping(BadRequest):
    def __init__(self, reason: str = "") -> None:
        super().__init__(f"Block Device Mapping is Invalid: {reason}" if reason else "Block Device Mapping is Invalid.")


def asked_devices(
    server: dict[str, Any], *, image_id: str | None, flavor: FlavorOf, most_local: int, new_id: Callable[[], str]
) -> tuple[BlockDevice, ...]:
    """All mappings, the image's own local root among them. Errors: InvalidMapping, BadRequest."""
    old, new = server.get("block_device_mapping"), server.get("block_device_mapping_v2")
    if old and new:
        raise BadRequest("Using different block_device_mapping syntaxes is not allowed in the same request.")
    if old:
        devices = [_from_old(item, number, new_id()) for number, item in enumerate(old)]
        if image_id is not None and not any(device.boot_index == 0 for device in devices):
            devices.insert(0, _image_root(image_id, new_id()))
    elif new:
        devices = [_from_new(item, new_id()) for item in new if not item.get("no_device")]
        _check_image_listed(devices, image_id)
    elif image_id is not None:
        devices = [_image_root(image_id, new_id())]
    else:
        devices = []
    _check(devices, flavor, most_local)
    return tuple(devices)


def _image_root(image_id: str, identifier: str) -> BlockDevice:
    return BlockDevice(
        id=identifier,
        source_type="image",
        destination_type="local",
        boot_index=0,
        image_id=image_id,
        delete_on_termination=True,
    )


def _from_old(item: dict[str, Any], number: int, identifier: str) -> BlockDevice:
    """The first of them is the root, unless an image is."""
    snapshot, volume = item.get("snapshot_id"), item.get("volume_id")
    if volume is None and snapshot is None:
        raise InvalidMapping("Invalid old-style block device mapping.")
    return BlockDevice(
        id=identifier,
        source_type="snapshot" if snapshot is not None else "volume",
        destination_type="volume",
        boot_index=0 if item.get("device_name", "").rstrip("0123456789").endswith("a") and number == 0 else None,
        volume_id=volume if snapshot is None else None,
        snapshot_id=snapshot,
        volume_size=_integer(item.get("volume_size")),
        delete_on_termination=_flag(item.get("delete_on_termination")),
        device_name=_device_name(item.get("device_name")),
    )


def _from_new(item: dict[str, Any], identifier: str) -> BlockDevice:
    source: Source = item.get("source_type") or _source_by_id(item)
    destination: Destination = item.get("destination_type") or _DESTINATIONS[source]
    uuid = item.get("uuid") or item.get(f"{source}_id")
    if source != "blank" and not uuid:
        raise InvalidMapping("Missing device UUID.")
    if source == "blank" and uuid:
        raise InvalidMapping("Invalid device UUID.")
    if (source, destination) not in _KINDS:
        raise InvalidMapping("Mapping " + source + " to local is not supported.")
    if uuid is not None and not is_uuid_like(uuid):
        raise InvalidMapping(f"Invalid {source} id {uuid}.")
    boot_index = _integer(item.get("boot_index"))
    if item.get("volume_type") and source == "volume":
        raise InvalidMapping("Specifying a volume_type with source_type=volume is not supported.")
    return BlockDevice(
        id=identifier,
        source_type=source,
        destination_type=destination,
        boot_index=None if boot_index is None or boot_index < 0 else boot_index,
        image_id=uuid if source == "image" else None,
        volume_id=uuid if source == "volume" else None,
        snapshot_id=uuid if source == "snapshot" else None,
        volume_size=_integer(item.get("volume_size")),
        volume_type=item.get("volume_type") or None,
        delete_on_termination=_flag(item.get("delete_on_termination")),
        device_name=_device_name(item.get("device_name")),
        disk_bus=item.get("disk_bus"),
        guest_format=item.get("guest_format"),
        tag=item.get("tag"),
    )


def _source_by_id(item: dict[str, Any]) -> Source:
    sources: tuple[Source, ...] = ("volume", "snapshot", "image")
    for source in sources:
        if item.get(f"{source}_id"):
            return source
    raise InvalidMapping("Missing source type.")


def _check_image_listed(devices: Sequence[BlockDevice], image_id: str | None) -> None:
    """An image goes to a local disk only as the root, and only the one imageRef names."""
    for device in devices:
        if device.source_type == "image" and device.destination_type == "local":
            if image_id is None or device.boot_index != 0 or device.image_id != image_id:
                raise InvalidMapping("Mapping image to local is not supported.")
            return


def _check(devices: Sequence[BlockDevice], flavor: FlavorOf, most_local: int) -> None:
    booting = sorted(device.boot_index for device in devices if device.boot_index is not None)
    if booting != list(range(len(booting))) or (devices and not booting):
        raise InvalidMapping("Boot sequence for the instance and image/block device mapping combination is not valid.")
    for device in devices:
        _check_size(device, flavor)
    local = [device for device in devices if device.destination_type == "local"]
    if 0 <= most_local < len(local):
        raise InvalidMapping("You specified more local devices than the limit allows")
    _check_tags(devices)


def _check_size(device: BlockDevice, flavor: FlavorOf) -> None:
    if device.destination_type == "volume" and device.source_type in ("image", "blank") and device.volume_size is None:
        raise BadRequest(
            "Images with destination_type 'volume' need to have a non-zero size specified"
            if device.source_type == "image"
            else "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size"
        )
    if device.source_type == "blank" and device.destination_type == "local":
        swap = device.guest_format == "swap"
        size, most = device.volume_size or 0, flavor.swap_mib if swap else flavor.ephemeral_gib
        if size > most:
            raise BadRequest(
                "Swap drive requested is larger than instance type allows."
                if swap
                else "Ephemeral disks requested are larger than the instance type allows. "
                "If no size is given in one block device mapping, flavor ephemeral size will be used."
            )


def _check_tags(devices: Iterable[BlockDevice]) -> None:
    seen: set[str] = set()
    for device in devices:
        if device.tag is not None:
            if device.tag in seen:
                raise BadRequest(f"Duplicate tag '{device.tag}'")
            seen.add(device.tag)


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _flag(value: Any) -> bool:
    return value is True or value in TRUE_TEXTS


def _device_name(name: str | None) -> str | None:
    if name is None:
        return None
    return name if name.startswith("/dev/") else f"/dev/{name}"


def is_volume_backed(devices: Iterable[BlockDevice]) -> bool:
    return any(device.boot_index == 0 and device.destination_type == "volume" for device in devices)


def columns_of(device: BlockDevice) -> dict[str, Any]:
    """As the table block_devices has it."""
    values = msgspec.structs.asdict(device)
    values["delete_on_termination"] = int(device.delete_on_termination)
    return values
