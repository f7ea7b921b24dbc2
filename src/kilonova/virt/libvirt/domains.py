"""What is done to one libvirt domain; every function blocks. And our errors for libvirt's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvirt

from kilonova.model.errors import GuestNotFound, GuestNotRunning
from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestAgentMissing, GuestOperationFailed
from kilonova.virt.guest import GuestInfo, PowerState

_GONE = {libvirt.VIR_ERR_NO_DOMAIN}
_NO_AGENT = {libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED}

_POWER = {
    libvirt.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
    # Still shutting down: the process runs.
    libvirt.VIR_DOMAIN_SHUTDOWN: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_SHUTOFF: PowerState.SHUTDOWN,
    libvirt.VIR_DOMAIN_CRASHED: PowerState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: PowerState.SUSPENDED,
}

# Everything libvirt itself keeps of a domain, so that undefining leaves nothing.
_UNDEFINE_ALL = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)


def translated(error: libvirt.libvirtError, operation: str, guest: GuestId | None) -> Exception:
    """Our error for one of libvirt's; `guest` None for a call that concerns no single one."""
    code = error.get_error_code()
    if guest is not None and code in _GONE:
        return GuestNotFound(guest)
    if guest is not None and code in _NO_AGENT:
        return GuestAgentMissing(guest)
    return GuestOperationFailed(operation, guest or "(any)", error.get_error_message() or str(error))


def power_state(domain: Any) -> PowerState:
    state = _POWER.get(domain.state()[0], PowerState.NOSTATE)
    if state is PowerState.SHUTDOWN and domain.hasManagedSaveImage():
        return PowerState.SUSPENDED
    return state


def info(domain: Any, pids: Path) -> GuestInfo:
    """`pids` is where libvirt keeps QEMU's pid files."""
    return GuestInfo(
        id=GuestId(domain.UUIDString()),
        power_state=power_state(domain),
        pid=_pid(pids / f"{domain.name()}.pid") if domain.isActive() else None,
    )


def _pid(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def is_active(domain: Any) -> bool:
    """A process runs, be it paused."""
    return bool(domain.isActive())


def alive(domain: Any) -> Any:
    """The domain itself. Errors: GuestNotRunning."""
    if not domain.isActive():
        raise GuestNotRunning(domain.UUIDString())
    return domain


def start(domain: Any) -> None:
    """Happy when it runs; goes on from where it was suspended."""
    if not domain.isActive():
        _unless_done(domain.create, domain, active=True)


def press_power_button(domain: Any) -> bool:
    """False when there is nobody who could answer: the guest is off, or paused."""
    if domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
        return False
    domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    return True


def pull_the_plug(domain: Any) -> None:
    """Happy when it is off. A suspended guest forgets its memory, as a real machine would."""
    if domain.isActive():
        _unless_done(domain.destroy, domain, active=False)
    if domain.hasManagedSaveImage():
        domain.managedSaveRemove()


def remove(connection: Any, guest: GuestId) -> str | None:
    """Stop and undefine; the domain's name, None when there was nothing."""
    try:
        domain = connection.lookupByUUIDString(guest)
        name: str = domain.name()
        pull_the_plug(domain)
        domain.undefineFlags(_UNDEFINE_ALL)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _GONE:
            raise
        return None
    return name


def pause(domain: Any) -> None:
    if alive(domain).state()[0] != libvirt.VIR_DOMAIN_PAUSED:
        domain.suspend()


def unpause(domain: Any) -> None:
    if alive(domain).state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()


def suspend(domain: Any) -> None:
    """Happy when it is suspended already."""
    if domain.isActive() or not domain.hasManagedSaveImage():
        alive(domain).managedSave()


def _unless_done(action: Callable[[], object], domain: Any, *, active: bool) -> None:
    """Somebody else, or the guest itself, may have been quicker; then the wish is fulfilled."""
    try:
        action()
    except libvirt.libvirtError:
        if bool(domain.isActive()) is not active:
            raise
