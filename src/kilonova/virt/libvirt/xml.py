"""Domain XML from a guest's spec and the host's profile. Pure: the same input gives the same text.

Source of the elements: libvirt's "Domain XML format"; of the image properties: Glance's useful image properties.
"""

import re
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import msgspec

from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.processor import processor
from kilonova.virt.guest import GuestSpec, Nic
from kilonova.virt.libvirt.cards import card
from kilonova.virt.libvirt.guest_files import GuestFiles
from kilonova.virt.libvirt.placement import PlacedDisk
from kilonova.virt.libvirt.settings import CpuMode
from kilonova.virt.libvirt.tuning import tune

NAMESPACE = "https://kilonova.cloud/xmlns/instance/1"
# libvirt's own name for what it passes on to QEMU.
_QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
# libvirt lets users name devices if the name starts so; events about devices carry it.
ALIAS = "ua-"

_MOST_TB_CACHE_MIB = 256
_HOT_PLUG = {"hw_disk_bus", "hw_vif_model"}
# Users may name servers anything, XML 1.0 cannot say everything.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VIF_MODELS = {"virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "virtio-net-pci"}
_VIDEO_MODELS = {"vga", "qxl", "virtio", "cirrus", "vmvga", "bochs", "none"}
_WATCHDOG_ACTIONS = {"reset", "poweroff", "pause", "none"}


class HostProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What of the host shows in a guest. `tb_cache_mib` is the least memory QEMU's translator has (TCG only)."""

    virt_type: Literal["kvm", "qemu"]
    emulator: Path = Path("/usr/bin/qemu-system-x86_64")
    cpu_mode: CpuMode | None = None
    cpu_model: str = ""
    machine_type: str = "pc"
    spice: bool = False
    tb_cache_mib: int = 32
    pcie_root_ports: int = 16
    version: str = ""


def domain_xml(spec: GuestSpec, host: HostProfile, files: GuestFiles, disks: list[PlacedDisk]) -> str:
    """The whole domain; `disks` are the spec's own as `place_disks` has them, or a rescue's."""
    domain = Element("domain", type=host.virt_type)
    _text(domain, "name", spec.name)
    _text(domain, "uuid", spec.id)
    _metadata(domain, spec)
    _text(domain, "memory", str(spec.memory_mib), unit="MiB")
    _text(domain, "vcpu", str(spec.vcpus))
    _sysinfo(domain, spec, host)
    _operating_system(domain, spec, host)
    _features(domain, spec, host)
    _cpu(domain, spec, host)
    _clock(domain)
    for event, reaction in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        _text(domain, event, reaction)
    _devices(domain, spec, host, files, disks)
    tune(domain, spec)
    _processor_questions(domain, host)
    indent(domain)
    return tostring(domain, encoding="unicode")


def disk_xml(disk: PlacedDisk) -> str:
    return tostring(_disk(disk), encoding="unicode")


def nic_xml(nic: Nic, properties: dict[str, str]) -> str:
    return tostring(_nic(nic, properties), encoding="unicode")


def _text(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    child = SubElement(parent, tag, attributes)
    child.text = _NOT_IN_XML.sub("", text)
    return child


def _metadata(domain: Element, spec: GuestSpec) -> None:
    instance = SubElement(SubElement(domain, "metadata"), f"{{{NAMESPACE}}}instance")
    values = {
        "name": spec.display_name or spec.name,
        "project": spec.project_id,
        "vcpus": str(spec.vcpus),
        "memory": str(spec.memory_mib),
    }
    for name, value in values.items():
        _text(instance, f"{{{NAMESPACE}}}{name}", value)
    for name in sorted(_HOT_PLUG & spec.properties.keys()):
        _text(instance, f"{{{NAMESPACE}}}property", spec.properties[name], name=name)


def plugged_like(domain: Element) -> dict[str, str]:
    """The image properties that a device plugged into this domain later must heed too."""
    found = domain.iterfind(f"metadata/{{{NAMESPACE}}}instance/{{{NAMESPACE}}}property")
    return {str(element.get("name")): element.text or "" for element in found}


def _sysinfo(domain: Element, spec: GuestSpec, host: HostProfile) -> None:
    # cloud-init takes the metadata service for real only where the product says "OpenStack Nova".
    system = SubElement(SubElement(domain, "sysinfo", type="smbios"), "system")
    entries = {
        "manufacturer": "OpenStack Foundation",
        "product": "OpenStack Nova",
        "version": host.version,
        "serial": spec.id,
        "uuid": spec.id,
        "family": "Virtual Machine",
    }
    for name, value in entries.items():
        if value:
            _text(system, "entry", value, name=name)


def _operating_system(domain: Element, spec: GuestSpec, host: HostProfile) -> None:
    os = SubElement(domain, "os")
    if spec.properties.get("hw_firmware_type") == "uefi":
        os.set("firmware", "efi")
    _text(os, "type", "hvm", arch="x86_64", machine=_machine(spec, host))
    SubElement(os, "smbios", mode="sysinfo")


def _machine(spec: GuestSpec, host: HostProfile) -> str:
    return spec.properties.get("hw_machine_type") or host.machine_type


def _features(domain: Element, spec: GuestSpec, host: HostProfile) -> None:
    features = SubElement(domain, "features")
    SubElement(features, "acpi")
    SubElement(features, "apic")
    if host.virt_type == "qemu" and host.tb_cache_mib:
        _text(SubElement(features, "tcg"), "tb-cache", str(_tb_cache_mib(spec, host)), unit="MiB")


def _tb_cache_mib(spec: GuestSpec, host: HostProfile) -> int:
    """A distribution's boot overflows the least; what does is translated again and again, which doubles its time."""
    return max(host.tb_cache_mib, min(spec.memory_mib // 4, _MOST_TB_CACHE_MIB))


def _cpu(domain: Element, spec: GuestSpec, host: HostProfile) -> None:
    cpu = _cpu_seen(domain, host)
    seen = processor(
        Asked(vcpus=spec.vcpus, memory_mib=spec.memory_mib, extra_specs=spec.extra_specs, properties=spec.properties)
    )
    SubElement(cpu, "topology", sockets=str(seen.sockets), cores=str(seen.cores), threads=str(seen.threads))


def _cpu_seen(domain: Element, host: HostProfile) -> Element:
    kvm = host.virt_type == "kvm"
    mode = host.cpu_mode or ("host-passthrough" if kvm and not host.cpu_model else "custom")
    if mode == "none":
        return SubElement(domain, "cpu")
    if mode == "custom":
        cpu = SubElement(domain, "cpu", mode="custom", match="exact", check="none")
        _text(cpu, "model", host.cpu_model or "qemu64", fallback="allow")
        return cpu
    # Without KVM there is no CPU of the host to pass on: all that QEMU can play comes nearest.
    return SubElement(domain, "cpu", mode=mode if kvm else "maximum", check="none")


def _processor_questions(domain: Element, host: HostProfile) -> None:
    """libvirt asks a QEMU that starts for each of its processor's 400 abilities, one by one, which takes longer than
    all else together. It asks for all at once where it believes this ability of QEMU's missing.

    With KVM the long answer is needed: the short one lacks abilities that a live migration must compare.
    """
    if host.virt_type == "qemu":
        capabilities = SubElement(domain, f"{{{_QEMU}}}capabilities")
        SubElement(capabilities, f"{{{_QEMU}}}del", capability="cpu-unavailable-features")


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else default


def _clock(domain: Element) -> None:
    clock = SubElement(domain, "clock", offset="utc")
    SubElement(clock, "timer", name="pit", tickpolicy="delay")
    SubElement(clock, "timer", name="rtc", tickpolicy="catchup")
    SubElement(clock, "timer", name="hpet", present="no")


def _devices(domain: Element, spec: GuestSpec, host: HostProfile, files: GuestFiles, disks: list[PlacedDisk]) -> None:
    devices = SubElement(domain, "devices")
    _text(devices, "emulator", str(host.emulator))
    if any(disk.bus == "scsi" for disk in disks):
        SubElement(devices, "controller", type="scsi", index="0", model="virtio-scsi")
    if "q35" in _machine(spec, host):
        # Each hot-plugged device needs a port of its own on this machine.
        SubElement(devices, "controller", type="pci", index="0", model="pcie-root")
        for index in range(1, host.pcie_root_ports + 1):
            SubElement(devices, "controller", type="pci", index=str(index), model="pcie-root-port")
    devices.extend([_disk(disk) for disk in disks])
    devices.extend([_nic(nic, spec.properties) for nic in spec.nics])
    _serial(devices, files)
    _agent_channel(devices, files)
    _screen(devices, spec, host, files)
    _small_devices(devices, spec)


def _disk(disk: PlacedDisk) -> Element:
    element = Element("disk", type="file", device="cdrom" if disk.cdrom else "disk")
    driver = SubElement(element, "driver", name="qemu", type=disk.format, cache="writeback")
    if not disk.cdrom:
        driver.set("discard", "unmap")
    SubElement(element, "source", file=str(disk.path))
    SubElement(element, "target", dev=disk.target, bus=disk.bus)
    if disk.read_only or disk.cdrom:
        SubElement(element, "readonly")
    if disk.shared:
        # Else the first guest's QEMU locks the others' out.
        SubElement(element, "shareable")
    _text(element, "serial", disk.serial)
    if disk.boots:
        SubElement(element, "boot", order="1")
    SubElement(element, "alias", name=ALIAS + disk.identity)
    if disk.address is not None:
        controller, target, unit = disk.address
        SubElement(element, "address", type="drive", controller=controller, bus="0", target=target, unit=unit)
    return element


def _nic(nic: Nic, properties: dict[str, str]) -> Element:
    element = _wired(nic, properties) if nic.on is None else card(nic, nic.on)
    SubElement(element, "alias", name=ALIAS + nic.port_id)
    return element


def _wired(nic: Nic, properties: dict[str, str]) -> Element:
    element = Element("interface", type="user" if nic.tap is None else "ethernet")
    SubElement(element, "mac", address=nic.mac)
    if nic.tap is not None:
        # The network agent made the device and put it on its bridge; libvirt must leave it alone.
        SubElement(element, "target", dev=nic.tap, managed="no")
    wanted = properties.get("hw_vif_model", nic.model) if nic.model == "virtio" else nic.model
    SubElement(element, "model", type=wanted if wanted in _VIF_MODELS else "virtio")
    if nic.tap is not None and nic.mtu != 1500:
        SubElement(element, "mtu", size=str(nic.mtu))
    return element


def _serial(devices: Element, files: GuestFiles) -> None:
    serial = SubElement(devices, "serial", type="unix")
    SubElement(serial, "source", mode="bind", path=str(files.serial_socket))
    # Without append the log would be emptied by each start, and a resumed guest would have none.
    SubElement(serial, "log", file=str(files.console_log), append="on")
    SubElement(serial, "target", port="0")


def _agent_channel(devices: Element, files: GuestFiles) -> None:
    channel = SubElement(devices, "channel", type="unix")
    # The path libvirt would choose is too long for a socket in a session's home.
    SubElement(channel, "source", mode="bind", path=str(files.agent_socket))
    SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")


def _screen(devices: Element, spec: GuestSpec, host: HostProfile, files: GuestFiles) -> None:
    # On sockets: nobody else on the host can connect, and no port can be taken.
    vnc = SubElement(devices, "graphics", type="vnc")
    SubElement(vnc, "listen", type="socket", socket=str(files.vnc_socket))
    if host.spice:
        spice = SubElement(devices, "graphics", type="spice")
        SubElement(spice, "listen", type="socket", socket=str(files.spice_socket))
        SubElement(spice, "image", compression="off")
    model = spec.properties.get("hw_video_model", "vga")
    video = SubElement(devices, "video")
    attributes = {"type": model if model in _VIDEO_MODELS else "vga"}
    if attributes["type"] in ("vga", "cirrus", "bochs"):
        attributes["vram"] = str(_number(spec.properties.get("hw_video_ram"), 16) * 1024)
    SubElement(video, "model", attributes)


def _small_devices(devices: Element, spec: GuestSpec) -> None:
    if spec.properties.get("hw_pointer_model", "usbtablet") == "usbtablet":
        # A tablet tells absolute positions, so the pointer in a browser console does not drift.
        SubElement(devices, "input", type="tablet", bus="virtio")
    if spec.properties.get("hw_rng_model", "virtio") == "virtio":
        rng = SubElement(devices, "rng", model="virtio")
        _text(rng, "backend", "/dev/urandom", model="random")
    action = spec.extra_specs.get("hw:watchdog_action") or spec.properties.get("hw_watchdog_action")
    if action in _WATCHDOG_ACTIONS:
        SubElement(devices, "watchdog", model="i6300esb", action=action)
    balloon = SubElement(devices, "memballoon", model="virtio")
    SubElement(balloon, "stats", period="10")
