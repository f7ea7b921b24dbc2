"""The disks of a guest that was started from a rescue image, its own root disk behind it."""

from typing import TypeGuard

from msgspec.structs import replace

from kilonova.virt.guest import GuestSpec, LocalDisk, VolumeDisk
from kilonova.virt.libvirt.guest_files import GuestFiles
from kilonova.virt.libvirt.placement import PlacedDisk, place_disks


def rescue_root(spec: GuestSpec) -> LocalDisk | None:
    """The rescue image's disk: the first local root disk of the rescue's spec."""
    return next((disk for disk in spec.disks if _is_root(disk)), None)


def rescue_disks(spec: GuestSpec, rescue: LocalDisk, files: GuestFiles) -> list[PlacedDisk]:
    """The rescue disk first and booted, the guest's own disks after it and not booted."""
    own = (LocalDisk(size_gib=0, bus=rescue.bus),) if files.root.exists() else ()
    volumes = [replace(disk, bootable=False) for disk in spec.disks if isinstance(disk, VolumeDisk)]
    others = [disk for disk in spec.disks if isinstance(disk, LocalDisk) and not _is_root(disk)]
    placed = place_disks(replace(spec, disks=(rescue, *own, *others, *volumes)), files)
    placed[0] = replace(placed[0], path=files.rescue, identity="rescue", serial="rescue")
    if own:
        placed[1] = replace(placed[1], path=files.root, identity="root", serial="root")
    return placed


def _is_root(disk: LocalDisk | VolumeDisk) -> TypeGuard[LocalDisk]:
    return isinstance(disk, LocalDisk) and disk.role == "root"
