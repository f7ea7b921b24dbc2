"""A running guest's domain as the host it goes to shall have it. Pure.

What the guest sees is as it is where it runs (devices may have been plugged in, in any order); what lies behind that,
files, devices and CPUs of the host, is as the other host has defined it.
"""

from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring, tostring

# Sockets and logs on the host, by the order of the devices.
_ENDS = ("serial", "console", "channel")
# What the host gives. In this order libvirt writes it, though it reads any.
_TUNING = ("memoryBacking", "cputune", "numatune")


class Own(NamedTuple):
    """One of a guest's own disks: its file, and its name, such as vda."""

    path: Path
    target: str
    writable: bool


def own_disks(xml: str) -> list[Own]:
    """Disks with files in the guest's own directory, wherever that is: its name is the guest's id."""
    domain = fromstring(xml)
    found = []
    for disk in domain.iterfind("devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        path = Path("" if source is None else source.get("file", ""))
        if target is not None and path.parent.name == domain.findtext("uuid"):
            found.append(Own(path, target.get("dev", ""), disk.find("readonly") is None))
    return found


def arriving(running: str, defined: str) -> str:
    """`running` with what is the host's taken from `defined`. Errors: ValueError for a device not in `defined`."""
    domain, there = fromstring(running), fromstring(defined)
    devices, known = _devices(domain), _by_alias(_devices(there))
    for disk in devices.iterfind("disk"):
        _replace(disk, _known(known, disk), "source")
        _drop(disk, "backingStore", "mirror")
    for card in devices.iterfind("interface"):
        _replace(card, _known(known, card), "target")
    for tag in _ENDS:
        for end, like in zip(devices.findall(tag), _devices(there).findall(tag), strict=False):
            _replace(end, like, "source")
            _replace(end, like, "log")
    _exchange(devices, _devices(there), "graphics")
    _exchange(devices, _devices(there), "emulator")
    for tag in _TUNING:
        _exchange(domain, there, tag)
    _same_cpus(domain, there)
    return tostring(domain, encoding="unicode")


def _devices(domain: Element) -> Element:
    devices = domain.find("devices")
    assert devices is not None
    return devices


def _alias(device: Element) -> str:
    alias = device.find("alias")
    return "" if alias is None else str(alias.get("name"))


def _by_alias(devices: Element) -> dict[str, Element]:
    return {_alias(device): device for device in devices}


def _known(known: dict[str, Element], device: Element) -> Element:
    found = known.get(_alias(device))
    if found is None:
        raise ValueError(f"the other host does not know of {device.tag} {_alias(device)}")
    return found


def _replace(device: Element, like: Element, tag: str) -> None:
    _drop(device, tag)
    device.extend(like.findall(tag))


def _drop(parent: Element, *tags: str) -> None:
    for child in [child for child in parent if child.tag in tags]:
        parent.remove(child)


def _exchange(parent: Element, like: Element, tag: str) -> None:
    _drop(parent, tag)
    parent.extend(like.findall(tag))


def _same_cpus(domain: Element, there: Element) -> None:
    vcpu, like = domain.find("vcpu"), there.find("vcpu")
    if vcpu is None or like is None:
        return
    vcpu.attrib.pop("cpuset", None)
    if "cpuset" in like.attrib:
        vcpu.set("cpuset", like.attrib["cpuset"])
