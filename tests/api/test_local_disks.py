"""How many local disks a new server may ask for."""

import itertools

import pytest

from kilonova.api.servers.block_devices import InvalidMapping, asked_devices
from kilonova.contract.compute import FlavorOf

IMAGE = "0f6d2f6a-2ad0-4b02-8d5c-5b1a3a1f7a10"
FLAVOR = FlavorOf(id="1", name="small", vcpus=1, memory_mib=64, root_gib=1, ephemeral_gib=9)
ROOT = {"boot_index": 0, "uuid": IMAGE, "source_type": "image", "destination_type": "local"}
BLANK = {"boot_index": -1, "source_type": "blank", "destination_type": "local", "volume_size": 1}


def disks(most_local: int) -> int:
    numbers = itertools.count()
    body = {"block_device_mapping_v2": [ROOT, BLANK, BLANK, BLANK]}
    return len(
        asked_devices(body, image_id=IMAGE, flavor=FLAVOR, most_local=most_local, new_id=lambda: str(next(numbers)))
    )


@pytest.mark.parametrize("most_local", [-1, 4, 9])
def test_as_many_as_are_allowed_and_any_number_where_there_is_no_limit(most_local: int) -> None:
    assert disks(most_local) == 4


@pytest.mark.parametrize("most_local", [0, 3])
def test_more_are_refused(most_local: int) -> None:
    with pytest.raises(InvalidMapping, match="more local devices than the limit allows"):
        disks(most_local)
