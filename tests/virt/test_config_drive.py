"""The config drive, read back."""

import subprocess
from io import BytesIO
from pathlib import Path

import pycdlib
import pytest

from kilonova.virt.config_drive import write_config_drive

FILES = {
    "openstack/latest/meta_data.json": b'{"hostname": "h"}',
    "openstack/latest/user_data": b"#!/bin/sh\n" + b"x" * 60_000,
    "openstack/2018-08-27/meta_data.json": b"{}",
    "openstack/content/0000": b"",
    "ec2/latest/meta-data.json": b"[]",
}


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    target = tmp_path / "config.iso"
    write_config_drive(target, FILES)
    return target


@pytest.mark.parametrize("names", ["rr_path", "joliet_path"])
def test_every_file_is_found_under_its_own_name(drive: Path, names: str) -> None:
    image = pycdlib.PyCdlib()
    image.open(str(drive))
    for name, content in FILES.items():
        read = BytesIO()
        image.get_file_from_iso_fp(read, **{names: f"/{name}"})
        assert read.getvalue() == content
    image.close()


def test_it_is_labelled_as_guests_look_for_it(drive: Path) -> None:
    told = subprocess.check_output(["blkid", "-p", "-o", "export", drive], text=True).splitlines()

    assert "LABEL=config-2" in told
    assert "TYPE=iso9660" in told


def test_writing_again_replaces_the_drive(drive: Path) -> None:
    write_config_drive(drive, {"a": b"1"})

    image = pycdlib.PyCdlib()
    image.open(str(drive))
    assert [child.file_identifier() for child in image.list_children(rr_path="/")][2:] == [b"F000000.;1"]
    image.close()


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../b", ""])
def test_a_path_out_of_the_drive_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        write_config_drive(tmp_path / "config.iso", {path: b""})
