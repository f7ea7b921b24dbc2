"""A running guest's volume comes to lie somewhere else; the guest sees the same disk, perhaps a larger one."""

import os
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from kilonova.aio.blocking import blocking
from kilonova.model.errors import GuestNotRunning
from kilonova.model.ids import GuestId, VolumeId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.guest import VolumeDisk
from kilonova.virt.libvirt.devices import device_name, find_device, grow_running
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.mirror import mirror

_WHAT = "swap volume"
_GIB = 1024**3


async def swap(host: LibvirtHost, guest: GuestId, volume: VolumeId, to: VolumeDisk, *, size_gib: int) -> None:
    """Errors: GuestNotFound, GuestNotRunning, GuestOperationFailed."""
    source = await host.on(_WHAT, guest, lambda d: _source(d, volume))
    if source != to.path:
        if to.format == "raw":
            await blocking(_fit, source, to.path)
        disk = await host.on(_WHAT, guest, lambda d: device_name(d, volume))
        await mirror(host, guest, disk, _destination(to), what=_WHAT, into_place=True)
    await host.on(_WHAT, guest, lambda d: _grow(d, volume, size_gib * _GIB))


def _source(domain: Any, volume: VolumeId) -> Path:
    """The file the guest has the volume in."""
    if not domain.isActive():
        raise GuestNotRunning(domain.UUIDString())
    device = find_device(domain, volume, live=True)
    source = None if device is None else device.find("source")
    if source is None:
        raise GuestOperationFailed(_WHAT, domain.UUIDString(), f"it runs without {volume}")
    return Path(str(source.get("file")))


def _fit(source: Path, target: Path) -> None:
    """QEMU copies only to what is exactly as large."""
    os.truncate(target, source.stat().st_size)


def _destination(to: VolumeDisk) -> str:
    disk = Element("disk", type="file")
    SubElement(disk, "driver", name="qemu", type=to.format, cache="writeback", discard="unmap")
    SubElement(disk, "source", file=str(to.path))
    return tostring(disk, encoding="unicode")


def _grow(domain: Any, volume: VolumeId, size: int) -> None:
    capacity = domain.blockInfo(device_name(domain, volume))[0]
    if capacity < size:
        grow_running(domain, volume, size)
