"""Fitting as the rules say it, checked one by one and searched by trying everything. Slow and obvious."""

from collections.abc import Iterator
from itertools import combinations, permutations, product

from kilonova.model.fitting.fit import Wanted
from kilonova.model.fitting.guest import GuestCell, GuestTopology
from kilonova.model.fitting.host import Fit, FittedCell, HostCell, Room
from kilonova.model.fitting.pci import FittedDevice, PciDevice, PciRequest
from kilonova.model.fitting.policies import PageSize


def wrong(fit: Fit, wanted: Wanted, room: Room) -> str | None:
    """Which rule `fit` breaks."""
    guests = () if wanted.topology is None else wanted.topology.cells
    if len(fit.cells) != len(guests) or len({cell.host_cell for cell in fit.cells}) != len(guests):
        return "not a host cell of its own for each guest cell"
    for number, cell in enumerate(fit.cells):
        assert wanted.topology is not None
        if broken := wrong_cell(cell, wanted.topology, number, room):
            return broken
    return wrong_devices(fit.devices, wanted.devices, frozenset(cell.host_cell for cell in fit.cells), room)


def wrong_cell(cell: FittedCell, topology: GuestTopology, number: int, room: Room) -> str | None:
    assert room.topology is not None
    guest, wish = topology.cells[number], topology.wish
    host = next(one for one in room.topology.cells if one.id == cell.host_cell)
    others = [one for fit in room.fits for one in fit.cells if one.host_cell == host.id]
    free = set(host.dedicated) - {cpu for one in others for cpu in (*one.pinning.values(), *one.emulator)}
    chosen = list(cell.pinning.values()) + list(cell.emulator)
    if set(cell.pinning) != guest.dedicated or len(set(chosen)) != len(chosen) or not set(chosen) <= free:
        return "CPUs pinned to what is not free, or not all of them"
    if len(cell.emulator) != (1 if wish.emulator == "isolate" and number == 0 else 0):
        return "emulator threads"
    if wish.pins and not threads_ok(wish.threads, list(cell.pinning.values()), host, free):
        return "thread policy"
    if guest.shared and not shared_ok(guest, host, others, room):
        return "shared CPUs"
    return None if memory_ok(cell, topology, guest, host, others) else "memory"


def threads_ok(policy: str | None, cpus: list[int], host: HostCell, free: set[int]) -> bool:
    most = max(len(core) for core in host.siblings)
    if policy == "isolate":
        return most == 1
    if policy != "require":
        return True
    if most == 1:
        return False
    # The same number of threads, two or more, of each core used; the last may be used in part.
    used = sorted((len(core & set(cpus)), len(core & free)) for core in host.siblings if core & set(cpus))
    if not used:
        return True
    each = range(2, most + 1)
    return any(used[0][0] <= n and all(u == n for u, _ in used[1:]) and all(f >= n for _, f in used) for n in each)


def shared_ok(guest: GuestCell, host: HostCell, others: list[FittedCell], room: Room) -> bool:
    cpus = sum(len(one.shared) for one in others) + len(guest.shared)
    memory = sum(one.memory_mib for one in others) + guest.memory_mib
    return (
        len(guest.shared) <= len(host.shared)
        and cpus <= len(host.shared) * room.cpu_ratio
        and memory <= host.memory_mib * room.ram_ratio
    )


def memory_ok(
    cell: FittedCell, topology: GuestTopology, guest: GuestCell, host: HostCell, others: list[FittedCell]
) -> bool:
    if cell.memory_mib != guest.memory_mib:
        return False
    sizes = sorted(pages.size_kib for pages in host.pages)
    if topology.page_size is None and not sizes:
        used = sum(one.memory_mib for one in others) if topology.wish.pins else 0
        return cell.page_kib is None and guest.memory_mib <= host.memory_mib - used
    if cell.page_kib not in sizes:
        return False
    pages = next(one for one in host.pages if one.size_kib == cell.page_kib)
    used = sum(one.memory_mib * 1024 for one in others if (one.page_kib or sizes[0]) == cell.page_kib)
    free_kib = (pages.total - pages.reserved) * pages.size_kib - used
    if topology.page_size is None:
        room_kib = free_kib if topology.wish.pins else pages.total * pages.size_kib
        return cell.page_kib == sizes[0] and guest.memory_mib * 1024 <= room_kib
    allowed: dict[PageSize, list[int]] = {"small": sizes[:1], "large": sizes[1:], "any": sizes}
    need_kib = guest.memory_mib * 1024
    if cell.page_kib not in allowed.get(topology.page_size, [size for size in sizes if size == topology.page_size]):
        return False
    return need_kib % cell.page_kib == 0 and need_kib <= free_kib


def wrong_devices(
    given: tuple[FittedDevice, ...], requests: tuple[PciRequest, ...], cells: frozenset[int], room: Room
) -> str | None:
    by_address = {device.address: device for device in room.devices}
    taken = [device.address for fit in room.fits for device in fit.devices] + [one.address for one in given]
    if len(set(taken)) != len(taken):
        return "a device given twice"
    if any(by_address[address].parent in taken for address in taken):
        return "a function given although its parent is"
    if sorted(one.name for one in given) != sorted(r.name for r in requests for _ in range(r.count)):
        return "not as many devices as asked for"
    for one in given:
        request = next(r for r in requests if r.name == one.name)
        if not any(spec.likes(by_address[one.address]) for spec in request.specs):
            return "another device than was asked for"
        if cells and not near_enough(request.policy, by_address[one.address], cells, room):
            return "a device too far away"
    return None


def near_enough(policy: str, device: PciDevice, cells: frozenset[int], room: Room) -> bool:
    assert room.topology is not None
    if policy == "preferred" or device.numa_node in cells:
        return True
    if policy == "legacy":
        return device.numa_node is None
    if policy == "socket":
        sockets = {cell.id: cell.socket for cell in room.topology.cells}
        return (
            None not in sockets.values()
            and sockets.get(device.numa_node or 0) in {sockets[c] for c in cells}
            and (device.numa_node is not None)
        )
    return False


def all_fits(wanted: Wanted, room: Room) -> Iterator[Fit]:
    """Every choice there is, good or bad."""
    guests = () if wanted.topology is None else wanted.topology.cells
    hosts = () if room.topology is None else room.topology.cells
    slots = [request for request in wanted.devices for _ in range(request.count)]
    for places in permutations(hosts, len(guests)):
        rows = []
        for number, place in enumerate(places):
            assert wanted.topology is not None
            rows.append(good_cells(wanted.topology, number, place, room))
        for cells in product(*rows):
            for devices in permutations(room.devices, len(slots)):
                given = tuple(
                    FittedDevice(address=device.address, name=slot.name, numa_node=device.numa_node)
                    for device, slot in zip(devices, slots, strict=True)
                )
                yield Fit(cells=cells, devices=given)


def good_cells(topology: GuestTopology, number: int, host: HostCell, room: Room) -> list[FittedCell]:
    """One of each kind that is right: which CPUs exactly matters to nothing else."""
    guest = topology.cells[number]
    extra = 1 if topology.wish.emulator == "isolate" and number == 0 else 0
    for cpus in combinations(sorted(host.dedicated), len(guest.dedicated)):
        for emulator in combinations(sorted(host.dedicated - set(cpus)), extra):
            for size in (None, *(pages.size_kib for pages in host.pages)):
                cell = FittedCell(
                    host_cell=host.id,
                    shared=guest.shared,
                    pinning=dict(zip(sorted(guest.dedicated), cpus, strict=True)),
                    emulator=frozenset(emulator),
                    memory_mib=guest.memory_mib,
                    page_kib=size,
                )
                if wrong_cell(cell, topology, number, room) is None:
                    return [cell]
    return []


def can_be_done(wanted: Wanted, room: Room) -> bool:
    return any(wrong(fit, wanted, room) is None for fit in all_fits(wanted, room))
