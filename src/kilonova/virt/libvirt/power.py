"""Turning a guest off the way its owner would: first ask, then pull the plug."""

from kilonova.model.ids import GuestId
from kilonova.virt.libvirt import domains
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.signals import has_stopped

# A guest that is still booting misses the power button; it is pressed again so often.
_PRESS_AGAIN_S = 10.0


async def power_off(host: LibvirtHost, guest: GuestId, *, grace_s: float) -> None:
    if grace_s > 0:
        await _ask(host, guest, grace_s)
    await host.on("power_off", guest, domains.pull_the_plug)


async def _ask(host: LibvirtHost, guest: GuestId, grace_s: float) -> None:
    """Return when the guest stopped, or did not in time."""
    with host.signals.watch(guest) as watch:
        while grace_s > 0 and await host.on("power_off", guest, domains.press_power_button):
            wait_s = min(grace_s, _PRESS_AGAIN_S)
            if await watch.until(has_stopped, within_s=wait_s) is not None:
                return
            grace_s -= wait_s
