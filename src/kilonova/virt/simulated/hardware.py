"""The cells and devices of a simulated host."""

import msgspec

from kilonova.model.fitting.host import KIB, Hardware, HostCell, HostTopology, Pages
from kilonova.model.fitting.pci import PciDevice

SMALL_KIB, HUGE_KIB = 4, 2048


class SimulatedHardware(msgspec.Struct, frozen=True, kw_only=True):
    """`cells` NUMA cells (0: the host tells of none), each a socket of its own, with an even share of everything.

    `huge_pages_mib`: memory of each cell in pages of 2 MiB; the rest is in small ones.
    """

    cells: int = 0
    threads_per_core: int = 1
    huge_pages_mib: int = 0
    devices: tuple[PciDevice, ...] = ()


def hardware_of(plan: SimulatedHardware, *, vcpus: int, memory_mib: int) -> Hardware | None:
    if not plan.cells and not plan.devices:
        return None
    cells = tuple(
        _cell(plan, number, vcpus=vcpus // plan.cells, memory_mib=memory_mib // plan.cells)
        for number in range(plan.cells)
    )
    return Hardware(topology=HostTopology(cells=cells) if cells else None, devices=plan.devices)


def _cell(plan: SimulatedHardware, number: int, *, vcpus: int, memory_mib: int) -> HostCell:
    first = number * vcpus
    cpus = range(first, first + vcpus)
    small_mib = memory_mib - plan.huge_pages_mib
    return HostCell(
        id=number,
        shared=frozenset(cpus),
        memory_mib=memory_mib,
        siblings=tuple(
            frozenset(cpus[core : core + plan.threads_per_core]) for core in range(0, vcpus, plan.threads_per_core)
        ),
        pages=(
            Pages(size_kib=SMALL_KIB, total=small_mib * KIB // SMALL_KIB),
            Pages(size_kib=HUGE_KIB, total=plan.huge_pages_mib * KIB // HUGE_KIB),
        ),
        socket=number,
    )
