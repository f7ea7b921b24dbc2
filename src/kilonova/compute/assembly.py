"""From a server's record to everything its guest is made of: image, ports, volumes, config drive, and the spec."""

import secrets
from pathlib import Path

import msgspec

from kilonova.aio.blocking import blocking
from kilonova.aio.together import both
from kilonova.compute import ports
from kilonova.compute.host import Host
from kilonova.compute.volumes import connect_volumes, volume_disks
from kilonova.contract.compute import BlockDevice, FlavorOf, ServerRecord, Vif
from kilonova.model.errors import BadRequest, GuestNotFound, NotFound
from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.host import Fit
from kilonova.model.fitting.needs import may_be_fitted
from kilonova.model.ids import ServerId
from kilonova.peers.guest_subnets import guest_subnets
from kilonova.virt.config_drive import write_config_drive
from kilonova.virt.drive_files import drive_files
from kilonova.virt.guest import GuestSpec, LocalDisk, Nic, VolumeDisk
from kilonova.virt.guest_metadata import Told
from kilonova.virt.image_cache import image_format


class ImageUnusable(BadRequest):
    """The image cannot be booted from; the message says why, and is the server's fault."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A guest's spec and what was found out while it was put together."""

    spec: GuestSpec
    vifs: tuple[Vif, ...]
    devices: tuple[BlockDevice, ...]


async def assemble(
    host: Host,
    record: ServerRecord,
    *,
    flavor: FlavorOf | None = None,
    moved: bool = False,
    with_disks: bool = False,
    bind: bool = True,
    back: bool = False,
) -> Parts:
    """All of it, made where it is missing: safe to repeat. Errors: ImageUnusable, PortUnusable, the neighbours'.

    `moved`: its volumes may be connected to another host. `with_disks`: it brings its disks, so its image may be gone.
    Without `bind` its ports stay where they are bound. `back`: it gets the CPUs and devices it had before its move.
    """
    flavor = flavor or record.flavor
    devices = await connect_volumes(host, record, afresh=moved)
    fit = await fit_here(host, record, flavor, back=back)
    root, (vifs, nics) = await both(
        _root(host, record, flavor, brought=with_disks, back=back), _plugged_in(host, record, fit, bind=bind)
    )
    drive = await _config_drive(host, msgspec.structs.replace(record, vifs=vifs, block_devices=devices))
    disks: list[LocalDisk | VolumeDisk] = [] if root is None else [root]
    disks.extend(await volume_disks(host, devices))
    disks.extend(_extra_disks(host, record, flavor))
    spec = msgspec.structs.replace(
        _spec(record, flavor, tuple(disks), nics, drive),
        fit=fit,
        floats=host.settings.offer.floats,
    )
    return Parts(spec=spec, vifs=vifs, devices=devices)


def _spec(
    record: ServerRecord,
    flavor: FlavorOf,
    disks: tuple[LocalDisk | VolumeDisk, ...],
    nics: tuple[Nic, ...],
    drive: Path | None,
) -> GuestSpec:
    return GuestSpec(
        id=record.id,
        name=f"instance-{record.number:08x}",
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        disks=disks,
        nics=nics,
        config_drive=drive,
        properties=record.image_properties,
        extra_specs=flavor.extra_specs,
        project_id=record.project_id,
        display_name=record.name,
    )


async def fit_here(host: Host, record: ServerRecord, flavor: FlavorOf, *, back: bool = False) -> Fit | None:
    """The host's CPUs, pages and devices that are claimed for the server; None for most."""
    asked = Asked(
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        extra_specs=flavor.extra_specs,
        properties=record.image_properties,
    )
    if not record.device_ports and not may_be_fitted(asked):
        return None
    here = [placed for placed in await host.conductor.fits(record.id) if placed.host == host.name]
    # While a resize on one host is not confirmed there are two.
    here.sort(key=lambda placed: placed.old != back)
    return here[0].fit if here else None


def _boots_from_volume(record: ServerRecord) -> bool:
    return any(device.boot_index == 0 and device.destination_type == "volume" for device in record.block_devices)


async def _root(host: Host, record: ServerRecord, flavor: FlavorOf, *, brought: bool, back: bool) -> LocalDisk | None:
    if not brought:
        return await _root_disk(host, record, flavor)
    disk = _root_brought(record, flavor)
    if back or disk is None or record.image_id is None:
        return disk
    try:
        path = await fetch_image(host, record.image_id)
    except ImageUnusable:
        # It was deleted since; what the disk stands on comes along.
        return disk
    return msgspec.structs.replace(disk, base=path, base_format=image_format(path))


async def _plugged_in(
    host: Host, record: ServerRecord, fit: Fit | None, *, bind: bool
) -> tuple[tuple[Vif, ...], tuple[Nic, ...]]:
    vifs = await ports.ensure_ports(host, record, fit) if bind else await ports.current_vifs(host, record)
    return vifs, await ports.plug(host, vifs, fit)


def _root_brought(record: ServerRecord, flavor: FlavorOf) -> LocalDisk | None:
    if _boots_from_volume(record):
        return None
    return LocalDisk(size_gib=flavor.root_gib, bus=record.image_properties.get("hw_disk_bus", "virtio"))


async def _root_disk(host: Host, record: ServerRecord, flavor: FlavorOf) -> LocalDisk | None:
    """None when the server boots from a volume."""
    if _boots_from_volume(record):
        return None
    if record.image_id is None:
        return LocalDisk(size_gib=flavor.root_gib)
    bus = record.image_properties.get("hw_disk_bus", "virtio")
    try:
        path = await fetch_image(host, record.image_id)
    except ImageUnusable:
        # A guest that has its disk does not care that its image was deleted since.
        if record.vm_state == "building" or not await _has_guest(host, record.id):
            raise
        return LocalDisk(size_gib=flavor.root_gib, bus=bus)
    return LocalDisk(size_gib=flavor.root_gib, base=path, base_format=image_format(path), bus=bus)


async def _has_guest(host: Host, server_id: ServerId) -> bool:
    try:
        await host.hypervisor.info(server_id)
    except GuestNotFound:
        return False
    return True


def _extra_disks(host: Host, record: ServerRecord, flavor: FlavorOf) -> list[LocalDisk]:
    """The flavor's, formatted as the server's block devices, the configuration or the image's system want it."""
    extra = []
    if flavor.ephemeral_gib:
        filesystem = _ephemeral_format(record) or host.settings.ephemeral_format or _usual_format(record)
        extra.append(LocalDisk(size_gib=flavor.ephemeral_gib, role="ephemeral", filesystem=filesystem))
    if flavor.swap_mib:
        extra.append(LocalDisk(size_gib=0, size_mib=flavor.swap_mib, role="swap", filesystem="swap"))
    return extra


def _ephemeral_format(record: ServerRecord) -> str | None:
    blank = [d for d in record.block_devices if (d.source_type, d.destination_type) == ("blank", "local")]
    return next((device.guest_format for device in blank if device.guest_format not in (None, "swap")), None)


def _usual_format(record: ServerRecord) -> str:
    """Every system reads vfat. Source: Nova, default_ephemeral_format and the image property os_type."""
    return {"linux": "ext4", "windows": "ntfs"}.get(record.image_properties.get("os_type", ""), "vfat")


async def fetch_image(host: Host, image_id: str) -> Path:
    """The image's file in this host's cache; the image service is asked only when it is not there, for an image's bits
    never change. Errors: ImageUnusable, UnacceptableImage, and the image service's.
    """

    async def write(target: Path) -> str | None:
        token = await host.token()
        try:
            image = await host.image.show(image_id, token)
            if image.status != "active":
                raise ImageUnusable(f"Image {image_id} is not active.")
            await host.image.save(image_id, target, token)
        except NotFound as error:
            raise ImageUnusable(f"Image {image_id} could not be found.") from error
        return image.disk_format

    return await host.cache.fetch(image_id, write)


async def _config_drive(host: Host, record: ServerRecord) -> Path | None:
    mandatory = record.image_properties.get("img_config_drive") == "mandatory"
    if not (record.config_drive or mandatory or host.settings.force_config_drive):
        return None
    target = host.work_dir / "config-drives" / f"{record.id}.iso"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    files = drive_files(await _told(host, record), random_seed=secrets.token_bytes(512))
    await blocking(write_config_drive, target, files)
    return target


async def _told(host: Host, record: ServerRecord) -> Told:
    told = Told(record=record, domain=host.settings.domain)
    return msgspec.structs.replace(
        told,
        subnets=await guest_subnets(host.network, await host.token(), record.vifs),
        vendor=await host.vendor.told(record, told.hostname),
    )


def drop_config_drive(host: Host, server_id: str) -> None:
    (host.work_dir / "config-drives" / f"{server_id}.iso").unlink(missing_ok=True)
