"""Orders for a compute host, and what it answers.

An order is durable work: the conductor casts it (again and again until it has the outcome), the host does it once,
journals the outcome under the order's key, and reports it to the conductor. Orders of older epochs are refused.
"""

from typing import Literal, Protocol

import msgspec

from kilonova.contract.message import call, cast
from kilonova.model.ids import HostName, ServerId


class NetworkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a user asked for: a network (a port is made), or a port of theirs."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


class BlockDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One block device of a server, as recorded. Sizes in GiB; `boot_index` 0 is the root, None does not boot."""

    id: str
    source_type: Literal["image", "volume", "snapshot", "blank"]
    destination_type: Literal["local", "volume"]
    boot_index: int | None = None
    image_id: str | None = None
    volume_id: str | None = None
    snapshot_id: str | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    delete_on_termination: bool = False
    device_name: str | None = None
    disk_bus: str | None = None
    guest_format: str | None = None
    tag: str | None = None
    attachment_id: str | None = None


class FlavorOf(msgspec.Struct, frozen=True, kw_only=True):
    """A server's own copy of its flavor; later edits do not reach it. Memory and swap in MiB, disks in GiB."""

    id: str
    name: str
    vcpus: int
    memory_mib: int
    root_gib: int
    ephemeral_gib: int = 0
    swap_mib: int = 0
    rxtx_factor: float = 1.0
    extra_specs: dict[str, str] = {}
    description: str | None = None


class Vif(msgspec.Struct, frozen=True, kw_only=True):
    """One interface of a server as the network service told it. `created_here` ports are deleted with the server."""

    port_id: str
    network_id: str
    network_name: str
    mac: str
    addresses: tuple[tuple[str, int], ...] = ()  # (address, IP version), fixed ones, in the port's order
    floating: tuple[tuple[str, int], ...] = ()
    tag: str | None = None
    mtu: int = 1500
    created_here: bool = True
    # Neutron's binding:vnic_type; and of cards that tag by themselves, the VLAN they do it with.
    vnic_type: str = "normal"
    vlan: int | None = None


class InjectedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file a user gave with the server (`personality`, below 2.57): its place, and base64 text of its bytes."""

    path: str
    contents: str


class ServerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All a host needs to know of a server to make its guest, from the record as it is now."""

    id: ServerId
    name: str
    hostname: str
    number: int
    project_id: str
    user_id: str
    flavor: FlavorOf
    image_id: str | None
    key_name: str | None = None
    key_data: str | None = None
    user_data: str | None = None
    metadata: dict[str, str] = {}
    config_drive: bool = False
    availability_zone: str = ""
    launch_index: int = 0
    reservation_id: str = ""
    admin_password: str | None = None
    image_properties: dict[str, str] = {}
    networks: tuple[NetworkRequest, ...] | Literal["auto", "none"] = ()
    security_groups: tuple[str, ...] = ()
    block_devices: tuple[BlockDevice, ...] = ()
    vifs: tuple[Vif, ...] = ()
    # Those of its ports, by id, that are on PCI devices of the host.
    device_ports: tuple[str, ...] = ()
    vm_state: str = "building"
    files: tuple[InjectedFile, ...] = ()


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`key` names the work for ever; `epoch` is the lease's, so that a conductor that lost it can do no harm."""

    key: str
    epoch: int
    server_id: ServerId


class Build(Order, frozen=True, kw_only=True):
    """Make everything of the server on this host and start it. Outcome: Built."""


class Destroy(Order, frozen=True, kw_only=True):
    """Remove everything of the server from this host: guest, disks, taps. Its ports and volumes are the conductor's."""


class PowerOn(Order, frozen=True, kw_only=True):
    pass


class PowerOff(Order, frozen=True, kw_only=True):
    """Clean shutdown within `grace_s` seconds, else the plug."""

    grace_s: float = 60.0


class Reboot(Order, frozen=True, kw_only=True):
    """Soft: clean shutdown, then a new process. Hard: defined anew from the record, ports and volumes afresh."""

    hard: bool = False
    grace_s: float = 60.0


class Pause(Order, frozen=True, kw_only=True):
    pass


class Unpause(Order, frozen=True, kw_only=True):
    pass


class Suspend(Order, frozen=True, kw_only=True):
    pass


class Resume(Order, frozen=True, kw_only=True):
    pass


class Rebuild(Order, frozen=True, kw_only=True):
    """New root disk from the record's image, same ports and volumes. Where it boots from a volume, that is the root:
    with `reimage` it gets that image's content, else it keeps its own.
    """

    reimage: str | None = None


class Snapshot(Order, frozen=True, kw_only=True):
    """Write the root disk to the image (made already, queued)."""

    image_id: str


class ResizeHere(Order, frozen=True, kw_only=True):
    """Power off, keep the old root, define with the record's new flavor, power on where `start`."""

    old_flavor: FlavorOf
    new_flavor: FlavorOf
    start: bool = True
    grace_s: float = 60.0


class ConfirmResizeHere(Order, frozen=True, kw_only=True):
    pass


class RevertResizeHere(Order, frozen=True, kw_only=True):
    """Back to the old root disk and the record's flavor; also undoes a half-done ResizeHere."""

    old_flavor: FlavorOf
    start: bool = True


class LeaveHost(Order, frozen=True, kw_only=True):
    """Power off; where `unplug`, its devices come off the host too. Its disks stay.

    `even_gone`: no guest at all will do.
    """

    unplug: bool
    even_gone: bool = False
    grace_s: float = 60.0


class TakeIn(Order, frozen=True, kw_only=True):
    """Define the guest here with the disks it has on `source`, which keeps them; power on where `start`.

    `address` in this and other moves: how the other host says that hosts reach it.
    """

    source: HostName
    address: str = ""
    flavor: FlavorOf
    start: bool


class ComeBack(Order, frozen=True, kw_only=True):
    """Define the guest again with the disks that stayed here, ports and volumes afresh; power on where `start`."""

    flavor: FlavorOf
    start: bool


class BuildAgain(Order, frozen=True, kw_only=True):
    """Make the guest of a lost host anew from the record's image, its ports and volumes; power on where `start`."""

    start: bool


class BeginLive(Order, frozen=True, kw_only=True):
    """Say how other hosts reach this one."""


class PrepareLive(Order, frozen=True, kw_only=True):
    """Have everything ready for a guest that will come from `source` while it runs."""

    source: HostName
    address: str = ""


class MigrateLive(Order, frozen=True, kw_only=True):
    """Move the running guest to `to`, which is prepared; then its devices come off this host."""

    to: HostName
    address: str = ""


class ReturnLive(Order, frozen=True, kw_only=True):
    """Give the move up: what has come to `other` comes back here."""

    other: HostName
    address: str = ""


class SettleLive(Order, frozen=True, kw_only=True):
    """The guest runs here: its ports and volumes are bound here."""


class AttachVolume(Order, frozen=True, kw_only=True):
    volume_id: str
    attachment_id: str
    device: str | None = None
    tag: str | None = None


class DetachVolume(Order, frozen=True, kw_only=True):
    volume_id: str
    attachment_id: str | None = None


class SwapVolume(Order, frozen=True, kw_only=True):
    """The disk of volume `volume_id`, running, is copied to where the attachment leads and is there from then on."""

    volume_id: str
    attachment_id: str


class AttachInterface(Order, frozen=True, kw_only=True):
    """Plug the port, which exists, into the guest. Outcome: Built with all vifs."""

    port_id: str
    tag: str | None = None
    created_here: bool = False


class DetachInterface(Order, frozen=True, kw_only=True):
    port_id: str


class Rescue(Order, frozen=True, kw_only=True):
    image_id: str | None = None
    password: str | None = None


class Unrescue(Order, frozen=True, kw_only=True):
    pass


class SetPassword(Order, frozen=True, kw_only=True):
    password: str


class CrashDump(Order, frozen=True, kw_only=True):
    pass


AnyOrder = (
    Build
    | Destroy
    | PowerOn
    | PowerOff
    | Reboot
    | Pause
    | Unpause
    | Suspend
    | Resume
    | Rebuild
    | Snapshot
    | ResizeHere
    | ConfirmResizeHere
    | RevertResizeHere
    | LeaveHost
    | TakeIn
    | ComeBack
    | BuildAgain
    | BeginLive
    | PrepareLive
    | MigrateLive
    | ReturnLive
    | SettleLive
    | AttachVolume
    | DetachVolume
    | SwapVolume
    | AttachInterface
    | DetachInterface
    | Rescue
    | Unrescue
    | SetPassword
    | CrashDump
)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an order changed, for the record; None means unchanged. `power_state` as OS-EXT-STS:power_state.

    `address`: how other hosts reach the one that says so.
    """

    power_state: int | None = None
    vifs: tuple[Vif, ...] | None = None
    block_devices: tuple[BlockDevice, ...] | None = None
    device: str | None = None
    address: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an order ended: `facts`, or an error by kind, message and public attributes."""

    key: str
    server_id: ServerId
    host: str
    facts: Facts = Facts()
    error: str | None = None
    message: str = ""
    attributes: dict[str, object] = {}


class GuestConsole(msgspec.Struct, frozen=True, kw_only=True):
    """Where a proxy reaches the guest."""

    host: str
    port: int
    unix_path: str | None = None
    internal_access_path: str | None = None


class Compute(Protocol):
    """Topic `compute.HOST`."""

    @cast(step="12-13")
    async def perform(self, order: AnyOrder) -> None:
        """Do it, once, and report the outcome to the conductor."""

    @call(timeout_s=30)
    async def console_output(self, server_id: ServerId, lines: int | None) -> str: ...

    @call(timeout_s=30)
    async def console(self, server_id: ServerId, kind: Literal["vnc", "spice", "serial"]) -> GuestConsole:
        """Errors: ConsoleUnavailable, GuestNotFound, GuestNotRunning."""

    @call(timeout_s=30)
    async def diagnostics(self, server_id: ServerId) -> dict[str, object]: ...

    @call(timeout_s=30)
    async def uptime(self) -> str: ...

    @cast()
    async def complete_live(self, server_id: ServerId) -> None:
        """A live migration from here shall come to its end at any price: the guest may stop for as long as it takes."""

    @cast()
    async def cache_images(self, image_ids: tuple[str, ...]) -> None:
        """Have these ready for later guests; a lost one costs the first of them its download."""
