"""One simulated host: the core and every ability."""

import asyncio
import zlib
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from kilonova.aio.blocking import blocking
from kilonova.aio.clock import Clock
from kilonova.model.errors import ConsoleUnavailable, GuestNotFound, GuestNotRunning, KilonovaError
from kilonova.model.hypervisor import HAS_THREADS, TAKES_GUESTS
from kilonova.model.ids import GuestId, HostName, PortId, VolumeId
from kilonova.model.move_progress import MoveProgress
from kilonova.virt.errors import GuestMustBeOff, GuestOperationFailed
from kilonova.virt.event_fan import EventFan, Listener
from kilonova.virt.guest import (
    ConsoleAddress,
    ConsoleKind,
    GuestEvent,
    GuestEventKind,
    GuestInfo,
    GuestSpec,
    HostFacts,
    LocalDisk,
    Nic,
    PowerState,
    VolumeDisk,
)
from kilonova.virt.qcow2 import write_qcow2
from kilonova.virt.simulated.console_text import console_text
from kilonova.virt.simulated.consoles import ConsolePort
from kilonova.virt.simulated.faults import Faults
from kilonova.virt.simulated.hardware import SimulatedHardware, hardware_of
from kilonova.virt.simulated.journal import GuestRecord, Journal
from kilonova.virt.simulated.moving import first_of, hand_over
from kilonova.virt.simulated.telemetry import diagnostics

_GIB = 1024**3
_OFF = (PowerState.SHUTDOWN, PowerState.CRASHED)
_ALIVE = (PowerState.RUNNING, PowerState.PAUSED)
_CONSOLES: tuple[ConsoleKind, ...] = ("vnc", "spice", "serial")
# Where nothing listens, the API can show a URL all the same.
_FIRST_MADE_UP_PORT = 15900


class SimulatedHypervisor:
    """A Hypervisor with all abilities; guests are rows in the fleet's journal."""

    def __init__(
        self,
        name: str,
        *,
        journal: Journal,
        faults: Faults,
        clock: Clock,
        consoles: Mapping[str, ConsolePort],
        vcpus: int,
        memory_mib: int,
        disk_gib: int,
        hardware: SimulatedHardware = SimulatedHardware(),
    ) -> None:
        self._name = name
        self._journal = journal
        self._faults = faults
        self._clock = clock
        self._consoles = consoles
        self._size = (vcpus, memory_mib, disk_gib)
        self._threads = hardware.threads_per_core
        self._threads_trait = frozenset({HAS_THREADS} if self._threads > 1 else ())
        self._hardware = hardware_of(hardware, vcpus=vcpus, memory_mib=memory_mib)
        self._guests = journal.guests.setdefault(name, {})
        self._fan = EventFan()
        self._up_since = clock.time()
        # Live migrations under way that may be told to come to their end.
        self._hurries: dict[GuestId, asyncio.Event] = {}

    # The core

    async def start(self) -> None:
        await self._meet("start")

    async def close(self) -> None:
        self._fan.close()

    async def facts(self) -> HostFacts:
        await self._meet("facts")
        vcpus, memory_mib, disk_gib = self._size
        return HostFacts(
            hypervisor_hostname=self._name,
            hypervisor_type="simulated",
            hypervisor_version=1,
            vcpus=vcpus,
            memory_mib=memory_mib,
            disk_gib=disk_gib,
            cpu_info={
                "arch": "x86_64",
                "vendor": "Simulated",
                "model": "Simulated",
                "topology": {"sockets": 1, "cores": vcpus // self._threads, "threads": self._threads},
                "features": ["apic", "sse2"],
            },
            traits=frozenset({"HW_CPU_X86_SSE2", "COMPUTE_NODE", TAKES_GUESTS}) | self._threads_trait,
            hardware=self._hardware,
            uptime_s=self._clock.time() - self._up_since,
        )

    def events(self) -> Listener:
        return self._fan.listen()

    async def guests(self) -> list[GuestInfo]:
        await self._meet("guests")
        return [GuestInfo(id=guest, power_state=record.state) for guest, record in self._guests.items()]

    async def info(self, guest: GuestId) -> GuestInfo:
        await self._meet("info", guest)
        return GuestInfo(id=guest, power_state=self._record(guest).state)

    async def define(self, spec: GuestSpec) -> None:
        await self._meet("define", spec.id)
        known = self._guests.get(spec.id)
        if known is None:
            self._keep(spec.id, GuestRecord(spec=spec, root_gib=_root_gib(spec)))
        elif known.spec != spec:
            known.spec = spec
            self._keep(spec.id, known)

    async def power_on(self, guest: GuestId) -> None:
        await self._meet("power_on", guest)
        record = self._record(guest)
        if record.state not in _ALIVE:
            record.boots += record.state != PowerState.SUSPENDED
            record.started_at = self._clock.time()
            self._move(guest, record, PowerState.RUNNING, GuestEventKind.STARTED)

    async def power_off(self, guest: GuestId, *, grace_s: float) -> None:
        await self._meet("power_off", guest)
        self.stop_from_inside(guest)

    def stop_from_inside(self, guest: GuestId) -> None:
        """What happens when the guest's own user shuts it down: nobody asked the host."""
        record = self._record(guest)
        if record.state not in _OFF:
            self._move(guest, record, PowerState.SHUTDOWN, GuestEventKind.STOPPED)

    async def destroy(self, guest: GuestId, *, keep_disks: bool = False) -> None:
        await self._meet("destroy", guest)
        record = self._guests.pop(guest, None)
        if record is not None:
            self._journal.record(self._name, guest, None)
            if record.state not in _OFF:
                self._fan.publish(GuestEvent(guest=guest, kind=GuestEventKind.STOPPED))

    async def attach_volume(self, guest: GuestId, disk: VolumeDisk) -> None:
        await self._meet("attach_volume", guest)
        record = self._record(guest)
        self._set_disks(guest, record, (*_without_volume(record.spec, disk.volume_id), disk))

    async def detach_volume(self, guest: GuestId, volume: VolumeId) -> None:
        await self._meet("detach_volume", guest)
        record = self._record(guest)
        self._set_disks(guest, record, _without_volume(record.spec, volume))

    async def attach_nic(self, guest: GuestId, nic: Nic) -> None:
        await self._meet("attach_nic", guest)
        record = self._record(guest)
        self._set_nics(guest, record, (*(n for n in record.spec.nics if n.port_id != nic.port_id), nic))

    async def detach_nic(self, guest: GuestId, port: PortId) -> None:
        await self._meet("detach_nic", guest)
        record = self._record(guest)
        self._set_nics(guest, record, tuple(n for n in record.spec.nics if n.port_id != port))

    async def console_output(self, guest: GuestId, *, lines: int | None = None) -> str:
        await self._meet("console_output", guest)
        return console_text(self._record(guest), lines=lines)

    async def console(self, guest: GuestId, kind: str) -> ConsoleAddress:
        await self._meet("console", guest)
        record = self._record(guest)
        known = next((k for k in _CONSOLES if k == kind), None)
        if known is None:
            raise ConsoleUnavailable(kind)
        if record.state not in _ALIVE:
            raise GuestNotRunning(guest)
        listener = self._consoles.get(known)
        made_up = _FIRST_MADE_UP_PORT + zlib.crc32(guest.encode()) % 10_000
        port = made_up if listener is None else await listener.port()
        return ConsoleAddress(kind=known, host="127.0.0.1", port=port)

    # Abilities

    async def pause(self, guest: GuestId) -> None:
        await self._meet("pause", guest)
        record = self._alive(guest)
        if record.state is not PowerState.PAUSED:
            self._move(guest, record, PowerState.PAUSED, GuestEventKind.PAUSED)

    async def unpause(self, guest: GuestId) -> None:
        await self._meet("unpause", guest)
        record = self._alive(guest)
        if record.state is not PowerState.RUNNING:
            self._move(guest, record, PowerState.RUNNING, GuestEventKind.RESUMED)

    async def suspend(self, guest: GuestId) -> None:
        await self._meet("suspend", guest)
        if self._record(guest).state is not PowerState.SUSPENDED:
            self._move(guest, self._alive(guest), PowerState.SUSPENDED, GuestEventKind.SUSPENDED)

    async def resume(self, guest: GuestId) -> None:
        await self._meet("resume", guest)
        await self.power_on(guest)

    async def snapshot(self, guest: GuestId, target: Path) -> None:
        await self._meet("snapshot", guest)
        size_gib = self._record(guest).root_gib
        await blocking(write_qcow2, target, size=max(1, size_gib) * _GIB)

    async def swap_volume(self, guest: GuestId, volume: VolumeId, to: VolumeDisk, *, size_gib: int) -> None:
        await self._meet("swap_volume", guest)
        record = self._alive(guest)
        same = replace(to, volume_id=volume)
        disks = (same if isinstance(d, VolumeDisk) and d.volume_id == volume else d for d in record.spec.disks)
        self._set_disks(guest, record, tuple(disks))

    async def keep_root(self, guest: GuestId) -> None:
        await self._meet("keep_root", guest)
        record = self._stopped(guest, "keep the root disk")
        if record.kept_root_gib is None:
            record.kept_root_gib = record.root_gib
            self._keep(guest, record)

    async def restore_root(self, guest: GuestId) -> None:
        await self._meet("restore_root", guest)
        record = self._stopped(guest, "restore the root disk")
        if record.kept_root_gib is not None:
            record.root_gib, record.kept_root_gib = record.kept_root_gib, None
            self._keep(guest, record)

    async def drop_kept_root(self, guest: GuestId) -> None:
        await self._meet("drop_kept_root", guest)
        record = self._record(guest)
        if record.kept_root_gib is not None:
            record.kept_root_gib = None
            self._keep(guest, record)

    async def grow_root(self, guest: GuestId, *, size_gib: int) -> None:
        await self._meet("grow_root", guest)
        record = self._record(guest)
        if record.root_gib < size_gib:
            record.root_gib = size_gib
            self._keep(guest, record)

    @property
    def address(self) -> str:
        return ""

    async def receive(self, spec: GuestSpec, *, source: HostName, address: str = "") -> None:
        """The disks of all simulated hosts are rows of one journal."""
        await self._meet("receive", spec.id)
        there = self._journal.guests.get(source, {}).get(spec.id)
        if there is None:
            raise GuestNotFound(spec.id)
        if spec.id not in self._guests:
            # A disk never shrinks.
            size_gib = max(there.root_gib, _root_gib(spec))
            self._keep(spec.id, GuestRecord(spec=spec, root_gib=size_gib, boots=there.boots))

    async def expect(self, spec: GuestSpec, *, source: HostName, address: str = "") -> None:
        await self.receive(spec, source=source)

    async def migrate_out(self, guest: GuestId, *, to: HostName, address: str = "") -> None:
        hurry = self._hurries.setdefault(guest, asyncio.Event())
        try:
            await first_of(self._meet("migrate_out", guest), hurry.wait())
        finally:
            self._hurries.pop(guest, None)
        hand_over(self._journal, guest, self._name, to)

    async def migrate_back(self, guest: GuestId, *, other: HostName, address: str = "") -> None:
        await self._meet("migrate_back", guest)
        hand_over(self._journal, guest, other, HostName(self._name))

    async def complete(self, guest: GuestId) -> None:
        await self._meet("complete", guest)
        if guest in self._hurries:
            self._hurries[guest].set()

    async def progress(self, guest: GuestId) -> MoveProgress | None:
        return None

    async def rescue(self, guest: GuestId, spec: GuestSpec) -> None:
        await self._meet("rescue", guest)
        await self._restart_as(guest, spec, rescued=True)

    async def unrescue(self, guest: GuestId, spec: GuestSpec) -> None:
        await self._meet("unrescue", guest)
        await self._restart_as(guest, spec, rescued=False)

    async def inject_nmi(self, guest: GuestId) -> None:
        await self._meet("inject_nmi", guest)
        self._alive(guest)

    async def set_password(self, guest: GuestId, *, user: str, password: str) -> None:
        await self._meet("set_password", guest)
        self._alive(guest)

    async def diagnostics(self, guest: GuestId) -> dict[str, object]:
        await self._meet("diagnostics", guest)
        return diagnostics(self._record(guest), now_s=self._clock.time())

    # Inside

    async def _meet(self, operation: str, guest: GuestId | None = None) -> None:
        """Dawdle or fail as the rules in force say."""
        if not self._faults:
            return
        fault = self._faults.spend(self._name, operation)
        if fault is None:
            return
        if fault.delay_s > 0:
            await self._clock.sleep(fault.delay_s)
        if isinstance(fault.error, KilonovaError):
            raise fault.error
        if fault.error is not None:
            raise GuestOperationFailed(operation, guest or self._name, fault.error)

    def _record(self, guest: GuestId) -> GuestRecord:
        record = self._guests.get(guest)
        if record is None:
            raise GuestNotFound(guest)
        return record

    def _alive(self, guest: GuestId) -> GuestRecord:
        record = self._record(guest)
        if record.state not in _ALIVE:
            raise GuestNotRunning(guest)
        return record

    def _stopped(self, guest: GuestId, operation: str) -> GuestRecord:
        record = self._record(guest)
        if record.state in _ALIVE:
            raise GuestMustBeOff(guest, operation)
        return record

    def _keep(self, guest: GuestId, record: GuestRecord) -> None:
        self._guests[guest] = record
        self._journal.record(self._name, guest, record)

    def _move(self, guest: GuestId, record: GuestRecord, state: PowerState, kind: GuestEventKind) -> None:
        record.state = state
        self._keep(guest, record)
        self._fan.publish(GuestEvent(guest=guest, kind=kind))

    async def _restart_as(self, guest: GuestId, spec: GuestSpec, *, rescued: bool) -> None:
        self.stop_from_inside(guest)
        record = self._record(guest)
        record.spec, record.rescued = spec, rescued
        await self.power_on(guest)

    def _set_disks(self, guest: GuestId, record: GuestRecord, disks: tuple[LocalDisk | VolumeDisk, ...]) -> None:
        if disks != record.spec.disks:
            record.spec = replace(record.spec, disks=disks)
            self._keep(guest, record)

    def _set_nics(self, guest: GuestId, record: GuestRecord, nics: tuple[Nic, ...]) -> None:
        if nics != record.spec.nics:
            record.spec = replace(record.spec, nics=nics)
            self._keep(guest, record)


def _root_gib(spec: GuestSpec) -> int:
    return next((disk.size_gib for disk in spec.disks if isinstance(disk, LocalDisk) and disk.role == "root"), 0)


def _without_volume(spec: GuestSpec, volume: VolumeId) -> tuple[LocalDisk | VolumeDisk, ...]:
    return tuple(d for d in spec.disks if not (isinstance(d, VolumeDisk) and d.volume_id == volume))
