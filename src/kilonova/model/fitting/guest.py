"""A guest's NUMA cells: asked for outright, or implied by pinned CPUs or by a page size."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.cpu_sets import parse_cpus
from kilonova.model.fitting.errors import (
    ImageNumaTopologyAsymmetric,
    ImageNumaTopologyCpuDuplicates,
    ImageNumaTopologyCpuOutOfRange,
    ImageNumaTopologyCpusUnassigned,
    ImageNumaTopologyForbidden,
    ImageNumaTopologyIncomplete,
    ImageNumaTopologyMemoryOutOfRange,
    InvalidHardwareRequest,
    InvalidNumaNodesNumber,
)
from kilonova.model.fitting.policies import CpuWish, PageSize, cpu_wish, locked_memory, page_size

# As Nova: numa_cpus and numa_mem are looked for so far.
MOST_CELLS = 128

T = TypeVar("T")


class GuestCell(msgspec.Struct, frozen=True, kw_only=True):
    """`shared` and `dedicated` are the guest's CPUs in it."""

    shared: frozenset[int] = frozenset()
    dedicated: frozenset[int] = frozenset()
    memory_mib: int

    @property
    def cpus(self) -> frozenset[int]:
        return self.shared | self.dedicated


class GuestTopology(msgspec.Struct, frozen=True, kw_only=True):
    """What must be fitted. The cells' order is the guest's numbering."""

    cells: tuple[GuestCell, ...]
    wish: CpuWish = CpuWish()
    page_size: PageSize | None = None
    locked: bool = False


def guest_topology(asked: Asked) -> GuestTopology | None:
    """None for a guest that any host's scheduler may move about. Errors: BadHardware."""
    wish = cpu_wish(asked)
    nodes = _node_count(asked)
    size = page_size(asked)
    locked = locked_memory(asked)
    if not (nodes or size or wish.pins):
        return None
    cpus, memory = _listed(asked, "numa_cpus", parse_cpus), _listed(asked, "numa_mem", _mib)
    if (cpus is None) != (memory is None):
        raise ImageNumaTopologyIncomplete
    if cpus is None or memory is None:
        cells = _even(asked, wish, nodes or 1)
    else:
        cells = _as_listed(asked, wish, nodes or 1, cpus, memory)
    return GuestTopology(cells=cells, wish=wish, page_size=size, locked=locked)


def _node_count(asked: Asked) -> int:
    """0 when nobody asks. Errors: ImageNumaTopologyForbidden, InvalidNumaNodesNumber."""
    flavor, image = asked.flavor("numa_nodes"), asked.image("numa_nodes")
    if flavor and image:
        raise ImageNumaTopologyForbidden("hw_numa_nodes")
    nodes = flavor or image
    if nodes is None:
        return 0
    if not nodes.isdigit() or not int(nodes) > 0:
        raise InvalidNumaNodesNumber(nodes)
    return int(nodes)


def _listed(asked: Asked, name: str, read: Callable[[str], T]) -> list[T] | None:
    """`hw:numa_cpus.0`, `.1` … up to the first that is missing. Errors: ImageNumaTopologyForbidden."""
    flavor = _numbered(asked.extra_specs, f"hw:{name}", read)
    image = _numbered(asked.properties, f"hw_{name}", read)
    if flavor is not None and image is not None:
        raise ImageNumaTopologyForbidden(f"hw_{name}")
    return image if flavor is None else flavor


def _numbered(values: dict[str, str], name: str, read: Callable[[str], T]) -> list[T] | None:
    found: list[T] = []
    for number in range(MOST_CELLS):
        value = values.get(f"{name}.{number}")
        if value is None:
            break
        found.append(read(value))
    return found or None


def _mib(text: str) -> int:
    if not text.strip().isdigit():
        raise InvalidHardwareRequest(f"Invalid amount of memory for a NUMA node: {text!r}")
    return int(text)


def _even(asked: Asked, wish: CpuWish, nodes: int) -> tuple[GuestCell, ...]:
    if asked.vcpus % nodes or asked.memory_mib % nodes:
        raise ImageNumaTopologyAsymmetric
    each = asked.vcpus // nodes
    return tuple(
        _cell(wish, frozenset(range(node * each, (node + 1) * each)), asked.memory_mib // nodes)
        for node in range(nodes)
    )


def _as_listed(
    asked: Asked, wish: CpuWish, nodes: int, cpus: list[frozenset[int]], memory: list[int]
) -> tuple[GuestCell, ...]:
    if len(cpus) != nodes or len(memory) != nodes:
        raise ImageNumaTopologyIncomplete
    left = set(asked.cpus)
    for each in cpus:
        for cpu in sorted(each):
            if cpu >= asked.vcpus:
                raise ImageNumaTopologyCpuOutOfRange(cpu, asked.vcpus - 1)
            if cpu not in left:
                raise ImageNumaTopologyCpuDuplicates(cpu)
            left.remove(cpu)
    if left:
        raise ImageNumaTopologyCpusUnassigned(frozenset(left))
    if sum(memory) != asked.memory_mib:
        raise ImageNumaTopologyMemoryOutOfRange(sum(memory), asked.memory_mib)
    return tuple(_cell(wish, each, mib) for each, mib in zip(cpus, memory, strict=True))


def _cell(wish: CpuWish, cpus: frozenset[int], memory_mib: int) -> GuestCell:
    return GuestCell(shared=cpus - wish.dedicated, dedicated=cpus & wish.dedicated, memory_mib=memory_mib)
