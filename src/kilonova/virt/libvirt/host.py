"""One compute host's libvirt: the private daemon, the connection, the guests' places, and what is told by itself."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import libvirt

from kilonova.aio.blocking import blocking
from kilonova.aio.supervise import Tasks
from kilonova.model.ids import GuestId
from kilonova.virt.event_fan import EventFan
from kilonova.virt.guest import GuestEvent, GuestEventKind, GuestInfo, PowerState
from kilonova.virt.libvirt import domains
from kilonova.virt.libvirt.connection import Connection
from kilonova.virt.libvirt.daemon import Inbound, PrivateDaemon
from kilonova.virt.libvirt.emulator import emulator_version
from kilonova.virt.libvirt.guest_files import GuestFiles, Instances
from kilonova.virt.libvirt.probe import virt_type
from kilonova.virt.libvirt.settings import LibvirtSettings
from kilonova.virt.libvirt.short_path import short_alias
from kilonova.virt.libvirt.signals import Signal, SignalKind, Signals, lifecycle_kind
from kilonova.virt.libvirt.xml import HostProfile

T = TypeVar("T")

_EVENT_OF_STATE = {
    PowerState.RUNNING: GuestEventKind.STARTED,
    PowerState.PAUSED: GuestEventKind.PAUSED,
    PowerState.SHUTDOWN: GuestEventKind.STOPPED,
    PowerState.CRASHED: GuestEventKind.CRASHED,
    PowerState.SUSPENDED: GuestEventKind.SUSPENDED,
}


class LibvirtHost:
    """What the driver's operations share. `profile`, `instances` and `emulator_version` are there after `start`.

    `address` is where other hosts reach it, '' for nowhere; `held` guests stand still until their move is over.
    """

    profile: HostProfile
    emulator_version: int | None
    instances: Instances

    def __init__(self, name: str, state_dir: Path, settings: LibvirtSettings) -> None:
        self._name = name
        self.state_dir = state_dir.absolute()
        self.settings = settings
        self.held: set[GuestId] = set()
        self.signals = Signals()
        self.fan = EventFan()
        self._home = self.state_dir / "libvirt"
        session = os.geteuid() != 0 if settings.session is None else settings.session
        self._daemon: PrivateDaemon | None = None
        if settings.uri is None:
            moves = settings.moves
            inbound = Inbound(moves.address, moves.scheme) if moves.address else None
            self._daemon = PrivateDaemon(self._home, session=session, host=name, inbound=inbound)
        # A session's guests are their user's alone; no other host's libvirt may come to them.
        self.address = "" if session else settings.moves.address
        self._tasks = Tasks("libvirt host")
        self._starting = asyncio.Lock()
        self._connection = Connection(
            self._locate,
            on_signal=self._on_signal,
            on_reopened=self._on_reopened,
            workers=settings.workers,
            deadline_s=settings.call_deadline_s,
        )

    async def start(self) -> None:
        """Happy when it is started, or somebody is about to. Errors: HypervisorUnavailable."""
        async with self._starting:
            if not self._connection.is_open:
                await self._start()

    async def _start(self) -> None:
        self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.instances = Instances(
            self.state_dir, short_alias(self.state_dir), shared=self.settings.instances, host=self._name
        )
        self.instances.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.profile, self.emulator_version, _ = await asyncio.gather(
            blocking(self._measure), blocking(emulator_version, self.settings.emulator), self._connection.open()
        )
        self._tasks.start(self._examine_emulator(), name="examine the emulator")

    async def close(self) -> None:
        """The private daemon stays while a guest runs, else that guest's console would be lost."""
        async with self._starting:
            if self._connection.is_open:
                await self._close()

    async def _close(self) -> None:
        idle = self._daemon is not None and not await self.call("count", None, lambda c: int(c.numOfDomains()))
        await self._tasks.close()
        await self._connection.close()
        if idle and self._daemon is not None:
            await blocking(self._daemon.stop)
        self.fan.close()

    async def call(self, operation: str, guest: GuestId | None, function: Callable[[Any], T]) -> T:
        """`function(connection)` off the loop. Errors: as `on`."""
        try:
            return await self._connection.call(function)
        except libvirt.libvirtError as error:
            raise domains.translated(error, operation, guest) from error

    async def on(
        self, operation: str, guest: GuestId, function: Callable[[Any], T], *, deadline_s: float | None = None
    ) -> T:
        """`function(domain)` off the loop. Errors: GuestNotFound, GuestAgentMissing, GuestOperationFailed."""
        try:
            return await self._connection.call(lambda c: function(c.lookupByUUIDString(guest)), deadline_s=deadline_s)
        except libvirt.libvirtError as error:
            raise domains.translated(error, operation, guest) from error

    def files(self, guest: GuestId) -> GuestFiles:
        return self.instances.of(guest)

    def pids(self) -> Path:
        """Where libvirt keeps QEMU's pid files."""
        return Path("/run/libvirt/qemu") if self._daemon is None else self._daemon.pids

    def forget_log(self, name: str) -> None:
        """QEMU's own log of a guest that is gone; libvirt would keep it for ever."""
        if self._daemon is not None:
            (self._daemon.qemu_logs / f"{name}.log").unlink(missing_ok=True)

    async def guests(self) -> list[GuestInfo]:
        # By their directories: a shared libvirt may have guests of others.
        ours = {path.name for path in self.instances.directory.iterdir()}
        pids = self.pids()
        return await self.call(
            "list", None, lambda c: [domains.info(d, pids) for d in c.listAllDomains() if d.UUIDString() in ours]
        )

    def _locate(self) -> str:
        """In a pool thread. Errors: HypervisorUnavailable."""
        if self._daemon is None:
            return self.settings.uri or ""
        self._daemon.ensure()
        return self._daemon.uri

    def _measure(self) -> HostProfile:
        settings = self.settings
        chosen = settings.virt_type
        return HostProfile(
            virt_type=virt_type(self._home / "virt-type.json") if chosen == "auto" else chosen,
            emulator=settings.emulator,
            cpu_mode=settings.cpu_mode,
            cpu_model=settings.cpu_model,
            machine_type=settings.machine_type,
            spice=settings.spice,
            tb_cache_mib=settings.tb_cache_mib,
            pcie_root_ports=settings.pcie_root_ports,
        )

    async def _examine_emulator(self) -> None:
        """libvirt asks a QEMU new to it what it can do, for most of a second: better now than in a first boot."""
        emulator, virt_type = str(self.profile.emulator), self.profile.virt_type
        await self.call("examine", None, lambda c: c.getDomainCapabilities(emulator, "x86_64", None, virt_type))

    def _on_signal(self, signal: Signal) -> None:
        self.signals.publish(signal)
        if signal.kind is SignalKind.LIFECYCLE:
            kind = lifecycle_kind(signal.number, signal.detail)
            if kind is not None:
                self.fan.publish(GuestEvent(guest=signal.guest, kind=kind))

    def _on_reopened(self) -> None:
        self._tasks.start(self._tell_states(), name="tell states")

    async def _tell_states(self) -> None:
        """Events that happened while the connection was broken are lost: tell how things stand instead."""
        for guest in await self.guests():
            kind = _EVENT_OF_STATE.get(guest.power_state)
            if kind is not None:
                self.fan.publish(GuestEvent(guest=guest.id, kind=kind))
