"""A standalone copy of a guest's root disk, taken while it runs or while it is off."""

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import libvirt

from kilonova.aio.blocking import blocking
from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.libvirt import qemu_img
from kilonova.virt.libvirt.devices import device_name
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.signals import Signal, SignalKind, has_stopped

_COPY_DEADLINE_S = 3600.0


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
    """QEMU mirrors the disk to `target`; once they are equal the mirror is cut, and holds that moment."""
    disk = await host.on("snapshot", guest, lambda d: device_name(d, host.files(guest).root.stem))
    destination = _destination(target)
    with host.signals.watch(guest) as watch:
        await host.on("snapshot", guest, lambda d: _start_copy(d, disk, destination))
        try:
            told = await watch.until(lambda s: _ends(s, disk), within_s=_COPY_DEADLINE_S)
        finally:
            await host.on("snapshot", guest, lambda d: _stop_copy(d, disk))
    if told is None or (told.kind, told.number) != (SignalKind.BLOCK_JOB, libvirt.VIR_DOMAIN_BLOCK_JOB_READY):
        await blocking(target.unlink, missing_ok=True)
        raise GuestOperationFailed("snapshot", guest, "the copy of the disk did not come to its end")


def _destination(target: Path) -> str:
    disk = Element("disk", type="file")
    SubElement(disk, "driver", type="qcow2")
    SubElement(disk, "source", file=str(target.absolute()))
    return tostring(disk, encoding="unicode")


def _start_copy(domain: Any, disk: str, destination: str) -> None:
    # One that a killed predecessor of ours began would forbid a second.
    _stop_copy(domain, disk)
    domain.blockCopy(disk, destination, {}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)


def _stop_copy(domain: Any, disk: str) -> None:
    if domain.isActive() and domain.blockJobInfo(disk):
        domain.blockJobAbort(disk, 0)


def _ends(signal: Signal, disk: str) -> bool:
    """Equal now, failed, or cut off by the guest's end."""
    return has_stopped(signal) or (signal.kind is SignalKind.BLOCK_JOB and signal.subject == disk)
