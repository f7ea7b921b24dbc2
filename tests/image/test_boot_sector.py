"""The boot-sector guest says its marker on the serial port of a real machine."""

from pathlib import Path

import pytest

from kilonova.image.bootsector import boot_sector
from tests.images.qemu_guest import plain_guest


async def test_a_boot_sector_says_its_marker_and_stays(tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(boot_sector("I am up"))

    async with plain_guest(disk, work_dir=tmp_path, memory_mib=16, disk_format="raw") as guest:
        await guest.says(r"I am up\n")
        assert (await guest.ask("query-status"))["status"] == "running"


def test_a_boot_sector_has_the_size_asked_for_and_its_signature() -> None:
    disk = boot_sector("x", size_mib=3)

    assert len(disk) == 3 << 20
    assert disk[510:512] == b"\x55\xaa"


def test_a_marker_too_long_for_a_sector_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        boot_sector("x" * 500)
