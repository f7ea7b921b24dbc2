"""Network cards that are PCI devices of the host, or sit on one (SR-IOV). Pure.

Source of the elements: libvirt's "Domain XML format", PCI passthrough of a network device and direct attachment; which
for what: nova/virt/libvirt/vif.py.
"""

import re
from xml.etree.ElementTree import Element, SubElement

from kilonova.model.fitting.port_devices import DIRECT_PHYSICAL, MACVTAP
from kilonova.virt.guest import Nic, OnDevice

_ADDRESS = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])", re.IGNORECASE)
_PARTS = ("domain", "bus", "slot", "function")


def host_device(address: str) -> Element:
    """A PCI device of the host that becomes the guest's as it is."""
    hostdev = Element("hostdev", mode="subsystem", type="pci", managed="yes")
    SubElement(SubElement(hostdev, "source"), "address", _place(address))
    return hostdev


def card(nic: Nic, on: OnDevice) -> Element:
    """A whole physical function sets its address itself. The `tap` of a macvtap card is the device's own name."""
    if on.kind == DIRECT_PHYSICAL:
        return host_device(on.address)
    element = Element("interface", type="direct" if on.kind == MACVTAP else "hostdev")
    SubElement(element, "mac", address=nic.mac)
    source = SubElement(element, "source")
    if on.kind == MACVTAP:
        source.attrib.update(dev=nic.tap or "", mode="passthrough")
        SubElement(element, "model", type="virtio")
        return element
    element.set("managed", "yes")
    SubElement(source, "address", _place(on.address), type="pci")
    if on.vlan is not None:
        SubElement(SubElement(element, "vlan"), "tag", id=str(on.vlan))
    return element


def _place(address: str) -> dict[str, str]:
    found = _ADDRESS.fullmatch(address)
    assert found is not None, address
    return dict(zip(_PARTS, (f"0x{part}" for part in found.groups()), strict=True))
