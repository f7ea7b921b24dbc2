"""What of the host is a guest's own, in libvirt's words; and what of a host libvirt's words tell."""

from pathlib import Path
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from kilonova.model.fitting.fit import Wanted, fit
from kilonova.model.fitting.host import Fit, FittedCell, Room
from kilonova.model.fitting.pci import FittedDevice, PciDevice
from kilonova.virt.guest import GuestSpec
from kilonova.virt.libvirt.hardware import cells_in, devices_in
from tests.virt.test_domain_xml import SPEC, xml

TWO_CELLS = Fit(
    cells=(
        FittedCell(host_cell=1, pinning={0: 10, 1: 11}, memory_mib=256, page_kib=2048, sized=True),
        FittedCell(
            host_cell=0, shared=frozenset({3}), floats=frozenset({0, 1, 2}), pinning={2: 4}, memory_mib=256, page_kib=4
        ),
    ),
    devices=(FittedDevice(address="0000:81:00.1", name="gpu"),),
    emulator=frozenset({0, 1}),
)


def tuned(fit: Fit | None) -> Element:
    return xml(replace(SPEC, fit=fit))


def all_of(domain: Element, path: str) -> list[dict[str, str]]:
    return [dict(element.attrib) for element in domain.iterfind(path)]


def test_a_guest_that_floats_has_nothing_of_it() -> None:
    domain = tuned(None)

    assert [domain.find(tag) for tag in ("numatune", "cputune", "memoryBacking", "cpu/numa")] == [None] * 4


def test_a_guest_that_floats_keeps_off_the_cpus_that_others_own() -> None:
    domain = xml(replace(SPEC, floats=frozenset({0, 1, 8})))

    assert all_of(domain, "vcpu") == [{"cpuset": "0-1,8"}]
    assert all_of(tuned(TWO_CELLS), "vcpu") == [{}]


def test_cells_are_the_guests_and_lie_on_the_hosts() -> None:
    domain = tuned(TWO_CELLS)

    assert all_of(domain, "cpu/numa/cell") == [
        {"id": "0", "cpus": "0-1", "memory": "262144", "unit": "KiB"},
        {"id": "1", "cpus": "2-3", "memory": "262144", "unit": "KiB"},
    ]
    assert all_of(domain, "numatune/memory") == [{"mode": "strict", "nodeset": "0-1"}]
    assert all_of(domain, "numatune/memnode") == [
        {"cellid": "0", "mode": "strict", "nodeset": "1"},
        {"cellid": "1", "mode": "strict", "nodeset": "0"},
    ]


def test_dedicated_cpus_are_pinned_one_to_one_and_shared_ones_stay_in_their_cell() -> None:
    domain = tuned(TWO_CELLS)

    assert all_of(domain, "cputune/vcpupin") == [
        {"vcpu": "0", "cpuset": "10"},
        {"vcpu": "1", "cpuset": "11"},
        {"vcpu": "2", "cpuset": "4"},
        {"vcpu": "3", "cpuset": "0-2"},
    ]
    assert all_of(domain, "cputune/emulatorpin") == [{"cpuset": "0-1"}]


def test_only_big_pages_are_asked_for_by_size() -> None:
    assert all_of(tuned(TWO_CELLS), "memoryBacking/hugepages/page") == [{"size": "2048", "unit": "KiB", "nodeset": "0"}]


def test_realtime_cpus_are_scheduled_so_and_their_memory_stays() -> None:
    domain = tuned(replace(TWO_CELLS, realtime=frozenset({0, 1})))

    assert all_of(domain, "cputune/vcpusched") == [{"vcpus": "0-1", "scheduler": "fifo", "priority": "1"}]
    assert domain.find("memoryBacking/locked") is not None
    assert domain.find("memoryBacking/nosharepages") is not None


def test_devices_are_passed_through_by_address() -> None:
    domain = tuned(TWO_CELLS)

    assert all_of(domain, "devices/hostdev") == [{"mode": "subsystem", "type": "pci", "managed": "yes"}]
    assert all_of(domain, "devices/hostdev/source/address") == [
        {"domain": "0x0000", "bus": "0x81", "slot": "0x00", "function": "0x1"}
    ]


def test_the_processor_is_cut_as_the_flavor_wants_it() -> None:
    specs = {"hw:cpu_sockets": "1", "hw:cpu_threads": "2"}
    seen: GuestSpec = replace(SPEC, extra_specs=specs, properties={"hw_cpu_max_sockets": "2"})

    assert all_of(xml(seen), "cpu/topology") == [{"sockets": "1", "cores": "2", "threads": "2"}]


def machine(directory: Path) -> Path:
    """Two cells in the kernel's words: threads and big pages in the first, and a CPU that is off in the second."""
    nodes = {0: ("0-1", 4 << 20, 512), 1: ("2-4", 2 << 20, 0)}
    for node, (cpus, kib, big) in nodes.items():
        place = directory / f"node/node{node}"
        pages = place / "hugepages/hugepages-2048kB"
        pages.mkdir(parents=True)
        (pages / "nr_hugepages").write_text(f"{big}\n")
        (place / "cpulist").write_text(f"{cpus}\n")
        (place / "meminfo").write_text(f"Node {node} MemTotal:       {kib} kB\nNode {node} MemFree:  1 kB\n")
    for cpu, (siblings, socket) in enumerate((("0-1", 0), ("0-1", 0), ("2", 1), ("3", 1))):
        topology = directory / f"cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{siblings}\n")
        (topology / "physical_package_id").write_text(f"{socket}\n")
    return directory


def test_the_kernel_tells_of_cells(tmp_path: Path) -> None:
    first, second = cells_in(machine(tmp_path))

    assert (first.memory_mib, first.socket, first.siblings) == (4096, 0, (frozenset({0, 1}),))
    assert [(pages.size_kib, pages.total) for pages in first.pages] == [(4, 786432), (2048, 512)]
    assert (second.shared, second.siblings) == (frozenset({2, 3}), (frozenset({2}), frozenset({3})))
    assert (first.threads_per_core, second.threads_per_core) == (2, 1)


def test_a_kernel_without_cells_has_nothing_to_tell(tmp_path: Path) -> None:
    assert cells_in(tmp_path) == ()


def test_the_kernels_list_tells_of_devices(tmp_path: Path) -> None:
    for address, more in (("0000:81:00.0", {"sriov_totalvfs": "8"}), ("0000:81:02.0", {}), ("0000:03:00.0", {})):
        (tmp_path / address).mkdir()
        for name, text in ({"vendor": "0x8086", "device": "0x154c", "numa_node": "1"} | more).items():
            (tmp_path / address / name).write_text(f"{text}\n")
    (tmp_path / "0000:03:00.0" / "numa_node").write_text("-1\n")
    (tmp_path / "0000:81:02.0" / "physfn").symlink_to(tmp_path / "0000:81:00.0")
    (tmp_path / "0000:81:02.0" / "net" / "eth5").mkdir(parents=True)

    plain, whole, part = devices_in(tmp_path)
    assert plain == PciDevice(address="0000:03:00.0", vendor_id="8086", product_id="154c")
    assert (whole.type, whole.numa_node) == ("type-PF", 1)
    assert (part.type, part.parent, part.interface) == ("type-VF", "0000:81:00.0", "eth5")
    assert isinstance(fit(Wanted(), Room(devices=(plain,))), Fit)
