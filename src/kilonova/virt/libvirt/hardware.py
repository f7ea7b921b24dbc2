"""The NUMA cells and PCI devices of this machine, as the kernel tells of them.

Not as libvirt does: it first asks every QEMU that is installed what it can do, which takes seconds.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kilonova.model.fitting.cpu_sets import parse_cpus
from kilonova.model.fitting.host import KIB, Hardware, HostCell, HostTopology, Pages
from kilonova.model.fitting.pci import PHYSICAL, STANDARD, VIRTUAL, PciDevice
from kilonova.model.fitting.port_devices import MACVTAP
from kilonova.model.ids import GuestId
from kilonova.virt.errors import GuestOperationFailed
from kilonova.virt.guest import GuestSpec, Nic

PCI_DEVICES = Path("/sys/bus/pci/devices")
SYSTEM = Path("/sys/devices/system")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def hardware(system: Path = SYSTEM, pci_devices: Path = PCI_DEVICES) -> Hardware:
    """Blocks for milliseconds."""
    cells = cells_in(system)
    return Hardware(topology=HostTopology(cells=cells) if cells else None, devices=devices_in(pci_devices))


def cells_in(system: Path) -> tuple[HostCell, ...]:
    """All CPUs as shared. None where the kernel knows no cells. Source: the kernel's ABI/stable/sysfs-devices-node."""
    numbers = [path.name.removeprefix("node") for path in system.glob("node/node[0-9]*")]
    return tuple(_cell(system, number) for number in sorted(map(int, numbers)))


def _cell(system: Path, number: int) -> HostCell:
    directory = system / f"node/node{number}"
    # Those that are off have no place in the machine.
    places = {cpu: system / f"cpu/cpu{cpu}/topology" for cpu in parse_cpus(_read(directory / "cpulist"))}
    cpus = {cpu: place for cpu, place in places.items() if place.exists()}
    sockets = {_read(place / "physical_package_id") for place in cpus.values()}
    memory_kib = _memory_kib(directory)
    return HostCell(
        id=number,
        shared=frozenset(cpus),
        memory_mib=memory_kib // KIB,
        siblings=tuple(sorted({parse_cpus(_read(place / "thread_siblings_list")) for place in cpus.values()}, key=min)),
        pages=tuple(_pages(directory, memory_kib)),
        socket=int(sockets.pop()) if len(sockets) == 1 else None,
    )


def _memory_kib(directory: Path) -> int:
    found = re.search(r"MemTotal:\s+(\d+) kB", _read(directory / "meminfo"))
    return int(found[1]) if found else 0


def _pages(directory: Path, memory_kib: int) -> Iterator[Pages]:
    """Those of the ordinary size first: what the big ones leave."""
    sizes = [int(path.name.removeprefix("hugepages-").removesuffix("kB")) for path in directory.glob("hugepages/*")]
    big = [
        Pages(size_kib=size, total=int(_read(directory / f"hugepages/hugepages-{size}kB/nr_hugepages") or 0))
        for size in sorted(sizes)
    ]
    taken_kib = sum(pages.size_kib * pages.total for pages in big)
    yield Pages(size_kib=_PAGE_KIB, total=(memory_kib - taken_kib) // _PAGE_KIB)
    yield from big


def devices_in(directory: Path) -> tuple[PciDevice, ...]:
    """Source: the kernel's ABI/testing/sysfs-bus-pci."""
    if not directory.is_dir():
        return ()
    return tuple(_device(path) for path in sorted(directory.iterdir()))


def _device(path: Path) -> PciDevice:
    parent = path / "physfn"
    virtual = parent.exists()
    node = _read(path / "numa_node")
    return PciDevice(
        address=path.name,
        vendor_id=_read(path / "vendor").removeprefix("0x"),
        product_id=_read(path / "device").removeprefix("0x"),
        type=VIRTUAL if virtual else PHYSICAL if (path / "sriov_totalvfs").exists() else STANDARD,
        # -1: the machine does not say.
        numa_node=int(node) if node.isdigit() else None,
        parent=parent.resolve().name if virtual else None,
        interface=_interface(path),
    )


def on_interfaces(spec: GuestSpec, pci_devices: Path = PCI_DEVICES) -> GuestSpec:
    """Its macvtap cards with the names of the network devices they sit on. Errors: GuestOperationFailed."""
    return msgspec.structs.replace(spec, nics=tuple(_on_interface(nic, spec.id, pci_devices) for nic in spec.nics))


def _on_interface(nic: Nic, guest: GuestId, pci_devices: Path) -> Nic:
    if nic.on is None or nic.on.kind != MACVTAP:
        return nic
    name = _interface(pci_devices / nic.on.address)
    if name is None:
        raise GuestOperationFailed("define", guest, f"the PCI device {nic.on.address} has no network device")
    return msgspec.structs.replace(nic, tap=name)


def _interface(path: Path) -> str | None:
    return min((one.name for one in (path / "net").glob("*")), default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
