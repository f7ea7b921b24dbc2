"""The hypervisor as compute sees it: a small core every driver has, and abilities some have.

All calls are idempotent by guest id: repeating one that succeeded succeeds again. Guests that do not exist raise
GuestNotFound except where "happy to find nothing" is said. Blocking work happens off the event loop, inside the driver.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from kilonova.model.ids import GuestId, HostName, PortId, VolumeId
from kilonova.model.move_progress import MoveProgress
from kilonova.virt.guest import ConsoleAddress, GuestEvent, GuestInfo, GuestSpec, HostFacts, Nic, VolumeDisk


class Hypervisor(Protocol):
    """The least any platform offers."""

    async def start(self) -> None:
        """Connect (and start a private daemon where needed). Errors: HypervisorUnavailable."""

    async def close(self) -> None:
        """Let go; guests keep running."""

    async def facts(self) -> HostFacts: ...

    def events(self) -> AsyncIterator[GuestEvent]:
        """Lifecycle events from now on, until `close`."""

    async def guests(self) -> list[GuestInfo]:
        """All guests this driver has defined on this host, running or not."""

    async def info(self, guest: GuestId) -> GuestInfo: ...

    async def define(self, spec: GuestSpec) -> None:
        """Make the disks that are missing (never touching those that exist) and (re)define the guest; not start it."""

    async def power_on(self, guest: GuestId) -> None:
        """Happy when it runs (or is paused); a suspended guest goes on where it was."""

    async def power_off(self, guest: GuestId, *, grace_s: float) -> None:
        """Press the power button, wait up to `grace_s` seconds, then pull the plug. 0 pulls at once.

        A suspended guest forgets its memory.
        """

    async def destroy(self, guest: GuestId, *, keep_disks: bool = False) -> None:
        """Stop, undefine and (unless kept) remove the disks. Happy to find nothing."""

    async def attach_volume(self, guest: GuestId, disk: VolumeDisk) -> None: ...

    async def detach_volume(self, guest: GuestId, volume: VolumeId) -> None:
        """Returns when the guest has let go. Happy when it is not attached. Errors: DetachRefused."""

    async def attach_nic(self, guest: GuestId, nic: Nic) -> None: ...

    async def detach_nic(self, guest: GuestId, port: PortId) -> None: ...

    async def console_output(self, guest: GuestId, *, lines: int | None = None) -> str: ...

    async def console(self, guest: GuestId, kind: str) -> ConsoleAddress:
        """Errors: ConsoleUnavailable (no such console), GuestNotRunning."""


@runtime_checkable
class Pausing(Protocol):
    async def pause(self, guest: GuestId) -> None: ...
    async def unpause(self, guest: GuestId) -> None: ...


@runtime_checkable
class Suspending(Protocol):
    async def suspend(self, guest: GuestId) -> None:
        """Memory to disk; the process ends."""

    async def resume(self, guest: GuestId) -> None: ...


@runtime_checkable
class Snapshotting(Protocol):
    async def snapshot(self, guest: GuestId, target: Path) -> None:
        """Write a standalone qcow2 of the root disk to `target`, live where the guest runs."""


@runtime_checkable
class Resizing(Protocol):
    """Keeps the old root disk aside until told; all idempotent."""

    async def keep_root(self, guest: GuestId) -> None:
        """Set the root disk aside (a reflink or copy) so that a revert finds it."""

    async def restore_root(self, guest: GuestId) -> None: ...

    async def drop_kept_root(self, guest: GuestId) -> None: ...

    async def grow_root(self, guest: GuestId, *, size_gib: int) -> None: ...


@runtime_checkable
class ColdMigration(Protocol):
    """`address` in all these is where the driver of the other host is reached, as that says itself."""

    @property
    def address(self) -> str:
        """Where drivers of other hosts reach this one; may be '' where they need not."""

    async def receive(self, spec: GuestSpec, *, source: HostName, address: str = "") -> None:
        """Define a guest that is off on `source`, with a copy of its disks there. Again: happy with what is here."""


@runtime_checkable
class LiveMigration(Protocol):
    async def expect(self, spec: GuestSpec, *, source: HostName, address: str = "") -> None:
        """Define a guest that will come from `source` as it runs, with room for its disks. Again: as `receive`."""

    async def migrate_out(self, guest: GuestId, *, to: HostName, address: str = "") -> None:
        """Move the guest as it runs; it is expected on `to`. Happy when it has moved."""

    async def migrate_back(self, guest: GuestId, *, other: HostName, address: str = "") -> None:
        """The guest runs here again if it had moved to `other`. Happy when it had not."""

    async def complete(self, guest: GuestId) -> None:
        """Let the guest stop until a migration under way is through. Happy to find none."""

    async def progress(self, guest: GuestId) -> MoveProgress | None:
        """Of a migration from here that is under way; None where there is none, or it does not tell."""


@runtime_checkable
class VolumeSwapping(Protocol):
    async def swap_volume(self, guest: GuestId, volume: VolumeId, to: VolumeDisk, *, size_gib: int) -> None:
        """Copy the running guest's volume to `to` and go on there; it keeps its identity, and grows to `size_gib`.

        Happy when it is there. Errors: GuestNotRunning.
        """


@runtime_checkable
class Rescuing(Protocol):
    async def rescue(self, guest: GuestId, spec: GuestSpec) -> None:
        """Start the guest from `spec`'s first root disk (the rescue image), its own disks behind that one.

        Whether `spec` names the own root disk too makes no difference. Stops what runs.
        """

    async def unrescue(self, guest: GuestId, spec: GuestSpec) -> None:
        """Start the guest as `spec` says, from its own disks again; the rescue disk goes."""


@runtime_checkable
class CrashDumping(Protocol):
    async def inject_nmi(self, guest: GuestId) -> None: ...


@runtime_checkable
class PasswordSetting(Protocol):
    async def set_password(self, guest: GuestId, *, user: str, password: str) -> None:
        """Errors: GuestNotRunning, GuestAgentMissing."""


@runtime_checkable
class Diagnosing(Protocol):
    async def diagnostics(self, guest: GuestId) -> dict[str, object]:
        """In the shape of os-server-diagnostics since microversion 2.48."""
