"""Which name a volume gets on a host."""

from typing import Any

import msgspec
import pytest

from kilonova.compute.volumes import VolumeUnusable, disk_of, free_device
from kilonova.contract.compute import BlockDevice, FlavorOf, ServerRecord
from kilonova.model.ids import ServerId
from kilonova.peers.volume import Attachment

SERVER = ServerRecord(
    id=ServerId("11111111-2222-3333-4444-555555555555"),
    name="one",
    hostname="one",
    number=1,
    project_id="p",
    user_id="u",
    flavor=FlavorOf(id="1", name="tiny", vcpus=1, memory_mib=64, root_gib=1),
    image_id=None,
)


def attached(*names: str) -> list[BlockDevice]:
    return [
        BlockDevice(id=name, source_type="volume", destination_type="volume", volume_id=name, device_name=name)
        for name in names
    ]


@pytest.mark.parametrize(
    ("others", "wish", "given"),
    [
        ((), None, "vdb"),
        (("/dev/vdb",), None, "vdc"),
        (("/dev/vdc",), None, "vdb"),
        ((), "/dev/vdf", "vdf"),
        ((), "/dev/sdc", "vdc"),
        (("/dev/vdf",), "/dev/vdf", "vdb"),
        ((), "/dev/vda", "vdb"),
        ((), "nonsense", "vdb"),
    ],
)
def test_a_volume_gets_what_is_wished_for_where_it_is_free(
    others: tuple[str, ...], wish: str | None, given: str
) -> None:
    assert free_device(SERVER, attached(*others), wish=wish) == given


def test_local_disks_come_first() -> None:
    flavor = msgspec.structs.replace(SERVER.flavor, ephemeral_gib=1, swap_mib=64)
    server = msgspec.structs.replace(SERVER, flavor=flavor)

    assert free_device(server, []) == "vdd"
    assert free_device(server, [], wish="/dev/vdb") == "vdd"


def test_a_connection_this_host_does_not_know_is_refused() -> None:
    info: dict[str, Any] = {"driver_volume_type": "rbd", "data": {"name": "pool/volume"}}
    attachment = msgspec.convert(
        {"id": "a", "volume_id": "v", "server_id": "s", "status": "attached", "mode": "rw", "connection_info": info},
        Attachment,
        strict=False,
    )

    with pytest.raises(VolumeUnusable):
        disk_of(attachment, "vdb")
