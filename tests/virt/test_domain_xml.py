"""Domain XML: what a guest's spec becomes in libvirt's words. Pure, no libvirt asked."""

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kilonova.model.ids import GuestId, PortId, VolumeId
from kilonova.virt.guest import GuestSpec, LocalDisk, Nic, VolumeDisk
from kilonova.virt.libvirt.guest_files import GuestFiles
from kilonova.virt.libvirt.placement import place_disks
from kilonova.virt.libvirt.rescue import rescue_disks
from kilonova.virt.libvirt.xml import NAMESPACE, HostProfile, domain_xml

ID = GuestId("0f6d2f6a-2ad0-4b02-8d5c-5b1a3a1f7a10")
FILES = GuestFiles(Path("/state/instances") / ID, Path("/s/instances") / ID)
TCG = HostProfile(virt_type="qemu")
ROOT = LocalDisk(size_gib=1, base=Path("/cache/a.raw"), base_format="raw")
CARD = Nic(port_id=PortId("port-1"), mac="fa:16:3e:00:00:01", tap="tap0", mtu=1450)
SPEC = GuestSpec(id=ID, name="instance-00000001", vcpus=4, memory_mib=512, disks=(ROOT,), nics=(CARD,))


def volume(device: str, **changes: Any) -> VolumeDisk:
    values: dict[str, Any] = {
        "volume_id": VolumeId(f"volume-at-{device[-1]}"),
        "path": Path("/v/1.qcow2"),
        "format": "qcow2",
    }
    return VolumeDisk(**values | {"device": device} | changes)


def xml(spec: GuestSpec, host: HostProfile = TCG) -> Element:
    return fromstring(domain_xml(spec, host, FILES, place_disks(spec, FILES)))


def targets(domain: Element) -> dict[str, str]:
    """Device name → what is there."""
    return {
        str(disk.find("target").get("dev")): str(disk.find("source").get("file"))  # type: ignore[union-attr]
        for disk in domain.iterfind("devices/disk")
    }


def attribute(domain: Element, path: str, name: str) -> str | None:
    found = domain.find(path)
    assert found is not None, path
    return found.get(name)


def test_the_same_spec_gives_the_same_text() -> None:
    assert domain_xml(SPEC, TCG, FILES, place_disks(SPEC, FILES)) == domain_xml(
        SPEC, TCG, FILES, place_disks(SPEC, FILES)
    )


def test_libvirt_asks_for_a_translated_processors_abilities_all_at_once() -> None:
    asked = "{http://libvirt.org/schemas/domain/qemu/1.0}capabilities/{http://libvirt.org/schemas/domain/qemu/1.0}del"
    assert attribute(xml(SPEC), asked, "capability") == "cpu-unavailable-features"
    assert xml(SPEC, HostProfile(virt_type="kvm")).find(asked) is None


def test_a_guest_says_it_is_openstack() -> None:
    domain = xml(SPEC)

    entries = {entry.get("name"): entry.text for entry in domain.iterfind("sysinfo/system/entry")}
    assert entries["product"] == "OpenStack Nova"
    assert entries["manufacturer"] == "OpenStack Foundation"
    assert entries["uuid"] == entries["serial"] == domain.findtext("uuid") == ID
    assert attribute(domain, "os/smbios", "mode") == "sysinfo"


def test_a_translated_guest_has_a_plain_processor_and_bounded_memory_for_translation() -> None:
    domain = xml(SPEC)

    assert domain.get("type") == "qemu"
    assert domain.findtext("cpu/model") == "qemu64"
    assert domain.findtext("features/tcg/tb-cache") == "128"


@pytest.mark.parametrize(("memory_mib", "cache_mib"), [(64, "32"), (512, "128"), (1024, "256"), (65536, "256")])
def test_the_room_for_translation_grows_with_the_guest(memory_mib: int, cache_mib: str) -> None:
    domain = xml(replace(SPEC, memory_mib=memory_mib))

    assert domain.findtext("features/tcg/tb-cache") == cache_mib


def test_a_kvm_guest_has_the_hosts_processor() -> None:
    domain = xml(SPEC, HostProfile(virt_type="kvm"))

    assert domain.get("type") == "kvm"
    assert attribute(domain, "cpu", "mode") == "host-passthrough"
    assert domain.find("features/tcg") is None


@pytest.mark.parametrize(
    ("host", "mode", "model"),
    [
        (HostProfile(virt_type="kvm", cpu_mode="host-model"), "host-model", None),
        (HostProfile(virt_type="qemu", cpu_mode="host-passthrough"), "maximum", None),
        (HostProfile(virt_type="kvm", cpu_mode="custom", cpu_model="Nehalem"), "custom", "Nehalem"),
        (HostProfile(virt_type="kvm", cpu_mode="none"), None, None),
    ],
)
def test_the_operator_chooses_the_processor(host: HostProfile, mode: str | None, model: str | None) -> None:
    domain = xml(SPEC, host)

    assert attribute(domain, "cpu", "mode") == mode
    assert domain.findtext("cpu/model") == model
    assert attribute(domain, "cpu/topology", "sockets") == str(SPEC.vcpus)


def test_a_network_card_uses_the_tap_the_network_agent_made() -> None:
    interface = xml(SPEC).find("devices/interface")

    assert interface is not None
    assert interface.get("type") == "ethernet"
    assert attribute(interface, "target", "dev") == "tap0"
    assert attribute(interface, "target", "managed") == "no"
    assert attribute(interface, "mtu", "size") == "1450"
    assert attribute(interface, "alias", "name") == "ua-port-1"


def test_without_a_tap_the_network_is_qemus_own() -> None:
    assert attribute(xml(replace(SPEC, nics=(replace(CARD, tap=None),))), "devices/interface", "type") == "user"


def test_volumes_keep_their_promised_devices_and_local_disks_step_aside() -> None:
    ephemeral = LocalDisk(size_gib=1, role="ephemeral")

    domain = xml(replace(SPEC, disks=(ROOT, ephemeral, volume("/dev/vdb"), volume("vdc"))))

    assert targets(domain) == {
        "vda": str(FILES.root),
        "vdd": str(FILES.directory / "ephemeral0.qcow2"),
        "vdb": "/v/1.qcow2",
        "vdc": "/v/1.qcow2",
    }


def test_a_guest_booted_from_a_volume_boots_that_volume() -> None:
    domain = xml(replace(SPEC, disks=(volume("/dev/vda", bootable=True), volume("/dev/vdb"))))

    [boots] = [disk for disk in domain.iterfind("devices/disk") if disk.find("boot") is not None]
    assert boots.findtext("serial") == "volume-at-a"


def test_the_config_drive_is_a_read_only_cdrom() -> None:
    domain = xml(replace(SPEC, config_drive=Path("/d/config.iso")))

    assert targets(domain)["hda"] == str(FILES.config_drive)
    cdrom = domain.find("devices/disk[@device='cdrom']")
    assert cdrom is not None
    assert cdrom.find("readonly") is not None


@pytest.mark.parametrize(("machine", "bus"), [("pc", "scsi"), ("q35", "scsi"), ("q35", "sata")])
def test_a_config_drive_does_not_take_the_name_a_later_volume_is_promised(machine: str, bus: str) -> None:
    properties = {"hw_machine_type": machine, "hw_disk_bus": bus, "hw_cdrom_bus": bus}

    domain = xml(replace(SPEC, properties=properties, config_drive=Path("/c.iso")))

    assert set(targets(domain)) == {"sda", "sdz"}


def test_a_volume_of_several_guests_is_not_locked() -> None:
    shared = replace(volume("/dev/vdb"), shared=True)
    shareable = xml(replace(SPEC, disks=(ROOT, shared, volume("/dev/vdc")))).findall("devices/disk[shareable]")

    assert [attribute(disk, "target", "dev") for disk in shareable] == ["vdb"]


def test_image_properties_choose_the_hardware() -> None:
    properties = {
        "hw_disk_bus": "scsi",
        "hw_vif_model": "e1000",
        "hw_machine_type": "q35",
        "hw_video_model": "qxl",
        "hw_watchdog_action": "reset",
        "hw_cpu_cores": "2",
    }

    domain = xml(replace(SPEC, properties=properties, config_drive=Path("/c.iso")))

    assert set(targets(domain)) == {"sda", "sdz"}
    assert attribute(domain, "devices/controller[@type='scsi']", "model") == "virtio-scsi"
    assert attribute(domain, "devices/interface/model", "type") == "e1000"
    assert attribute(domain, "os/type", "machine") == "q35"
    assert len(domain.findall("devices/controller[@model='pcie-root-port']")) == TCG.pcie_root_ports
    assert attribute(domain, "devices/video/model", "type") == "qxl"
    assert attribute(domain, "devices/watchdog", "action") == "reset"
    assert (attribute(domain, "cpu/topology", "sockets"), attribute(domain, "cpu/topology", "cores")) == ("2", "2")


def test_hardware_nobody_makes_becomes_the_usual() -> None:
    domain = xml(replace(SPEC, properties={"hw_disk_bus": "ether", "hw_vif_model": "warp", "hw_cpu_cores": "3"}))

    assert set(targets(domain)) == {"vda"}
    assert attribute(domain, "devices/interface/model", "type") == "virtio"
    assert attribute(domain, "cpu/topology", "sockets") == "4"


def test_the_screen_and_the_console_are_on_sockets_with_a_short_name() -> None:
    domain = xml(SPEC, replace(TCG, spice=True))

    assert attribute(domain, "devices/graphics[@type='vnc']/listen", "socket") == f"/s/instances/{ID}/vnc"
    assert attribute(domain, "devices/graphics[@type='spice']/listen", "socket") == f"/s/instances/{ID}/spice"
    assert attribute(domain, "devices/serial/source", "path") == f"/s/instances/{ID}/serial"
    assert attribute(domain, "devices/serial/log", "append") == "on"


def test_a_rescue_boots_its_own_disk_before_the_guests(tmp_path: Path) -> None:
    files = GuestFiles(tmp_path, tmp_path)
    files.root.touch()
    spec = replace(SPEC, disks=(ROOT, volume("/dev/vdc", bootable=True)))

    placed = rescue_disks(spec, ROOT, files)

    assert [(disk.target, disk.identity, disk.boots) for disk in placed] == [
        ("vda", "rescue", True),
        ("vdb", "root", False),
        ("vdc", "volume-at-c", False),
    ]


@given(st.text(), st.text())
def test_no_name_breaks_the_xml(name: str, project: str) -> None:
    instance = xml(replace(SPEC, display_name=name, project_id=project)).find(f"metadata/{{{NAMESPACE}}}instance")

    assert instance is not None
    assert len(instance) == 4
