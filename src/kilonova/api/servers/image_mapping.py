"""Images that boot from volume snapshots: what createImage makes of a server that boots from a volume."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kilonova.api.servers.block_devices import InvalidMapping
from kilonova.model.image import Image

PROPERTY = "block_device_mapping"
_MEMBERS = (
    "source_type", "destination_type", "boot_index", "volume_size", "volume_type", "delete_on_termination",
    "device_name", "disk_bus", "guest_format", "tag", "snapshot_id", "volume_id", "image_id",
)  # fmt: skip


def mapping_of(image: Image) -> list[dict[str, Any]]:
    """The image's own mappings, in the words of block_device_mapping_v2; most have none. Errors: InvalidMapping."""
    text = image.properties.get(PROPERTY)
    if not text:
        return []
    try:
        items = msgspec.json.decode(text, type=list[dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise InvalidMapping("The image's mapping is not understood.") from error
    root = image.properties.get("root_device_name", "")
    return [_item(item, root) for item in items if not item.get("no_device")]


def _item(item: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Images of long ago name no boot_index, but the root device."""
    known = {name: item[name] for name in _MEMBERS if item.get(name) is not None}
    if "boot_index" not in known and root and _plain(item.get("device_name")) == _plain(root):
        known["boot_index"] = 0
    return known


def _plain(device: str | None) -> str:
    return (device or "").removeprefix("/dev/")


def with_mapping(server: dict[str, Any], mapped: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A create's body with the image's mappings before the caller's, which win where both mean one device."""
    if not mapped:
        return server
    asked = [item for item in server.get("block_device_mapping_v2") or () if not _is_local_image(item)]
    indices = {str(item["boot_index"]) for item in asked if item.get("boot_index") is not None} - {"-1"}
    names = {_plain(item["device_name"]) for item in asked if item.get("device_name")}
    kept = [
        item
        for item in mapped
        if str(item.get("boot_index")) not in indices and _plain(item.get("device_name")) not in names
    ]
    return {**server, "block_device_mapping_v2": [*kept, *asked]}


def _is_local_image(item: Mapping[str, Any]) -> bool:
    """The image itself as the root disk, as clients list it beside other mappings."""
    return item.get("source_type") == "image" and item.get("destination_type", "local") == "local"
