"""The disks of a guest that was started from a rescue image, its own root disk behind it."""

from msgspec.structs import replace

from kilonova.virt.guest import GuestSpec, LocalDisk, VolumeDisk
from kilonova.virt.libvirt.guest_files import GuestFiles
from kilonova.virt.libvirt.placement import PlacedDisk, place_disks


def rescue_root(spec: GuestSpec) -> LocalDisk | None:
    """The rescue image's disk: the first local root disk of the rescue's spec."""
    return next((disk for disk in spec.disks if isinstance(disk, LocalDisk) and disk.role == "root"), None)


def rescue_disks(spec: GuestSpec, rescue: LocalDisk, files: GuestFiles) -> list[PlacedDisk]:
    """The rescue disk first and booted, the guest's own disks after it and not booted."""
    own = LocalDisk(size_gib=0, bus=rescue.bus)
    rest = tuple(
        replace(disk, bootable=False) if isinstance(disk, VolumeDisk) else disk
        for disk in spec.disks
        if disk is not rescue
    )
    has_own = files.root.exists()
    placed = place_disks(replace(spec, disks=(rescue, *((own,) if has_own else ()), *rest)), files)
    placed[0] = replace(placed[0], path=files.rescue, identity="rescue", serial="rescue")
    if has_own:
        placed[1] = replace(placed[1], path=files.root, identity="root", serial="root")
    return placed
