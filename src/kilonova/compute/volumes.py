"""A server's volumes on this host: attachments at the volume service, and what the driver needs of each."""

import re
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase

import msgspec

from kilonova.compute.host import Host
from kilonova.contract.compute import AttachVolume, BlockDevice, ServerRecord, SwapVolume
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.ids import VolumeId
from kilonova.model.volume import AttachStatus
from kilonova.peers.volume import Attachment
from kilonova.virt.guest import VolumeDisk

_DISK = re.compile(r"(?:/dev/)?(?:v|s|h|xv)d([a-z])")


class VolumeUnusable(BadRequest):
    """The volume cannot be connected; the message says why, and is the server's fault."""


def connector_of(host: Host, device: str) -> dict[str, object]:
    """Who wants to connect, and as what the guest shall see it, in the volume service's words."""
    machine = {"host": host.name, "ip": host.settings.host_ip, "platform": "x86_64", "os_type": "linux"}
    return {**machine, "initiator": None, "mountpoint": device}


async def connect_volumes(host: Host, record: ServerRecord, *, afresh: bool = False) -> tuple[BlockDevice, ...]:
    """Every volume of the record attached to this host and named a device; safe to repeat.

    `afresh`: another host may have them until now.
    """
    found: list[BlockDevice] = []
    for device in record.block_devices:
        if device.destination_type != "volume":
            found.append(device)
            continue
        if device.volume_id is None:
            raise VolumeUnusable(f"Block device {device.id} has no volume.")
        name = device.device_name or _name_for(device, record, (*record.block_devices, *found))
        attachment = await _attachment(host, record, device.volume_id, device.attachment_id, name, afresh=afresh)
        found.append(msgspec.structs.replace(device, attachment_id=attachment.id, device_name=name))
    return tuple(found)


def _name_for(device: BlockDevice, record: ServerRecord, others: Sequence[BlockDevice]) -> str:
    return "/dev/vda" if device.boot_index == 0 else f"/dev/{free_device(record, others)}"


async def _attachment(
    host: Host, record: ServerRecord, volume_id: str, known: str | None, name: str, *, afresh: bool = False
) -> Attachment:
    """The server's attachment of the volume, made where there is none, with connection info for this host.

    `name` is the device's, such as /dev/vdb.
    """
    token = await host.token()
    attachment = None
    if known is not None:
        try:
            attachment = await host.volume.attachment(known, token)
        except NotFound:
            attachment = None
    if attachment is None:
        there = await host.volume.attachments(token, server_id=record.id, volume_id=volume_id)
        attachment = there[0] if there else await host.volume.attachment_create(volume_id, record.id, token)
    if afresh or not attachment.connection_info:
        attachment = await host.volume.attachment_update(attachment.id, connector_of(host, name), token)
    return attachment


async def volume_disks(host: Host, devices: Sequence[BlockDevice]) -> list[VolumeDisk]:
    """The disks for the driver, the bootable one first."""
    token = await host.token()
    disks = []
    for device in devices:
        if device.destination_type == "volume" and device.attachment_id is not None:
            attachment = await host.volume.attachment(device.attachment_id, token)
            name = (device.device_name or "/dev/vda").removeprefix("/dev/")
            disks.append(disk_of(attachment, name, bootable=device.boot_index == 0))
    return sorted(disks, key=lambda disk: (not disk.bootable, disk.device))


def disk_of(attachment: Attachment, device: str, *, bootable: bool = False) -> VolumeDisk:
    """Errors: VolumeUnusable for kinds of connection this host does not know."""
    info = attachment.connection_info
    data = info.get("data", {})
    if not isinstance(data, dict) or "path" not in data:
        raise VolumeUnusable(f"Volume {attachment.volume_id} cannot be reached from this host.")
    return VolumeDisk(
        volume_id=VolumeId(attachment.volume_id),
        path=Path(str(data["path"])),
        format="qcow2" if data.get("format") == "qcow2" else "raw",
        device=device,
        read_only=data.get("access_mode") == "ro",
        shared=bool(data.get("multiattach")),
        bootable=bootable,
    )


async def complete_attachments(host: Host, devices: Sequence[BlockDevice]) -> None:
    """Tell the volume service that the guest has them: `in-use`."""
    token = await host.token()
    for device in devices:
        if device.destination_type == "volume" and device.attachment_id is not None:
            await host.volume.attachment_complete(device.attachment_id, token)


async def reimage_root(host: Host, record: ServerRecord, image_id: str) -> None:
    """The volume the server boots from gets the image's content; the server holds it all the while, connected nowhere.

    Errors: VolumeFailed, VolumeLate, and the volume service's.
    """
    token = await host.token()
    for device in record.block_devices:
        if device.boot_index == 0 and device.volume_id is not None:
            await _hold_only(host, record, device.volume_id, token)
            await host.volume.reimage(device.volume_id, token, image_id)
            await host.volume.ready(device.volume_id, token, host.clock)


async def _hold_only(host: Host, record: ServerRecord, volume_id: str, token: str) -> None:
    """Reserved for the server. The new attachment is made before the old ones go: nobody else can have it between."""
    there = await host.volume.attachments(token, server_id=record.id, volume_id=volume_id)
    if not any(one.status == AttachStatus.RESERVED for one in there):
        await host.volume.attachment_create(volume_id, record.id, token)
    for one in there:
        if one.status != AttachStatus.RESERVED:
            await host.volume.attachment_delete(one.id, token)


async def connect(host: Host, record: ServerRecord, order: AttachVolume) -> VolumeDisk:
    """One more volume for a server that runs."""
    others = [device for device in record.block_devices if device.volume_id != order.volume_id]
    name = free_device(record, others, wish=order.device)
    attachment = await _attachment(host, record, order.volume_id, order.attachment_id, f"/dev/{name}")
    return disk_of(attachment, name)


async def connect_in_place(host: Host, record: ServerRecord, order: SwapVolume) -> tuple[VolumeDisk, int]:
    """Where a volume is to be from now on, at the device that it has, and its size in GiB."""
    mapping = next(device for device in record.block_devices if device.volume_id == order.volume_id)
    name = mapping.device_name or "/dev/vda"
    attachment = await host.volume.attachment(order.attachment_id, await host.token())
    attachment = await _attachment(host, record, attachment.volume_id, attachment.id, name)
    volume = await host.volume.show(attachment.volume_id, await host.token())
    return disk_of(attachment, name.removeprefix("/dev/"), bootable=mapping.boot_index == 0), volume.size


def free_device(record: ServerRecord, others: Sequence[BlockDevice], *, wish: str | None = None) -> str:
    """The `vdX` wished for where it is free, else the next one.

    The root (local or not), the ephemeral disk and the swap disk come first, as the driver names them.
    """
    flavor = record.flavor
    first = 1 + bool(flavor.ephemeral_gib) + bool(flavor.swap_mib)
    taken = {*ascii_lowercase[:first], *(_letter(device.device_name) for device in others)}
    wished = _letter(wish)
    if wished and wished not in taken:
        return f"vd{wished}"
    return next(f"vd{letter}" for letter in ascii_lowercase if letter not in taken)


def _letter(name: str | None) -> str:
    """`b` of /dev/vdb, sdb and hdb alike: the guest has one disk of each; '' for what is no such name."""
    found = _DISK.fullmatch(name or "")
    return found[1] if found else ""
