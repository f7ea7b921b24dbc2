"""A host's NUMA cells, and what is left of them. Page sizes in KiB, memory in MiB, CPUs by the host's numbers."""

from collections.abc import Iterable, Sequence

import msgspec

from kilonova.model.fitting.pci import FittedDevice, PciDevice

KIB = 1024


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """`total` of this size are in the cell, `reserved` of them are for others than guests."""

    size_kib: int
    total: int
    reserved: int = 0


class HostCell(msgspec.Struct, frozen=True, kw_only=True):
    """`shared` and `dedicated` CPUs are for guests; `siblings` are the threads of each core."""

    id: int
    shared: frozenset[int] = frozenset()
    dedicated: frozenset[int] = frozenset()
    memory_mib: int
    siblings: tuple[frozenset[int], ...] = ()
    pages: tuple[Pages, ...] = ()
    socket: int | None = None

    @property
    def threads_per_core(self) -> int:
        return max((len(core) for core in self.siblings), default=1)


class HostTopology(msgspec.Struct, frozen=True, kw_only=True):
    cells: tuple[HostCell, ...] = ()

    @property
    def has_threads(self) -> bool:
        return any(cell.threads_per_core > 1 for cell in self.cells)


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """What a host tells of itself beyond amounts."""

    topology: HostTopology | None = None
    devices: tuple[PciDevice, ...] = ()


class FittedCell(msgspec.Struct, frozen=True, kw_only=True):
    """A guest's cell on a host's. `pinning`: guest CPU → host CPU. `emulator`: host CPUs for emulator threads only.

    `floats`: the host CPUs its shared ones may run on.
    `page_kib` is the size its memory is counted in, `sized` whether it must be backed by pages of that size.
    """

    host_cell: int
    shared: frozenset[int] = frozenset()
    pinning: dict[int, int] = {}
    emulator: frozenset[int] = frozenset()
    floats: frozenset[int] = frozenset()
    memory_mib: int
    page_kib: int | None = None
    sized: bool = False

    @property
    def cpus(self) -> frozenset[int]:
        return self.shared | frozenset(self.pinning)

    @property
    def taken(self) -> frozenset[int]:
        """The host's CPUs that are nobody else's."""
        return frozenset(self.pinning.values()) | self.emulator


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What a guest has of a host beyond amounts. `emulator`: the host CPUs its emulator threads may run on."""

    cells: tuple[FittedCell, ...] = ()
    devices: tuple[FittedDevice, ...] = ()
    emulator: frozenset[int] = frozenset()
    realtime: frozenset[int] = frozenset()
    locked: bool = False

    def clashes(self, others: Iterable["Fit"]) -> str | None:
        """What of it one of `others` has already, or None. The last word when two schedulers chose at once."""
        cpus = frozenset().union(*(cell.taken for cell in self.cells))
        for other in others:
            if twice := cpus & frozenset().union(*(cell.taken for cell in other.cells)):
                return f"CPUs {sorted(twice)} are dedicated to another server"
            if both := self._taken_from(other):
                return f"PCI devices {sorted(both)} belong to another server"
        return None

    def _taken_from(self, other: "Fit") -> set[str]:
        """Who has a physical function has its virtual ones too."""
        mine, theirs = ({device.address: device.parent for device in fit.devices} for fit in (self, other))
        return {
            *(mine.keys() & theirs.keys()),
            *(address for address, parent in mine.items() if parent in theirs),
            *(parent for parent in theirs.values() if parent is not None and parent in mine),
        }


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A host with what its servers have of it. The ratios say how many shared CPUs and MiB one may stand for."""

    topology: HostTopology | None = None
    devices: tuple[PciDevice, ...] = ()
    fits: tuple[Fit, ...] = ()
    cpu_ratio: float = 1.0
    ram_ratio: float = 1.0


class CellRoom:
    """What is left of one cell."""

    def __init__(self, cell: HostCell, fitted: Sequence[FittedCell]) -> None:
        self.cell = cell
        taken = frozenset[int]().union(*(one.taken for one in fitted))
        self.free = cell.dedicated - taken
        self.free_cores = tuple(left for core in cell.siblings if (left := core & self.free))
        self.shared_used = sum(len(one.shared) for one in fitted)
        self.memory_used = sum(one.memory_mib for one in fitted)
        self.memory_free = cell.memory_mib - self.memory_used
        self._pages = {pages.size_kib: pages for pages in cell.pages}
        self._used_kib: dict[int, int] = {}
        for one in fitted:
            size = one.page_kib or self.smallest_page
            if size is not None:
                self._used_kib[size] = self._used_kib.get(size, 0) + one.memory_mib * KIB

    @property
    def page_sizes(self) -> list[int]:
        """Smallest first."""
        return sorted(self._pages)

    @property
    def smallest_page(self) -> int | None:
        return min(self._pages, default=None)

    def pages_free(self, size_kib: int) -> int:
        pages = self._pages[size_kib]
        return pages.total - pages.reserved - -(-self._used_kib.get(size_kib, 0) // size_kib)

    def pages_total(self, size_kib: int) -> int:
        return self._pages[size_kib].total


def cell_rooms(room: Room) -> tuple[CellRoom, ...]:
    cells = () if room.topology is None else room.topology.cells
    on_cell: dict[int, list[FittedCell]] = {cell.id: [] for cell in cells}
    for fit in room.fits:
        for fitted in fit.cells:
            if fitted.host_cell in on_cell:
                on_cell[fitted.host_cell].append(fitted)
    return tuple(CellRoom(cell, on_cell[cell.id]) for cell in cells)
