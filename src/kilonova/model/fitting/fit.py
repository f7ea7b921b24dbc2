"""Whether a guest fits into what is left of a host, and how. Exact: where there is a way, one is found.

Source of the rules: nova/virt/hardware.py, numa_fit_instance_to_host.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kilonova.model.fitting.guest import GuestCell, GuestTopology
from kilonova.model.fitting.host import KIB, CellRoom, Fit, FittedCell, Room, cell_rooms
from kilonova.model.fitting.pci import Affinity, PciDevice, PciRequest, assign, free_devices
from kilonova.model.fitting.pinning import pin

# Guest cell → host cell, by their places in their lists.
Way = tuple[int, ...]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be fitted; nothing for a guest that needs amounts only."""

    topology: GuestTopology | None = None
    devices: tuple[PciRequest, ...] = ()

    def __bool__(self) -> bool:
        return self.topology is not None or bool(self.devices)


class Lack(msgspec.Struct, frozen=True):
    """Why it does not fit; names no host."""

    reason: str


def fit(wanted: Wanted, room: Room) -> Fit | Lack:
    """One way to fit it, the same for the same question: cells with the most room first, devices near the cells."""
    taken = frozenset(device.address for one in room.fits for device in one.devices)
    free = free_devices(room.devices, taken)
    topology = wanted.topology
    if topology is None:
        given = assign(wanted.devices, free, Affinity())
        return Lack(given) if isinstance(given, str) else Fit(devices=tuple(given))
    rooms = _in_order(topology, room, wanted, free)
    if not rooms:
        return Lack("the host tells of no NUMA cells")
    if len(rooms) < len(topology.cells):
        return Lack(f"{len(rooms)} NUMA cells, wanted {len(topology.cells)}")
    pairs = [[fit_cell(topology, number, each, room) for each in rooms] for number in range(len(topology.cells))]
    return _first_way(wanted, topology, room, rooms, pairs, free)


def _in_order(topology: GuestTopology, room: Room, wanted: Wanted, free: Sequence[PciDevice]) -> list[CellRoom]:
    """The host's cells, the best first: by devices, then CPUs, then memory. All are needed: as they are numbered."""
    rooms = sorted(cell_rooms(room), key=lambda each: each.cell.id)
    if len(rooms) <= len(topology.cells):
        return rooms
    devices = {each.cell.id: sum(one.numa_node == each.cell.id for one in free) for each in rooms}
    sign = -1 if wanted.devices else 1

    def rank(each: CellRoom) -> tuple[int, int, int]:
        cpus = -len(each.free) if topology.wish.pins else each.shared_used
        return sign * devices[each.cell.id], cpus, -each.memory_free

    return sorted(rooms, key=rank)


def _first_way(
    wanted: Wanted,
    topology: GuestTopology,
    room: Room,
    rooms: Sequence[CellRoom],
    pairs: Sequence[Sequence[FittedCell | str]],
    free: Sequence[PciDevice],
) -> Fit | Lack:
    lack = _why_not(rooms, pairs)
    tried: dict[frozenset[int], str] = {}
    for way in ways([[not isinstance(pair, str) for pair in row] for row in pairs]):
        cells = frozenset(rooms[number].cell.id for number in way)
        if cells in tried:
            continue
        given = assign(wanted.devices, free, affinity_of(cells, room))
        if isinstance(given, str):
            tried[cells] = lack = given
            continue
        fitted = tuple(one for number, row in zip(way, pairs, strict=True) if not isinstance(one := row[number], str))
        return Fit(
            cells=fitted,
            devices=tuple(given),
            emulator=_emulator_place(topology, fitted, room),
            realtime=topology.wish.realtime,
            locked=topology.locked,
        )
    return Lack(lack)


def _emulator_place(topology: GuestTopology, fitted: Sequence[FittedCell], room: Room) -> frozenset[int]:
    """A CPU of their own, the host's shared ones, or wherever the guest's CPUs are."""
    policy = topology.wish.emulator
    own = frozenset[int]().union(*(cell.emulator for cell in fitted))
    if policy == "isolate":
        return own
    cells = () if room.topology is None else room.topology.cells
    shared = frozenset[int]().union(*(cell.shared for cell in cells))
    if policy == "share" and shared:
        return shared
    return own.union(*(frozenset(cell.pinning.values()) | cell.floats for cell in fitted))


def _why_not(rooms: Sequence[CellRoom], pairs: Sequence[Sequence[FittedCell | str]]) -> str:
    """The first guest cell that fits nowhere, and what each host cell lacks for it."""
    for row in pairs:
        lacking = [(each.cell.id, pair) for each, pair in zip(rooms, row, strict=True) if isinstance(pair, str)]
        if len(lacking) == len(rooms):
            return "; ".join(f"NUMA cell {number}: {pair}" for number, pair in sorted(lacking))
    return "each NUMA cell of the guest would fit, but not all of them beside one another"


def affinity_of(cells: frozenset[int], room: Room) -> Affinity:
    known = () if room.topology is None else room.topology.cells
    sockets = {each.socket for each in known if each.id in cells}
    return Affinity(
        cells=cells,
        socket_cells=frozenset(each.id for each in known if each.socket in sockets),
        sockets_known=all(each.socket is not None for each in known),
    )


def ways(fits: Sequence[Sequence[bool]]) -> Iterator[Way]:
    """Every choice of different columns, one for each row, that `fits`; in the order of the columns.

    No dead end is entered: after each step it is certain that the rest can be done.
    """
    yield from _ways(fits, ())


def _ways(fits: Sequence[Sequence[bool]], begun: Way) -> Iterator[Way]:
    if not _can_end(fits[len(begun) :], frozenset(begun)):
        return
    if len(begun) == len(fits):
        yield begun
        return
    for column, good in enumerate(fits[len(begun)]):
        if good and column not in begun:
            yield from _ways(fits, (*begun, column))


def _can_end(rows: Sequence[Sequence[bool]], used: frozenset[int]) -> bool:
    """Whether each row can have a column of its own (Kuhn's algorithm)."""
    owner: dict[int, int] = {}

    def seat(row: int, seen: set[int]) -> bool:
        for column, good in enumerate(rows[row]):
            if good and column not in used and column not in seen:
                seen.add(column)
                if column not in owner or seat(owner[column], seen):
                    owner[column] = row
                    return True
        return False

    return all(seat(row, set()) for row in range(len(rows)))


def fit_cell(topology: GuestTopology, number: int, room: CellRoom, host: Room) -> FittedCell | str:
    """A guest's cell in what is left of a host's, or what is lacking. The guest's first has the emulator's CPU."""
    guest, wish = topology.cells[number], topology.wish
    page = _page(topology, guest, room)
    if isinstance(page, str):
        return page
    if guest.shared:
        short = _shared_short(guest, room, host)
        if short:
            return short
    pinning: Mapping[int, int] = {}
    emulator: frozenset[int] = frozenset()
    if wish.pins:
        pinned = pin(room, len(guest.dedicated), threads=wish.threads, overhead=wish.overhead if number == 0 else 0)
        if isinstance(pinned, str):
            return pinned
        pinning = dict(zip(sorted(guest.dedicated), pinned.cpus, strict=True))
        emulator = pinned.emulator
    return FittedCell(
        host_cell=room.cell.id,
        shared=guest.shared,
        pinning=dict(pinning),
        emulator=emulator,
        floats=room.cell.shared if guest.shared else frozenset(),
        memory_mib=guest.memory_mib,
        page_kib=page,
        sized=topology.page_size is not None,
    )


def _shared_short(guest: GuestCell, room: CellRoom, host: Room) -> str | None:
    """Nobody overcommits against themselves; against others as far as the ratios go."""
    has, wanted = len(room.cell.shared), len(guest.shared)
    if wanted > has:
        return f"{has} shared CPUs, wanted {wanted}"
    if room.shared_used + wanted > has * host.cpu_ratio:
        return f"{max(int(has * host.cpu_ratio) - room.shared_used, 0)} shared CPUs left, wanted {wanted}"
    if room.memory_used + guest.memory_mib > room.cell.memory_mib * host.ram_ratio:
        left = max(int(room.cell.memory_mib * host.ram_ratio) - room.memory_used, 0)
        return f"{left} MiB of memory left, wanted {guest.memory_mib}"
    return None


def _page(topology: GuestTopology, guest: GuestCell, room: CellRoom) -> int | str | None:
    """The page size the memory is taken in (None on a host that tells of none), or what is lacking."""
    wanted = topology.page_size
    sizes = room.page_sizes
    if wanted is None:
        return _plain_page(topology, guest, room)
    if not sizes:
        return "no page sizes are known"
    candidates = {"small": sizes[:1], "large": sizes[1:], "any": sizes}.get(str(wanted))
    if candidates is None:
        candidates = [size for size in sizes if size == wanted]
        if not candidates:
            return f"no pages of {wanted} KiB"
    need_kib = guest.memory_mib * KIB
    for size in reversed(candidates):
        if need_kib % size == 0 and need_kib // size <= room.pages_free(size):
            return size
    free = ", ".join(f"{max(room.pages_free(size), 0)} of {size} KiB" for size in candidates) or "none"
    return f"free pages: {free}; wanted {guest.memory_mib} MiB"


def _plain_page(topology: GuestTopology, guest: GuestCell, room: CellRoom) -> int | str | None:
    """Nobody asked for a size: pinned guests need memory that is free, others may overcommit but not alone."""
    size = room.smallest_page
    pins = topology.wish.pins
    if size is None:
        have = room.memory_free if pins else room.cell.memory_mib
    else:
        have = (room.pages_free(size) if pins else room.pages_total(size)) * size // KIB
    if have < guest.memory_mib:
        return f"{max(have, 0)} MiB of memory {'free' if pins else 'at all'}, wanted {guest.memory_mib}"
    return size
