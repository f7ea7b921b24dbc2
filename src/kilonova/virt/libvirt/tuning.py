"""What of a domain says which CPUs, memory and devices of the host are the guest's. Pure.

Source of the elements: libvirt's "Domain XML format", CPU tuning, NUMA node tuning, memory backing, host devices.
"""

from xml.etree.ElementTree import Element, SubElement

from kilonova.model.fitting.cpu_sets import format_cpus
from kilonova.model.fitting.host import KIB, Fit
from kilonova.virt.guest import GuestSpec
from kilonova.virt.libvirt.cards import host_device

# Pages of this size are what memory is made of anyhow.
SMALL_KIB = 4


def tune(domain: Element, spec: GuestSpec) -> None:
    """Add it to a domain that has its `vcpu`, `cpu` and `devices` already."""
    fit = spec.fit or Fit()
    if not fit.cells and spec.floats:
        vcpu = domain.find("vcpu")
        assert vcpu is not None
        vcpu.set("cpuset", format_cpus(spec.floats))
    if fit.cells:
        _backing(domain, fit)
        _memory(domain, fit)
        _cpus(domain, fit)
        _cells(domain, fit)
    _host_devices(domain, spec, fit)


def _backing(domain: Element, fit: Fit) -> None:
    sizes = [(number, cell.page_kib) for number, cell in enumerate(fit.cells) if cell.sized and cell.page_kib]
    huge = [(number, size) for number, size in sizes if size > SMALL_KIB]
    if not (huge or fit.locked or fit.realtime):
        return
    backing = SubElement(domain, "memoryBacking")
    if huge:
        pages = SubElement(backing, "hugepages")
        for number, size in huge:
            SubElement(pages, "page", size=str(size), unit="KiB", nodeset=str(number))
    if fit.realtime:
        SubElement(backing, "nosharepages")
    if fit.locked or fit.realtime:
        SubElement(backing, "locked")


def _memory(domain: Element, fit: Fit) -> None:
    numatune = SubElement(domain, "numatune")
    SubElement(numatune, "memory", mode="strict", nodeset=format_cpus(cell.host_cell for cell in fit.cells))
    for number, cell in enumerate(fit.cells):
        SubElement(numatune, "memnode", cellid=str(number), mode="strict", nodeset=str(cell.host_cell))


def _cpus(domain: Element, fit: Fit) -> None:
    cputune = SubElement(domain, "cputune")
    places = {cpu: format_cpus(cell.floats) for cell in fit.cells for cpu in cell.shared if cell.floats}
    places |= {cpu: str(host) for cell in fit.cells for cpu, host in cell.pinning.items()}
    for cpu, cpuset in sorted(places.items()):
        SubElement(cputune, "vcpupin", vcpu=str(cpu), cpuset=cpuset)
    if fit.emulator:
        SubElement(cputune, "emulatorpin", cpuset=format_cpus(fit.emulator))
    if fit.realtime:
        SubElement(cputune, "vcpusched", vcpus=format_cpus(fit.realtime), scheduler="fifo", priority="1")


def _cells(domain: Element, fit: Fit) -> None:
    cpu = domain.find("cpu")
    assert cpu is not None
    numa = SubElement(cpu, "numa")
    for number, cell in enumerate(fit.cells):
        attributes = {"id": str(number), "cpus": format_cpus(cell.cpus), "memory": str(cell.memory_mib * KIB)}
        SubElement(numa, "cell", attributes, unit="KiB")


def _host_devices(domain: Element, spec: GuestSpec, fit: Fit) -> None:
    """Those that are network cards stand among these."""
    devices = domain.find("devices")
    assert devices is not None
    cards = {nic.on.address for nic in spec.nics if nic.on is not None}
    devices.extend(host_device(device.address) for device in fit.devices if device.address not in cards)
