"""Network cards on PCI devices of the host, in libvirt's words."""

from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from msgspec.structs import replace

from kilonova.model.fitting.host import Fit
from kilonova.model.fitting.pci import FittedDevice
from kilonova.model.ids import PortId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.guest import GuestSpec, Nic, OnDevice
from kilonova.virt.libvirt.hardware import on_interfaces
from tests.virt.test_domain_xml import CARD, SPEC, xml

SLOT = {"domain": "0x0000", "bus": "0x81", "slot": "0x02", "function": "0x1"}
GPU = FittedDevice(address="0000:0a:00.0", name="gpu")
FIT = Fit(devices=(GPU, FittedDevice(address="0000:81:02.1", name="port-2")))


def on_device(kind: str, *, vlan: int | None = None) -> GuestSpec:
    nic = Nic(
        port_id=PortId("port-2"),
        mac="fa:16:3e:00:00:02",
        tap=None,
        on=OnDevice(address="0000:81:02.1", kind=kind, vlan=vlan),
    )
    return replace(SPEC, nics=(CARD, nic), fit=FIT)


def named(domain: Element) -> Element:
    return next(
        device
        for device in domain.iterfind("devices/*")
        if (alias := device.find("alias")) is not None and alias.get("name") == "ua-port-2"
    )


def inside(element: Element, path: str) -> dict[str, str]:
    found = element.find(path)
    assert found is not None, path
    return dict(found.attrib)


def host_devices(domain: Element) -> list[dict[str, str]]:
    return [inside(device, "source/address") for device in domain.iterfind("devices/hostdev")]


def test_a_direct_card_is_a_device_with_an_address_of_the_networks() -> None:
    domain = xml(on_device("direct", vlan=7))
    card = named(domain)

    assert (card.tag, dict(card.attrib)) == ("interface", {"type": "hostdev", "managed": "yes"})
    assert inside(card, "mac") == {"address": "fa:16:3e:00:00:02"}
    assert inside(card, "source/address") == {"type": "pci", **SLOT}
    assert inside(card, "vlan/tag") == {"id": "7"}
    assert [device["bus"] for device in host_devices(domain)] == ["0x0a"]
    assert named(xml(on_device("direct"))).find("vlan") is None


def test_a_whole_physical_function_is_a_device_as_it_is() -> None:
    domain = xml(on_device("direct-physical"))

    assert named(domain).tag == "hostdev"
    assert sorted(device["bus"] for device in host_devices(domain)) == ["0x0a", "0x81"]


def test_a_macvtap_card_sits_on_the_devices_own_interface(tmp_path: Path) -> None:
    (tmp_path / "0000:81:02.1" / "net" / "eth5").mkdir(parents=True)
    spec = on_interfaces(on_device("macvtap"), tmp_path)
    card = named(xml(spec))

    assert dict(card.attrib) == {"type": "direct"}
    assert inside(card, "source") == {"dev": "eth5", "mode": "passthrough"}
    assert inside(card, "model") == {"type": "virtio"}
    assert spec.nics[0] == CARD
    assert on_interfaces(on_device("direct"), tmp_path) == on_device("direct")


def test_a_device_without_an_interface_takes_no_macvtap_card(tmp_path: Path) -> None:
    with pytest.raises(GuestOperationFailed, match="has no network device"):
        on_interfaces(on_device("macvtap"), tmp_path)
