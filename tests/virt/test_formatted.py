"""Swap and ephemeral disks come formatted: what blkid sees in them is what was asked for."""

import subprocess
from pathlib import Path

import pytest

from kilonova.virt.guest import LocalDisk
from kilonova.virt.libvirt.disks import make
from kilonova.virt.libvirt.formatted import FormatFailed
from tests.virt.guests import image_info

_MIB = 1024**2


def seen_in(image: Path) -> dict[str, str]:
    """Type and label, as a guest would find them."""
    raw = image.with_suffix(".seen")
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, raw], check=True)
    said = subprocess.check_output(["/usr/sbin/blkid", "-p", "-o", "export", raw], text=True)
    pairs = dict(line.split("=", 1) for line in said.splitlines())
    return {name: pairs[name] for name in ("TYPE", "LABEL")}


@pytest.mark.parametrize(
    ("disk", "name", "kind"),
    [
        (LocalDisk(size_gib=0, size_mib=64, role="swap", filesystem="swap"), "swap0", "swap"),
        (LocalDisk(size_gib=1, role="ephemeral", filesystem="ext4"), "ephemeral0", "ext4"),
        (LocalDisk(size_gib=1, role="ephemeral", filesystem="vfat"), "ephemeral0", "vfat"),
    ],
)
async def test_a_disk_has_the_file_system_it_was_to_have(tmp_path: Path, disk: LocalDisk, name: str, kind: str) -> None:
    await make(disk, tmp_path / f"{name}.qcow2")

    size = (disk.size_mib or disk.size_gib * 1024) * _MIB
    assert image_info(tmp_path / f"{name}.qcow2")["virtual-size"] == size
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.qcow2"]
    assert seen_in(tmp_path / f"{name}.qcow2") == {"TYPE": kind, "LABEL": name}


async def test_an_unknown_file_system_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    disk = LocalDisk(size_gib=1, role="ephemeral", filesystem="zfs")
    with pytest.raises(FormatFailed, match="zfs"):
        await make(disk, tmp_path / "ephemeral0.qcow2")
    assert list(tmp_path.iterdir()) == []
