"""Which disk sits at which device name on which bus. Pure."""

from pathlib import Path
from typing import Literal

import msgspec

from kilonova.virt.guest import GuestSpec, LocalDisk, VolumeDisk
from kilonova.virt.libvirt.guest_files import GuestFiles

_PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd", "fdc": "fd"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Where the config drive sits once other disks may come to its bus: their names give them places, not so its own.
_ASIDE = {"scsi": ("0", "1", "0"), "sata": ("0", "0", "5")}


class PlacedDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk as the domain XML says it. `identity` names local disks by role and volumes by id."""

    identity: str
    serial: str
    path: Path
    format: Literal["raw", "qcow2"]
    target: str
    bus: str
    read_only: bool = False
    shared: bool = False
    cdrom: bool = False
    boots: bool = False
    # Controller, target and unit, where its name must not decide.
    address: tuple[str, str, str] | None = None


def place_disks(spec: GuestSpec, files: GuestFiles) -> list[PlacedDisk]:
    """All disks of a guest; volumes keep the device they were promised, local disks take the first free ones."""
    volumes = [place_volume(disk, spec.properties) for disk in spec.disks if isinstance(disk, VolumeDisk)]
    taken = {disk.target for disk in volumes}
    placed: list[PlacedDisk] = []
    for disk, path in files.locals(spec):
        bus = local_bus(disk, spec.properties)
        target = _free(bus, taken)
        taken.add(target)
        placed.append(
            PlacedDisk(
                identity=path.stem,
                serial=path.stem,
                path=path,
                format="qcow2",
                target=target,
                bus=bus,
                boots=path == files.root,
            )
        )
    placed += volumes
    if spec.config_drive is not None:
        placed.append(_config_drive(files.config_drive, spec.properties, taken))
    return placed


def place_volume(disk: VolumeDisk, properties: dict[str, str]) -> PlacedDisk:
    bus = _bus(disk.bus, properties)
    return PlacedDisk(
        identity=disk.volume_id,
        serial=disk.volume_id,
        path=disk.path,
        format=disk.format,
        target=_PREFIX[bus] + disk.device.rpartition("/")[2][2:],
        bus=bus,
        read_only=disk.read_only,
        shared=disk.shared,
        boots=disk.bootable,
    )


def local_bus(disk: LocalDisk, properties: dict[str, str]) -> str:
    return _bus(disk.bus, properties)


def _bus(wanted: str, properties: dict[str, str]) -> str:
    """The image's `hw_disk_bus`, where the disk itself asks for nothing special."""
    chosen = properties.get("hw_disk_bus", wanted) if wanted == "virtio" else wanted
    return chosen if chosen in _PREFIX else "virtio"


def _config_drive(path: Path, properties: dict[str, str], taken: set[str]) -> PlacedDisk:
    # IDE is what every guest can read; the q35 machine has none, only SATA.
    usual = "sata" if "q35" in properties.get("hw_machine_type", "") else "ide"
    bus = properties.get("hw_cdrom_bus", usual)
    bus = bus if bus in _PREFIX else usual
    # A volume is promised the first free name of the disks' own kind, without a look at this drive.
    aside = _PREFIX[bus] == _PREFIX[_bus("virtio", properties)]
    return PlacedDisk(
        identity="config-2",
        serial="config-2",
        path=path,
        format="raw",
        target=_last(bus) if aside else _free(bus, taken),
        bus=bus,
        read_only=True,
        cdrom=bus != "virtio",
        address=_ASIDE.get(bus) if aside else None,
    )


def _free(bus: str, taken: set[str]) -> str:
    names = [_PREFIX[bus] + a for a in _LETTERS] + [_PREFIX[bus] + a + b for a in _LETTERS for b in _LETTERS]
    return next(name for name in names if name not in taken)


def _last(bus: str) -> str:
    return _PREFIX[bus] + ("d" if bus == "ide" else "z")
