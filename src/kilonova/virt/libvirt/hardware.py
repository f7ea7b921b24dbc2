"""The NUMA cells and PCI devices of this machine, as libvirt and the kernel tell of them."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

from kilonova.model.fitting.cpu_sets import parse_cpus
from kilonova.model.fitting.host import KIB, Hardware, HostCell, HostTopology, Pages
from kilonova.model.fitting.pci import PHYSICAL, STANDARD, VIRTUAL, PciDevice

_BYTES = {"b": 1, "bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
PCI_DEVICES = Path("/sys/bus/pci/devices")


def hardware(capabilities: str, pci_devices: Path = PCI_DEVICES) -> Hardware:
    """From libvirt's capabilities (XML) and the kernel's list of PCI devices. Blocks for milliseconds."""
    cells = topology_of(capabilities)
    return Hardware(topology=HostTopology(cells=cells) if cells else None, devices=devices_in(pci_devices))


def topology_of(capabilities: str) -> tuple[HostCell, ...]:
    """All CPUs as shared. Source: libvirt's "Driver capabilities XML format"."""
    return tuple(_cell(cell) for cell in fromstring(capabilities).iterfind("host/topology/cells/cell"))


def _cell(cell: Element) -> HostCell:
    cpus = [cpu for cpu in cell.iterfind("cpus/cpu") if cpu.get("siblings")]
    sockets = {cpu.get("socket_id") for cpu in cpus}
    socket = sockets.pop() if len(sockets) == 1 else None
    return HostCell(
        id=int(cell.get("id", "0")),
        shared=frozenset(int(cpu.get("id", "0")) for cpu in cpus),
        memory_mib=_kib(cell.find("memory")) // KIB,
        siblings=tuple(sorted({parse_cpus(cpu.get("siblings", "")) for cpu in cpus}, key=min)),
        pages=tuple(
            Pages(size_kib=int(pages.get("size", "0")), total=int(pages.text or 0)) for pages in cell.iterfind("pages")
        ),
        socket=None if socket is None else int(socket),
    )


def _kib(memory: Element | None) -> int:
    if memory is None:
        return 0
    return int(memory.text or 0) * _BYTES[memory.get("unit", "KiB")] // 1024


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
    )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
