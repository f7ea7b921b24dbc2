"""A running guest goes to another host and, if need be, comes back: libvirt there and here do it between themselves.

So it does not end with us: a guest whose move we began is found moving, or moved, by our successor.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

import libvirt

from kilonova.model.errors import GuestNotRunning, KilonovaError
from kilonova.model.ids import GuestId
from kilonova.model.move_progress import MoveProgress
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.libvirt import arrival, domains
from kilonova.virt.libvirt.arriving_xml import arriving, own_disks
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.peer import peer, peer_uri
from kilonova.virt.libvirt.settings import MoveSettings

T = TypeVar("T")

_WHAT = "live migration"
_GIB = 1024**3
_KIB_PER_GIB = 1024**2
# A guest counts as no smaller. Source: Nova, live_migration_completion_timeout.
_LEAST_MEMORY_GIB = 2
_LONGEST_S = 24 * 3600.0
_LOOK_AGAIN_S = 0.1
_GIVE_UP_S = 60.0
# A move that is given up ends within a second, as a rule.
_OVERDUE_S = 2.0
_RUNS = libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE
_DEFINED = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
# Stopped by a move that did not end well, not by its owner.
_STUCK = (libvirt.VIR_DOMAIN_PAUSED_MIGRATION,)


async def migrate_out(host: LibvirtHost, guest: GuestId, *, address: str) -> None:
    """Errors: GuestNotRunning, HypervisorUnavailable, GuestOperationFailed."""
    await host.on(_WHAT, guest, _await_end, deadline_s=_LONGEST_S)
    async with peer(host.settings.moves, address, guest) as other:
        if not await host.on(_WHAT, guest, domains.is_active):
            if await other.on(_WHAT, domains.is_active):
                return
            raise GuestNotRunning(guest)
        files = host.files(guest)
        running = await host.on(_WHAT, guest, lambda d: str(d.XMLDesc(_RUNS)))
        defined = await other.on(_WHAT, lambda d: str(d.XMLDesc(_DEFINED)))
        copied = [] if await arrival.shares(other, guest, files) else _copied(running)
        move = _move(host.settings.moves, address, arrived(guest, running, defined), copied)
        try:
            await _in_time(host, guest, move)
        except KilonovaError:
            await _go_on(host, guest)
            raise
        host.held.discard(guest)


def arrived(guest: GuestId, running: str, defined: str) -> str:
    """Errors: GuestOperationFailed."""
    try:
        return arriving(running, defined)
    except ValueError as error:
        raise GuestOperationFailed(_WHAT, guest, str(error)) from error


async def migrate_back(host: LibvirtHost, guest: GuestId, *, address: str) -> None:
    """Errors: GuestNotFound where the other host does not know it, HypervisorUnavailable, GuestOperationFailed."""
    await host.on(_WHAT, guest, _give_up, deadline_s=_GIVE_UP_S)
    if await host.on(_WHAT, guest, domains.is_active):
        await _go_on(host, guest)
        return
    moves = host.settings.moves
    async with peer(moves, address, guest) as other:
        await other.on(_WHAT, _await_end)
        if not await other.on(_WHAT, domains.is_active):
            return
        files = host.files(guest)
        running = await other.on(_WHAT, lambda d: str(d.XMLDesc(_RUNS)))
        defined = await host.on(_WHAT, guest, lambda d: str(d.XMLDesc(_DEFINED)))
        copied = [] if await arrival.shares(other, guest, files) else _copied(running)
        await other.on(_WHAT, _move(moves, host.address, arrived(guest, running, defined), copied))


async def complete(host: LibvirtHost, guest: GuestId) -> None:
    """The rest of its memory follows it, where that is allowed; else it stands still meanwhile."""
    post_copy = host.settings.moves.post_copy
    if await host.on(_WHAT, guest, lambda d: _hurry(d, post_copy=post_copy)):
        host.held.add(guest)


async def progress(host: LibvirtHost, guest: GuestId) -> MoveProgress | None:
    """None where no move is under way."""
    return await host.on(_WHAT, guest, _progress)


def _progress(domain: Any) -> MoveProgress | None:
    told = _while_it_runs(domain, domain.jobStats) or {}
    if told.get("operation") != libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT:
        return None
    # Disks go first; and at the very first it is not known yet how much there is of anything.
    if not (told.get("memory_total") or told.get("disk_total")):
        return None
    return MoveProgress(**{name: int(told.get(name, 0)) for name in MoveProgress.__struct_fields__})


async def _go_on(host: LibvirtHost, guest: GuestId) -> None:
    """Here, after a move that came to nothing."""
    if guest in host.held:
        host.held.discard(guest)
        await host.on(_WHAT, guest, domains.unpause)


def _move(moves: MoveSettings, address: str, xml: str, copied: list[str]) -> Callable[[Any], None]:
    """For a domain and the host at `address`; `copied` are the disks (such as vda) whose content goes along."""
    # Unsafe to libvirt are disks in the page cache; QEMU writes them out before the other side begins to read.
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_UNSAFE
    flags |= libvirt.VIR_MIGRATE_AUTO_CONVERGE if moves.auto_converge else 0
    flags |= libvirt.VIR_MIGRATE_POSTCOPY if moves.post_copy else 0
    flags |= libvirt.VIR_MIGRATE_TLS if moves.native_tls else 0
    named = f"[{address}]" if ":" in address else address
    parameters: dict[str, Any] = {
        libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{named}",
        libvirt.VIR_MIGRATE_PARAM_LISTEN_ADDRESS: address,
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: xml,
    }
    if moves.bandwidth_mib_s:
        parameters[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = moves.bandwidth_mib_s
    if copied:
        # Only what lies above the base.
        flags |= libvirt.VIR_MIGRATE_NON_SHARED_INC
        parameters[libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS] = copied
    uri = peer_uri(moves, address)

    def move(domain: Any) -> None:
        _have_disks(domain)
        domain.migrateToURI3(uri, parameters, flags)

    return move


def _have_disks(domain: Any) -> None:
    """A guest that came paused has its disks once it goes on; QEMU (7.2) dies of giving away what it has not."""
    if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()
        domain.suspend()


async def _in_time(host: LibvirtHost, guest: GuestId, move: Callable[[Any], None]) -> None:
    moves = host.settings.moves
    limit_s = moves.completion_s_per_gib * await host.on(_WHAT, guest, _size_gib)
    moving = asyncio.ensure_future(host.on(_WHAT, guest, move, deadline_s=_LONGEST_S))
    try:
        done, _ = await asyncio.wait({moving}, timeout=limit_s or None)
        if not done:
            forced = moves.timeout_action == "force_complete"
            await (complete(host, guest) if forced else host.on(_WHAT, guest, _give_up, deadline_s=_GIVE_UP_S))
        await moving
    finally:
        # Given up here it goes on between the hosts; whoever wants it back asks for that.
        moving.add_done_callback(lambda late: late.cancelled() or late.exception())


def _copied(xml: str) -> list[str]:
    return [disk.target for disk in own_disks(xml) if disk.writable]


def _size_gib(domain: Any) -> float:
    """Of memory and disks, as far as they must be copied."""
    size = max(domain.maxMemory() / _KIB_PER_GIB, _LEAST_MEMORY_GIB)
    for disk in _copied(domain.XMLDesc(0)):
        size += domain.blockInfo(disk)[1] / _GIB
    return float(size)


def _moving(domain: Any) -> bool:
    told = _while_it_runs(domain, domain.jobInfo)
    return told is not None and told[0] != libvirt.VIR_DOMAIN_JOB_NONE


def _while_it_runs(domain: Any, ask: Callable[[], T]) -> T | None:
    """What it answers; None when it does not run (any more: it may be gone between two questions)."""
    try:
        return ask() if domain.isActive() else None
    except libvirt.libvirtError:
        if domain.isActive():
            raise
        return None


def _await_end(domain: Any) -> None:
    """Of a move that a predecessor of ours began: libvirt tells of its end only those who were there at its start."""
    while _moving(domain):
        time.sleep(_LOOK_AGAIN_S)


def _give_up(domain: Any) -> None:
    """Return when no move is under way. Errors: libvirt's, after the guest has begun to run there (post-copy)."""
    overdue = time.monotonic() + _OVERDUE_S
    nudged = False
    while _moving(domain):
        _while_moving(domain, domain.abortJob)
        time.sleep(_LOOK_AGAIN_S)
        if time.monotonic() > overdue and not nudged:
            nudged = _stand_still(domain)
    if domain.isActive():
        state, reason = domain.state()
        if state == libvirt.VIR_DOMAIN_PAUSED and (nudged or reason in _STUCK):
            domain.resume()


def _stand_still(domain: Any) -> bool:
    """True when it ran until now.

    A guest stops when nearly all of it is over. Given up at that moment, it goes on before libvirt (9.0) has looked,
    which then waits for its stop and for nothing else.
    """
    runs = bool(domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING)
    if runs:
        _while_moving(domain, domain.suspend)
    return runs


def _hurry(domain: Any, *, post_copy: bool) -> bool:
    """True when the guest stands still for it."""
    if not _moving(domain):
        return False
    if post_copy and _follows(domain):
        return False
    return _stand_still(domain)


def _follows(domain: Any) -> bool:
    """The guest runs there from now on; False while its disks are still being copied."""
    try:
        domain.migrateStartPostCopy()
    except libvirt.libvirtError:
        return not _moving(domain)
    return True


def _while_moving(domain: Any, action: Callable[[], object]) -> None:
    """It does not matter to a move that is over by now."""
    try:
        action()
    except libvirt.libvirtError:
        if _moving(domain):
            raise
