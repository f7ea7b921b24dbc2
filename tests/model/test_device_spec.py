"""Which PCI devices nova.conf lets guests have, in every way Nova can say it."""

import json
from typing import Any

import pytest

from kilonova.model.fitting.device_spec import allowed, read_device_spec
from kilonova.model.fitting.offer import BadOffer, read_offer
from kilonova.model.fitting.pci import PHYSICAL, VIRTUAL, PciDevice

CARD = PciDevice(address="0000:81:00.0", vendor_id="8086", product_id="1572", type=PHYSICAL, interface="eth2")
PARTS = tuple(
    PciDevice(address=f"0000:81:02.{n}", vendor_id="8086", product_id="154c", type=VIRTUAL, parent=CARD.address)
    for n in (0, 1)
)
GPU = PciDevice(address="0000:0a:00.0", vendor_id="10de", product_id="1eb8")
DEVICES = (GPU, CARD, *PARTS)
ALL_OF_CARD = [CARD.address, *(part.address for part in PARTS)]


@pytest.mark.parametrize(
    ("spec", "addresses"),
    [
        ({"vendor_id": "10de"}, [GPU.address]),
        ({"vendor_id": "8086", "product_id": "154c"}, ALL_OF_CARD[1:]),
        ({"vendor_id": "*", "product_id": "1572"}, [CARD.address]),
        ({"address": "0000:81:00.0"}, ALL_OF_CARD),
        ({"address": "0000:81:02.1"}, [PARTS[1].address]),
        ({"address": "*:81:02.*"}, ALL_OF_CARD[1:]),
        ({"address": ":81:"}, ALL_OF_CARD),
        ({"address": ":81:02.1"}, [PARTS[1].address]),
        ({"address": "81:02"}, ALL_OF_CARD[1:]),
        ({"address": ":00."}, [GPU.address, CARD.address]),
        ({"address": {"bus": "8.", "function": "[01]", "slot": "02"}}, ALL_OF_CARD[1:]),
        ({"devname": "eth2"}, ALL_OF_CARD),
        ({"devname": "eth3"}, []),
        ({"devname": "eth2", "product_id": "154c"}, ALL_OF_CARD[1:]),
        ({}, [device.address for device in DEVICES]),
    ],
)
def test_devices_are_named_as_in_nova(spec: dict[str, Any], addresses: list[str]) -> None:
    found = allowed(DEVICES, [read_device_spec(json.dumps(spec))])

    assert [device.address for device in found] == addresses


def test_the_first_line_that_matches_says_what_the_device_is_for() -> None:
    lines = [
        {"address": PARTS[0].address, "physical_network": None, "traits": "CUSTOM_FAST, CUSTOM_NEAR"},
        {"devname": "eth2", "physical_network": "blue"},
        {"vendor_id": "10de", "resource_class": "CUSTOM_GPU"},
    ]
    gpu, card, first, second = allowed(DEVICES, [read_device_spec(json.dumps(line)) for line in lines])

    assert (gpu.physical_network, gpu.resource_class) == (None, "CUSTOM_GPU")
    assert [one.physical_network for one in (card, first, second)] == ["blue", "", "blue"]
    assert first.traits == {"CUSTOM_FAST", "CUSTOM_NEAR"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"vendor": "10de"}', "unknown vendor"),
        ('{"devname": "eth0", "address": "0000:81:00.0"}', "two ways"),
        ('{"address": "1:0000:81:00.0"}', "no PCI address"),
        ('{"address": {"bus": "("}}', "no regular expression"),
        ('{"address": {"buss": "81"}}', "has no buss"),
        ('{"vendor_id": ', "Invalid"),
    ],
)
def test_what_cannot_be_understood_is_refused(line: str, told: str) -> None:
    with pytest.raises(BadOffer, match=told):
        read_offer(dedicated="", shared="", reserved_huge_pages=(), device_spec=(line,))
