"""What of a moving guest's domain is the old host's and what the new one's."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from msgspec.structs import replace

from kilonova.model.fitting.host import Fit, FittedCell
from kilonova.model.ids import GuestId
from kilonova.virt.guest import GuestSpec, LocalDisk
from kilonova.virt.libvirt.arriving_xml import arriving, own_disks
from kilonova.virt.libvirt.guest_files import GuestFiles, Instances
from kilonova.virt.libvirt.placement import place_disks
from kilonova.virt.libvirt.xml import HostProfile, domain_xml
from tests.virt.guests import guest_spec, nic, volume

SPEC = guest_spec(Path("/image"), nics=(nic("tap-here"),))


def files(state_dir: str) -> GuestFiles:
    return Instances(Path(state_dir), Path(state_dir)).of(GuestId(SPEC.id))


def on(state_dir: str, spec: GuestSpec) -> str:
    here = files(state_dir)
    return domain_xml(spec, HostProfile(virt_type="qemu"), here, place_disks(spec, here))


def moved(here: GuestSpec, there: GuestSpec) -> Element:
    return fromstring(arriving(on("/here", here), on("/there", there)))


def test_files_sockets_and_taps_are_those_of_the_new_host(tmp_path: Path) -> None:
    there = replace(SPEC, nics=(replace(SPEC.nics[0], tap="tap-there"),))
    text = arriving(on("/here", SPEC), on("/there", there))

    assert "/here" not in text
    assert "tap-here" not in text
    assert fromstring(text).find("devices/interface/target").get("dev") == "tap-there"  # type: ignore[union-attr]


def test_what_the_guest_sees_stays(tmp_path: Path) -> None:
    plugged = volume(tmp_path, device="/dev/vdf")
    running = on("/here", replace(SPEC, disks=(*SPEC.disks, plugged)))
    placed = running.replace(
        '<target dev="vdf" bus="virtio" />', '<target dev="vdf" bus="virtio" /><address slot="9" />'
    )
    assert placed != running
    told = fromstring(arriving(placed, on("/there", replace(SPEC, disks=(*SPEC.disks, plugged)))))

    assert told.find("devices/disk/address[@slot='9']") is not None
    assert [disk.find("target").get("dev") for disk in told.iterfind("devices/disk")] == ["vda", "vdf"]  # type: ignore[union-attr]


def test_a_device_the_new_host_does_not_know_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not know of disk"):
        moved(replace(SPEC, disks=(*SPEC.disks, volume(tmp_path))), SPEC)


def test_a_guest_gets_the_cpus_of_the_new_host() -> None:
    def pinned(cpu: int) -> GuestSpec:
        cell = FittedCell(host_cell=0, memory_mib=16, pinning={0: cpu})
        return replace(SPEC, fit=Fit(cells=(cell,)))

    pins = moved(pinned(3), pinned(5)).findall("cputune/vcpupin")

    assert [pin.get("cpuset") for pin in pins] == ["5"]


def test_a_guests_own_disks_are_those_in_its_directory(tmp_path: Path) -> None:
    disks = (*SPEC.disks, LocalDisk(size_gib=1, role="ephemeral"), volume(tmp_path, device="/dev/vdf"))
    text = on("/here", replace(SPEC, disks=disks, config_drive=Path("/drive")))

    own = {disk.target: (disk.path, disk.writable) for disk in own_disks(text)}

    directory = files("/here").directory
    assert own == {
        "vda": (directory / "root.qcow2", True),
        "vdb": (directory / "ephemeral0.qcow2", True),
        "hda": (directory / "config-2.iso", False),
    }
