"""The speed probe: KVM only where it is fast."""

import json
import os
from pathlib import Path

from kilonova.virt.libvirt.probe import virt_type


def test_the_answer_is_kept_for_this_boot_of_the_machine(tmp_path: Path) -> None:
    cache = tmp_path / "state/virt-type.json"
    measured = virt_type(cache)
    other = "qemu" if measured == "kvm" else "kvm"
    cache.write_text(cache.read_text().replace(measured, other))

    assert virt_type(cache) == other


def test_another_boot_measures_anew(tmp_path: Path) -> None:
    cache = tmp_path / "virt-type.json"
    measured = virt_type(cache)
    other = "qemu" if measured == "kvm" else "kvm"
    cache.write_text(json.dumps({"boot_id": "another", "virt_type": other}))

    assert virt_type(cache) == measured


def test_a_damaged_answer_is_measured_anew(tmp_path: Path) -> None:
    cache = tmp_path / "virt-type.json"
    cache.write_text('{"boot_')

    assert virt_type(cache) in ("kvm", "qemu")


def test_without_the_device_there_is_no_kvm(tmp_path: Path) -> None:
    if os.path.exists("/dev/kvm") and not os.path.exists("/sys/module/kvm_pvm"):
        return
    assert virt_type(tmp_path / "virt-type.json") == "qemu"
