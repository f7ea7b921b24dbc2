"""The libvirt driver, by the protocols of `virt.hypervisor`. Each operation is a few lines over the module it names."""

from pathlib import Path
from typing import Any

from kilonova.aio.blocking import blocking
from kilonova.model.errors import ConsoleUnavailable, GuestNotRunning
from kilonova.model.ids import GuestId, HostName, PortId, VolumeId
from kilonova.model.move_progress import MoveProgress
from kilonova.virt.errors import GuestMustBeOff, GuestOperationFailed
from kilonova.virt.event_fan import Listener
from kilonova.virt.guest import ConsoleAddress, ConsoleKind, GuestInfo, GuestSpec, HostFacts, Nic, VolumeDisk
from kilonova.virt.libvirt import arrival, departure, devices, disks, domains, power, qemu_img, rescue, snapshot, swap
from kilonova.virt.libvirt.console_log import read_tail
from kilonova.virt.libvirt.diagnostics import diagnostics
from kilonova.virt.libvirt.guest_files import GuestFiles
from kilonova.virt.libvirt.hardware import on_interfaces
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.host_facts import host_facts
from kilonova.virt.libvirt.placement import PlacedDisk, place_disks, place_volume
from kilonova.virt.libvirt.settings import LibvirtSettings
from kilonova.virt.libvirt.xml import disk_xml, domain_xml, nic_xml

_GIB = 1024**3
# Writing a guest's whole memory to a slow disk takes minutes.
_SAVE_DEADLINE_S = 900.0


class LibvirtHypervisor:
    """A Hypervisor with all abilities. Guests keep running when it closes or dies and are found again by `start`."""

    def __init__(self, state_dir: Path, host: HostName, *, settings: LibvirtSettings | None = None) -> None:
        self._name = host
        self._host = LibvirtHost(host, state_dir, settings or LibvirtSettings())

    # The core

    async def start(self) -> None:
        await self._host.start()

    async def close(self) -> None:
        await self._host.close()

    async def facts(self) -> HostFacts:
        host = self._host
        known: dict[str, Any] = {
            "host": self._name,
            "state_dir": host.state_dir,
            "virt_type": host.profile.virt_type,
            "version": host.emulator_version,
            "takes_guests": bool(host.address),
        }
        return await host.call("facts", None, lambda c: host_facts(c, **known))

    def events(self) -> Listener:
        return self._host.fan.listen()

    async def guests(self) -> list[GuestInfo]:
        return await self._host.guests()

    async def info(self, guest: GuestId) -> GuestInfo:
        return await self._host.on("info", guest, lambda d: domains.info(d, self._host.pids()))

    async def define(self, spec: GuestSpec) -> None:
        files = self._host.files(spec.id)
        await disks.prepare(spec, files)
        await self._define(spec, files, place_disks(spec, files))

    async def power_on(self, guest: GuestId) -> None:
        await self._host.on("power_on", guest, domains.start)

    async def power_off(self, guest: GuestId, *, grace_s: float) -> None:
        await power.power_off(self._host, guest, grace_s=grace_s)

    async def destroy(self, guest: GuestId, *, keep_disks: bool = False) -> None:
        name = await self._host.call("destroy", guest, lambda c: domains.remove(c, guest))
        if name is not None:
            self._host.forget_log(name)
        if not keep_disks:
            await disks.remove(self._host.files(guest))

    async def attach_volume(self, guest: GuestId, disk: VolumeDisk) -> None:
        await devices.attach(
            self._host, guest, disk.volume_id, lambda like: disk_xml(place_volume(disk, like)), what="volume"
        )

    async def detach_volume(self, guest: GuestId, volume: VolumeId) -> None:
        await devices.detach(self._host, guest, volume, what="volume")

    async def attach_nic(self, guest: GuestId, nic: Nic) -> None:
        await devices.attach(self._host, guest, nic.port_id, lambda like: nic_xml(nic, like), what="network card")

    async def detach_nic(self, guest: GuestId, port: PortId) -> None:
        await devices.detach(self._host, guest, port, what="network card")

    async def console_output(self, guest: GuestId, *, lines: int | None = None) -> str:
        await self._host.on("console_output", guest, domains.is_active)
        return await blocking(read_tail, self._host.files(guest).console_log, lines=lines)

    async def console(self, guest: GuestId, kind: str) -> ConsoleAddress:
        files = self._host.files(guest)
        sockets: dict[ConsoleKind, Path] = {"vnc": files.vnc_socket, "serial": files.serial_socket}
        if self._host.settings.spice:
            sockets["spice"] = files.spice_socket
        known = next((k for k in sockets if k == kind), None)
        if known is None:
            raise ConsoleUnavailable(kind)
        if not await self._host.on("console", guest, domains.is_active):
            raise GuestNotRunning(guest)
        return ConsoleAddress(kind=known, host="127.0.0.1", port=0, unix_path=str(sockets[known]))

    # Abilities

    async def pause(self, guest: GuestId) -> None:
        await self._host.on("pause", guest, domains.pause)

    async def unpause(self, guest: GuestId) -> None:
        await self._host.on("unpause", guest, domains.unpause)

    async def suspend(self, guest: GuestId) -> None:
        await self._host.on("suspend", guest, domains.suspend, deadline_s=_SAVE_DEADLINE_S)

    async def resume(self, guest: GuestId) -> None:
        await self._host.on("resume", guest, domains.start, deadline_s=_SAVE_DEADLINE_S)

    async def snapshot(self, guest: GuestId, target: Path) -> None:
        await snapshot.take(self._host, guest, target)

    async def swap_volume(self, guest: GuestId, volume: VolumeId, to: VolumeDisk, *, size_gib: int) -> None:
        await swap.swap(self._host, guest, volume, to, size_gib=size_gib)

    async def keep_root(self, guest: GuestId) -> None:
        await self._require_off(guest, "keep the root disk")
        await disks.keep_root(self._host.files(guest))

    async def restore_root(self, guest: GuestId) -> None:
        await self._require_off(guest, "restore the root disk")
        disks.restore_root(self._host.files(guest))

    async def drop_kept_root(self, guest: GuestId) -> None:
        disks.drop_kept_root(self._host.files(guest))

    async def grow_root(self, guest: GuestId, *, size_gib: int) -> None:
        files = self._host.files(guest)
        size = size_gib * _GIB
        if (disks.root_size(files) or size) >= size:
            return
        identity = files.root.stem
        if not await self._host.on("grow_root", guest, lambda d: devices.grow_running(d, identity, size)):
            await qemu_img.resize(files.root, size=size)

    @property
    def address(self) -> str:
        return self._host.address

    async def receive(self, spec: GuestSpec, *, source: HostName, address: str = "") -> None:
        await arrival.receive(self._host, spec, address=address, running=False)
        await self.define(spec)

    async def expect(self, spec: GuestSpec, *, source: HostName, address: str = "") -> None:
        await arrival.receive(self._host, spec, address=address, running=True)
        await self.define(spec)

    async def migrate_out(self, guest: GuestId, *, to: HostName, address: str = "") -> None:
        await departure.migrate_out(self._host, guest, address=address)

    async def migrate_back(self, guest: GuestId, *, other: HostName, address: str = "") -> None:
        await departure.migrate_back(self._host, guest, address=address)

    async def complete(self, guest: GuestId) -> None:
        await departure.complete(self._host, guest)

    async def progress(self, guest: GuestId) -> MoveProgress | None:
        return await departure.progress(self._host, guest)

    async def rescue(self, guest: GuestId, spec: GuestSpec) -> None:
        files = self._host.files(guest)
        await self.power_off(guest, grace_s=0)
        image = rescue.rescue_root(spec)
        if image is None:
            raise GuestOperationFailed("rescue", guest, "the spec has no rescue disk")
        if not files.rescue.exists():
            await disks.make(image, files.rescue)
        await self._define(spec, files, rescue.rescue_disks(spec, image, files))
        await self.power_on(guest)

    async def unrescue(self, guest: GuestId, spec: GuestSpec) -> None:
        await self.power_off(guest, grace_s=0)
        await self.define(spec)
        disks.remove_rescue(self._host.files(guest))
        await self.power_on(guest)

    async def inject_nmi(self, guest: GuestId) -> None:
        await self._host.on("inject_nmi", guest, lambda d: domains.alive(d).injectNMI())

    async def set_password(self, guest: GuestId, *, user: str, password: str) -> None:
        """Errors: GuestAgentMissing."""
        await self._host.on("set_password", guest, lambda d: domains.alive(d).setUserPassword(user, password, 0))

    async def diagnostics(self, guest: GuestId) -> dict[str, object]:
        return await self._host.on(
            "diagnostics", guest, lambda d: diagnostics(d, virt_type=self._host.profile.virt_type)
        )

    # Inside

    async def _define(self, spec: GuestSpec, files: GuestFiles, placed: list[PlacedDisk]) -> None:
        xml = domain_xml(on_interfaces(spec), self._host.profile, files, placed)
        await self._host.call("define", spec.id, lambda c: c.defineXML(xml))

    async def _require_off(self, guest: GuestId, operation: str) -> None:
        if await self._host.on("info", guest, domains.is_active):
            raise GuestMustBeOff(guest, operation)
