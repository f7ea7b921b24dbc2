"""What a guest is made of: the values a hypervisor driver needs to define one.

Values only. Sizes carry their unit in the name; paths are on the compute host.
"""

from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Literal

import msgspec

from kilonova.model.fitting.host import Fit, Hardware
from kilonova.model.ids import GuestId, PortId, VolumeId


class PowerState(IntEnum):
    """Numbers shown as OS-EXT-STS:power_state. Source: Nova API, power_state."""

    NOSTATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUTDOWN = 4
    CRASHED = 6
    SUSPENDED = 7


class OnDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A card that is a PCI device of the host, or sits on one; `kind` as Neutron's binding:vnic_type."""

    address: str
    kind: str
    vlan: int | None = None


class Nic(msgspec.Struct, frozen=True, kw_only=True):
    """One network card. `tap` is the device on the host; None means QEMU's user-mode network, but where it is `on` a
    PCI device of the host."""

    port_id: PortId
    mac: str
    tap: str | None
    mtu: int = 1500
    model: str = "virtio"
    on: OnDevice | None = None


class LocalDisk(msgspec.Struct, frozen=True, kw_only=True, tag="local"):
    """A disk the driver makes: a qcow2 overlay over `base` (a raw or qcow2 file in the image cache), or blank.

    `size_mib` says what GiB cannot. A blank one may come with a `filesystem`: `swap`, or one mkfs knows.
    """

    size_gib: int
    size_mib: int | None = None
    filesystem: str | None = None
    base: Path | None = None
    base_format: Literal["raw", "qcow2"] | None = None
    role: Literal["root", "ephemeral", "swap"] = "root"
    bus: str = "virtio"


class VolumeDisk(msgspec.Struct, frozen=True, kw_only=True, tag="volume"):
    """An attached volume, by what the volume service's connection info says; `shared` with other guests."""

    volume_id: VolumeId
    path: Path
    format: Literal["raw", "qcow2"]
    device: str
    read_only: bool = False
    shared: bool = False
    bus: str = "virtio"
    bootable: bool = False


class GuestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a driver must know to define a guest; complete, so that `define` twice gives the same guest."""

    id: GuestId
    name: str
    vcpus: int
    memory_mib: int
    disks: tuple[LocalDisk | VolumeDisk, ...]
    nics: tuple[Nic, ...]
    config_drive: Path | None = None
    properties: dict[str, str] = {}
    extra_specs: dict[str, str] = {}
    project_id: str = ""
    display_name: str = ""
    # The host's CPUs, pages and devices that are this guest's.
    fit: Fit | None = None
    # The host's CPUs it may run on where it has none of its own; empty: any.
    floats: frozenset[int] = frozenset()


class GuestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the hypervisor says of a guest right now. `pid` is None when no process runs (or there is none to name)."""

    id: GuestId
    power_state: PowerState
    pid: int | None = None


class GuestEventKind(StrEnum):
    STARTED = "started"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESUMED = "resumed"
    SUSPENDED = "suspended"
    CRASHED = "crashed"


class GuestEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A lifecycle event: told by the hypervisor, not asked for."""

    guest: GuestId
    kind: GuestEventKind


ConsoleKind = Literal["vnc", "spice", "serial"]


class ConsoleAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a proxy reaches a guest's console. `unix_path` when set wins over host and port."""

    kind: ConsoleKind
    host: str
    port: int
    unix_path: str | None = None
    internal_access_path: str | None = None


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a compute host has; the scheduler's and placement's raw material."""

    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int
    vcpus: int
    memory_mib: int
    disk_gib: int
    cpu_info: dict[str, object] = {}
    traits: frozenset[str] = frozenset()
    # As it was found, all CPUs shared; None where the driver knows nothing of it.
    hardware: Hardware | None = None
    uptime_s: float = 0.0
