"""QEMU copies a running guest's disk to another place, with what the guest writes meanwhile, until both are equal."""

from typing import Any

import libvirt

from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.signals import Signal, SignalKind, has_stopped

_COPY_DEADLINE_S = 6 * 3600.0


async def mirror(
    host: LibvirtHost, guest: GuestId, disk: str, destination: str, *, what: str, into_place: bool = False
) -> None:
    """Copy `disk` (such as vda) to `destination` (its XML); then the copy stays aside, or comes `into_place` of it.

    A copy that comes into place goes to a file that is there already. Errors: GuestOperationFailed.
    """
    flags = libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    if into_place:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT
    equal = False
    with host.signals.watch(guest) as watch:
        await host.on(what, guest, lambda d: _start(d, disk, destination, flags))
        try:
            told = await watch.until(lambda s: _ends(s, disk), within_s=_COPY_DEADLINE_S)
            equal = told is not None and (told.kind, told.number) == (
                SignalKind.BLOCK_JOB,
                libvirt.VIR_DOMAIN_BLOCK_JOB_READY,
            )
        finally:
            end = libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT if equal and into_place else 0
            await host.on(what, guest, lambda d: _stop(d, disk, end))
    if not equal:
        raise GuestOperationFailed(what, guest, "the copy of the disk did not come to its end")


def _start(domain: Any, disk: str, destination: str, flags: int) -> None:
    # One that a killed predecessor of ours began would forbid a second.
    _stop(domain, disk, 0)
    domain.blockCopy(disk, destination, {}, flags)


def _stop(domain: Any, disk: str, how: int) -> None:
    if domain.isActive() and domain.blockJobInfo(disk):
        domain.blockJobAbort(disk, how)


def _ends(signal: Signal, disk: str) -> bool:
    """Equal now, failed, or cut off by the guest's end."""
    return has_stopped(signal) or (signal.kind is SignalKind.BLOCK_JOB and signal.subject == disk)
