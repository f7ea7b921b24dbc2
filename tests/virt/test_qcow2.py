"""The images we write ourselves are those that QEMU's own tool would have written, as far as that tool can tell."""

import subprocess
from pathlib import Path

import pytest

from kilonova.virt.qcow2 import qcow2_size, write_qcow2
from tests.virt.guests import image_info

_GIB = 1024**3


def qemu_io(image: Path, *commands: str) -> str:
    words = [word for command in commands for word in ("-c", command)]
    return subprocess.check_output(["qemu-io", "-f", "qcow2", *words, str(image)], text=True)


def check(image: Path) -> None:
    subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", str(image)], check=True)


@pytest.mark.parametrize("size", [0, 512, 1 << 20, _GIB, 80 * _GIB, 5 * 1024 * _GIB])
def test_a_blank_image_has_its_size_and_is_sound_before_and_after_it_is_written_to(tmp_path: Path, size: int) -> None:
    image = tmp_path / "blank.qcow2"
    write_qcow2(image, size=size)

    assert qcow2_size(image) == image_info(image)["virtual-size"] == size
    assert "backing-filename" not in image_info(image)
    check(image)
    if size:
        at = size - 512
        assert "verification failed" not in qemu_io(
            image, f"read -P 0 {at} 512", f"write -P 7 {at} 512", f"read -P 7 {at} 512"
        )
        check(image)


@pytest.mark.parametrize("base_format", ["raw", "qcow2"])
def test_an_overlay_shows_its_base_and_keeps_it_as_it_was(tmp_path: Path, base_format: str) -> None:
    raw, base, image = tmp_path / "raw", tmp_path / "base", tmp_path / "overlay.qcow2"
    raw.write_bytes(b"\5" * (1 << 20))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", base_format, raw, base], check=True)
    before = base.read_bytes()

    write_qcow2(image, size=_GIB, base=base.name, base_format="raw" if base_format == "raw" else "qcow2")

    said = image_info(image)
    assert (said["virtual-size"], said["backing-filename"], said["backing-filename-format"]) == (
        _GIB,
        "base",
        base_format,
    )
    answers = qemu_io(
        image, "read -P 5 0 1M", "read -P 0 1M 1M", "write -P 9 4k 4k", "read -P 9 4k 4k", "read -P 5 8k 4k"
    )
    assert "verification failed" not in answers
    check(image)
    assert base.read_bytes() == before


def test_a_size_between_sectors_is_rounded_up(tmp_path: Path) -> None:
    image = tmp_path / "odd.qcow2"
    write_qcow2(image, size=1000)
    assert image_info(image)["virtual-size"] == 1024


def test_a_base_with_a_name_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1023 bytes"):
        write_qcow2(tmp_path / "x", size=512, base="b" * 1024)
