"""Ports on PCI devices: which devices they may have, and what is written into them."""

import pytest

from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.fit import Lack, fit
from kilonova.model.fitting.host import Fit, Room
from kilonova.model.fitting.needs import wanted
from kilonova.model.fitting.pci import PHYSICAL, VIRTUAL, FittedDevice, PciDevice
from kilonova.model.fitting.port_devices import binding_profile, port_request

CARD = PciDevice(address="0000:81:00.0", vendor_id="8086", product_id="1572", type=PHYSICAL, physical_network="blue")
PART = PciDevice(
    address="0000:81:02.0",
    vendor_id="8086",
    product_id="154c",
    type=VIRTUAL,
    parent=CARD.address,
    physical_network="blue",
    numa_node=1,
)
TUNNEL = PciDevice(address="0000:82:02.0", vendor_id="8086", product_id="154c", type=VIRTUAL, physical_network="")
GPU = PciDevice(address="0000:0a:00.0", vendor_id="10de", product_id="1eb8")


@pytest.mark.parametrize(
    ("vnic_type", "network", "address"),
    [
        ("direct", "blue", PART.address),
        ("macvtap", "blue", PART.address),
        ("direct-physical", "blue", CARD.address),
        ("direct", None, TUNNEL.address),
        ("direct", "red", None),
        ("direct-physical", None, None),
    ],
)
def test_a_port_gets_a_device_of_its_kind_on_its_network(
    vnic_type: str, network: str | None, address: str | None
) -> None:
    request = port_request("port-1", vnic_type, network)
    found = fit(
        wanted(Asked(vcpus=1, memory_mib=1), {}, (request,)),
        Room(devices=(GPU, CARD, PART, TUNNEL)),
    )

    given = None if isinstance(found, Lack) else [(device.name, device.address) for device in found.devices]
    assert given == (None if address is None else [("port-1", address)])


def test_the_flavor_says_how_near_ports_devices_must_be() -> None:
    near = Asked(vcpus=1, memory_mib=1, extra_specs={"hw:pci_numa_affinity_policy": "required"})
    request = port_request("port-1", "direct", "blue")

    assert [one.policy for one in wanted(near, {}, (request,)).devices] == ["required"]
    assert [one.policy for one in wanted(Asked(vcpus=1, memory_mib=1), {}, (request,)).devices] == ["legacy"]


def test_a_physical_function_and_its_virtual_ones_go_to_one_server() -> None:
    whole = Fit(devices=(FittedDevice.of(CARD, "port-1"),))
    part = Fit(devices=(FittedDevice.of(PART, "port-2"),))
    other = Fit(devices=(FittedDevice.of(TUNNEL, "port-3"),))

    assert whole.clashes([part]) == f"PCI devices ['{CARD.address}'] belong to another server"
    assert part.clashes([whole]) == f"PCI devices ['{PART.address}'] belong to another server"
    assert part.clashes([part]) is not None
    assert other.clashes([whole, part]) is None


def test_what_others_wrote_into_a_ports_profile_stays() -> None:
    on = binding_profile({"trusted": "true", "pci_slot": "0000:00:00.0"}, FittedDevice.of(PART, "port-1"))

    assert on == {
        "trusted": "true",
        "pci_slot": PART.address,
        "pci_vendor_info": "8086:154c",
        "physical_network": "blue",
    }
    assert binding_profile(on, None) == {"trusted": "true"}
