"""Disks and network cards of a defined guest, plugged in and out, running or not. Recognised by their alias."""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

import libvirt

from kilonova.model.errors import DetachRefused
from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.libvirt.host import LibvirtHost
from kilonova.virt.libvirt.signals import Signal, SignalKind, has_stopped
from kilonova.virt.libvirt.xml import ALIAS, plugged_like

Properties = dict[str, str]

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_CONFIG = libvirt.VIR_DOMAIN_AFFECT_CONFIG
_SETTINGS_XML = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
# Said by QEMU when the guest was asked before and has not answered: keep waiting, do not fail.
_ASKED_ALREADY = "in the process of unplug"


def find_device(domain: Any, identity: str, *, live: bool) -> Element | None:
    """The device's element in the running guest, or in its settings for the next start."""
    devices = fromstring(domain.XMLDesc(0 if live else _SETTINGS_XML)).find("devices")
    for device in devices if devices is not None else ():
        alias = device.find("alias")
        if alias is not None and alias.get("name") == ALIAS + identity:
            return device
    return None


def device_name(domain: Any, identity: str) -> str:
    """Such as `vda`, of a disk in the running guest. Errors: GuestOperationFailed."""
    device = find_device(domain, identity, live=True)
    target = None if device is None else device.find("target")
    if target is None:
        raise GuestOperationFailed("find disk", domain.UUIDString(), f"it runs without {identity}")
    return str(target.get("dev"))


def grow_running(domain: Any, identity: str, size: int) -> bool:
    """Tell a running guest that its disk has `size` bytes; False when it is off."""
    if not domain.isActive():
        return False
    domain.blockResize(device_name(domain, identity), size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
    return True


async def attach(
    host: LibvirtHost, guest: GuestId, identity: str, xml_of: Callable[[Properties], str], *, what: str
) -> None:
    """Into the running guest and its settings; happy where it is already. `xml_of` takes the image's properties."""

    def plug_in(domain: Any) -> None:
        xml = xml_of(plugged_like(fromstring(domain.XMLDesc(_SETTINGS_XML))))
        if domain.isActive() and find_device(domain, identity, live=True) is None:
            domain.attachDeviceFlags(xml, _LIVE)
        if find_device(domain, identity, live=False) is None:
            domain.attachDeviceFlags(xml, _CONFIG)

    await host.on(f"attach {what}", guest, plug_in)


async def detach(host: LibvirtHost, guest: GuestId, identity: str, *, what: str) -> None:
    """Out of the running guest first, as only that can be refused. Errors: DetachRefused."""
    operation = f"detach {what}"

    def is_plugged_in(domain: Any) -> bool:
        return bool(domain.isActive()) and find_device(domain, identity, live=True) is not None

    with host.signals.watch(guest) as watch:
        for _ in range(host.settings.detach_attempts):
            if not await host.on(operation, guest, lambda d: _pull_out(d, identity)):
                break
            answer = await watch.until(lambda s: _settles(s, identity), within_s=host.settings.detach_wait_s)
            if answer is not None and answer.kind is not SignalKind.DEVICE_KEPT:
                break
        else:
            # The event may have been lost with a connection: what counts is whether the device is there.
            if await host.on(operation, guest, is_plugged_in):
                raise DetachRefused(f"The guest {guest} did not let go of {what} {identity}.")
    await host.on(operation, guest, lambda d: _drop_from_settings(d, identity))


def _settles(signal: Signal, identity: str) -> bool:
    """The device is out or refused, or the whole guest is off."""
    return has_stopped(signal) or signal.subject == ALIAS + identity


def _pull_out(domain: Any, identity: str) -> bool:
    """Ask the running guest; False when there is nothing to wait for."""
    if not domain.isActive():
        return False
    device = find_device(domain, identity, live=True)
    if device is None:
        return False
    try:
        domain.detachDeviceFlags(tostring(device, encoding="unicode"), _LIVE)
    except libvirt.libvirtError as error:
        if _ASKED_ALREADY not in str(error) and error.get_error_code() != libvirt.VIR_ERR_DEVICE_MISSING:
            raise
    return find_device(domain, identity, live=True) is not None


def _drop_from_settings(domain: Any, identity: str) -> None:
    device = find_device(domain, identity, live=False)
    if device is not None:
        domain.detachDeviceFlags(tostring(device, encoding="unicode"), _CONFIG)
