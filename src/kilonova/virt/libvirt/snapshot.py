"""A standalone copy of a guest's root disk, taken while it runs or while it is off."""

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from kilonova.aio.blocking import blocking
from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.libvirt import qemu_img
from kilonova.virt.libvirt.devices import device_name
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.mirror import mirror


async def take(host: LibvirtHost, guest: GuestId, target: Path) -> None:
    """Write `target` anew. Errors: GuestNotFound, GuestOperationFailed, QemuImgFailed."""
    files = host.files(guest)
    await blocking(target.unlink, missing_ok=True)
    if not files.root.exists():
        raise GuestOperationFailed("snapshot", guest, "it has no local root disk")
    if await host.on("snapshot", guest, lambda d: bool(d.isActive())):
        await _copy_live(host, guest, target)
    else:
        await qemu_img.convert(files.root, target, source_format="qcow2")


async def _copy_live(host: LibvirtHost, guest: GuestId, target: Path) -> None:
    """The copy holds the moment when it was equal."""
    disk = await host.on("snapshot", guest, lambda d: device_name(d, host.files(guest).root.stem))
    try:
        await mirror(host, guest, disk, _destination(target), what="snapshot")
    except GuestOperationFailed:
        await blocking(target.unlink, missing_ok=True)
        raise


def _destination(target: Path) -> str:
    disk = Element("disk", type="file")
    SubElement(disk, "driver", type="qcow2")
    SubElement(disk, "source", file=str(target.absolute()))
    return tostring(disk, encoding="unicode")
