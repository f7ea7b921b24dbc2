"""Fitting against a slow and obvious model, and one by one where people would look."""

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kilonova.model.fitting.fit import Lack, Wanted, fit
from kilonova.model.fitting.guest import GuestCell, GuestTopology
from kilonova.model.fitting.host import Fit, HostCell, HostTopology, Pages, Room
from kilonova.model.fitting.pci import POLICIES, PciDevice, PciRequest, PciSpec
from kilonova.model.fitting.policies import CpuWish, PageSize
from tests.model.slow_fitting import can_be_done, wrong

PAGE_SIZES: list[PageSize | None] = [None, None, None, None, "small", "large", "any", 2048, 1048576]
NIC, GPU = PciSpec(vendor_id="8086", product_id="154c"), PciSpec(vendor_id="10de", product_id="1eb8")


@st.composite
def host_cells(draw: st.DrawFn, number: int, first: int, *, threads: int, paged: bool) -> HostCell:
    cores = draw(st.integers(1, 3))
    siblings = tuple(frozenset(range(first + core * threads, first + (core + 1) * threads)) for core in range(cores))
    cpus = sorted(frozenset().union(*siblings))
    dedicated = frozenset(draw(st.lists(st.sampled_from(cpus), unique=True)) if draw(st.booleans()) else cpus)
    pages = (
        (
            Pages(size_kib=4, total=draw(st.integers(0, 4)) * 256),
            Pages(size_kib=2048, total=draw(st.integers(0, 4)), reserved=draw(st.integers(0, 1))),
        )
        if paged
        else ()
    )
    memory = sum(one.total * one.size_kib for one in pages) // 1024 if pages else draw(st.integers(1, 8))
    return HostCell(
        id=number,
        shared=frozenset(cpus) - dedicated,
        dedicated=dedicated,
        memory_mib=memory,
        siblings=siblings,
        pages=pages,
        socket=draw(st.sampled_from([0, 0, 1, None])),
    )


@st.composite
def empty_rooms(draw: st.DrawFn) -> Room:
    threads, paged = draw(st.sampled_from([1, 2])), draw(st.booleans())
    cells = tuple(
        draw(host_cells(number, number * 16, threads=threads, paged=paged)) for number in range(draw(st.integers(0, 3)))
    )
    return Room(
        topology=HostTopology(cells=cells) if cells else None,
        devices=draw(devices()),
        cpu_ratio=draw(st.sampled_from([1.0, 1.5, 4.0])),
        ram_ratio=draw(st.sampled_from([1.0, 1.5])),
    )


@st.composite
def devices(draw: st.DrawFn) -> tuple[PciDevice, ...]:
    found = []
    node = st.sampled_from([None, 0, 1])
    for number in range(draw(st.integers(0, 2))):
        found.append(
            PciDevice(address=f"0000:0{number}:00.0", vendor_id="10de", product_id="1eb8", numa_node=draw(node))
        )
    for number in range(draw(st.integers(0, 1))):
        parent = f"0000:8{number}:00.0"
        where = draw(node)
        one = PciDevice(address=parent, vendor_id="8086", product_id="154c", type="type-PF", numa_node=where)
        found.append(one)
        found.extend(
            msgspec.structs.replace(one, address=f"0000:8{number}:02.{each}", type="type-VF", parent=parent)
            for each in range(draw(st.integers(0, 2)))
        )
    return tuple(found)


@st.composite
def wishes(draw: st.DrawFn, vcpus: int) -> CpuWish:
    kind = draw(st.sampled_from(["shared", "dedicated", "mixed"]))
    if kind == "shared" or (kind == "mixed" and vcpus < 2):
        return CpuWish()
    count = vcpus if kind == "dedicated" else draw(st.integers(1, vcpus - 1))
    return CpuWish(
        policy=kind,
        threads=draw(st.sampled_from([None, None, "prefer", "isolate", "require"])),
        emulator=draw(st.sampled_from([None, "share", "isolate"])),
        dedicated=frozenset(range(count)),
    )


@st.composite
def wanted_things(draw: st.DrawFn) -> Wanted:
    topology = None
    if draw(st.integers(0, 5)):
        sizes = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
        wish = draw(wishes(sum(sizes)))
        cells, first = [], 0
        for size in sizes:
            cpus = frozenset(range(first, first + size))
            first += size
            memory = draw(st.integers(1, 4))
            cells.append(GuestCell(shared=cpus - wish.dedicated, dedicated=cpus & wish.dedicated, memory_mib=memory))
        page_size: PageSize | None = draw(st.sampled_from(PAGE_SIZES))
        topology = GuestTopology(cells=tuple(cells), wish=wish, page_size=page_size)
    requests = []
    for name, specs in (
        ("gpu", (GPU,)),
        ("vf", (msgspec.structs.replace(NIC, type="type-VF"),)),
        ("any", (GPU, msgspec.structs.replace(NIC, type="type-PF"))),
    ):
        count = draw(st.sampled_from([0, 0, 1, 2]))
        if count:
            policy = draw(st.sampled_from(POLICIES))
            requests.append(PciRequest(name=name, count=count, specs=specs, policy=policy))
    return Wanted(topology=topology, devices=tuple(requests[:2]))


@given(empty_rooms(), st.lists(wanted_things(), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_fitted_keeps_every_rule_and_what_is_refused_cannot_be_done(room: Room, arrivals: list[Wanted]) -> None:
    for wanted in arrivals:
        answer = fit(wanted, room)
        if isinstance(answer, Lack):
            event("refused")
            assert answer.reason
            assert not can_be_done(wanted, room), answer.reason
            continue
        event("fitted")
        assert wrong(answer, wanted, room) is None
        assert answer.clashes(room.fits) is None
        room = msgspec.structs.replace(room, fits=(*room.fits, answer))


@given(empty_rooms(), wanted_things())
@settings(max_examples=50, deadline=None)
def test_the_same_question_gets_the_same_answer_over_the_wire_too(room: Room, wanted: Wanted) -> None:
    answer = fit(wanted, room)
    assert fit(wanted, room) == answer
    if isinstance(answer, Fit):
        assert msgspec.json.decode(msgspec.json.encode(answer), type=Fit) == answer


# -- where people would look -----------------------------------------------------------------------------------------


def a_cell(number: int = 0, *, cpus: int = 4, threads: int = 1, memory_mib: int = 4096, **more: object) -> HostCell:
    first = number * cpus
    every = frozenset(range(first, first + cpus))
    cores = tuple(frozenset(range(cpu, cpu + threads)) for cpu in range(first, first + cpus, threads))
    return msgspec.convert(
        {"id": number, "dedicated": every, "siblings": cores, "memory_mib": memory_mib} | more, HostCell
    )


def a_room(*cells: HostCell, **more: object) -> Room:
    return msgspec.structs.replace(Room(topology=HostTopology(cells=cells)), **more)


def pinned(*sizes: int, memory_mib: int = 512, page_size: PageSize | None = None, **wish: object) -> Wanted:
    total = sum(sizes)
    cells, first = [], 0
    for size in sizes:
        cells.append(GuestCell(dedicated=frozenset(range(first, first + size)), memory_mib=memory_mib))
        first += size
    how = msgspec.structs.replace(CpuWish(policy="dedicated", dedicated=frozenset(range(total))), **wish)
    return Wanted(topology=GuestTopology(cells=tuple(cells), wish=how, page_size=page_size))


def fitted(wanted: Wanted, room: Room) -> Fit:
    answer = fit(wanted, room)
    assert isinstance(answer, Fit), answer
    return answer


def reason(wanted: Wanted, room: Room) -> str:
    answer = fit(wanted, room)
    assert isinstance(answer, Lack), answer
    return answer.reason


def test_a_guest_gets_threads_of_the_same_cores_and_the_next_one_gets_others() -> None:
    room = a_room(a_cell(cpus=8, threads=2))
    one = fitted(pinned(4), room)
    two = fitted(pinned(4), msgspec.structs.replace(room, fits=(one,)))

    assert one.cells[0].pinning == {0: 0, 1: 1, 2: 2, 3: 3}
    assert two.cells[0].pinning == {0: 4, 1: 5, 2: 6, 3: 7}


def test_a_refusal_says_which_cell_lacks_what() -> None:
    room = a_room(a_cell(cpus=4))
    room = msgspec.structs.replace(room, fits=(fitted(pinned(2), room),))

    assert reason(pinned(4), room) == "NUMA cell 0: 2 of 4 dedicated CPUs free, wanted 4"
    assert reason(pinned(1, 1), room) == "1 NUMA cells, wanted 2"


@pytest.mark.parametrize(
    ("threads", "policy", "lack"),
    [
        (2, "isolate", "NUMA cell 0: its cores have threads, and thread policy isolate wants none"),
        (1, "require", "NUMA cell 0: its cores have no threads, and thread policy require wants them"),
    ],
)
def test_thread_policies_want_the_right_cores(threads: int, policy: str, lack: str) -> None:
    assert reason(pinned(2, threads=policy), a_room(a_cell(threads=threads))) == lack


def test_isolated_emulator_threads_get_a_cpu_of_their_own_beside_the_guests_first_cell() -> None:
    room = a_room(a_cell(0), a_cell(1))
    one = fitted(pinned(2, 2, emulator="isolate"), room)

    assert [len(cell.emulator) for cell in one.cells] == [1, 0]
    assert reason(pinned(4, 4, emulator="isolate"), room).startswith("NUMA cell 0: 4 of 4 dedicated CPUs free, wanted")


def test_huge_pages_are_counted_per_cell_without_the_reserved_ones() -> None:
    pages = [{"size_kib": 4, "total": 0}, {"size_kib": 2048, "total": 600, "reserved": 100}]
    room = a_room(a_cell(0, pages=pages), a_cell(1, pages=[]))
    assert fitted(pinned(1, memory_mib=1000, page_size="large"), room).cells[0].page_kib == 2048
    assert reason(pinned(1, memory_mib=1002, page_size=2048), room) == (
        "NUMA cell 0: free pages: 500 of 2048 KiB; wanted 1002 MiB; NUMA cell 1: no page sizes are known"
    )
    assert reason(pinned(1, page_size=1048576), room).startswith("NUMA cell 0: no pages of 1048576 KiB")


def test_an_emptier_cell_is_taken_first_and_one_with_devices_is_kept_for_those_who_want_them() -> None:
    gpu = PciDevice(address="0000:03:00.0", vendor_id="10de", product_id="1eb8", numa_node=0)
    room = a_room(a_cell(0), a_cell(1), devices=(gpu,))
    with_gpu = msgspec.structs.replace(pinned(1), devices=(PciRequest(name="gpu", specs=(GPU,), policy="required"),))

    assert fitted(pinned(1), room).cells[0].host_cell == 1
    assert fitted(with_gpu, room).cells[0].host_cell == 0


def test_a_devices_numa_policy_decides_how_far_away_it_may_be() -> None:
    far = PciDevice(address="0000:03:00.0", vendor_id="10de", product_id="1eb8", numa_node=1)
    lost = msgspec.structs.replace(far, numa_node=None)
    full = fitted(pinned(4), a_room(a_cell(1)))

    def answer(policy: str, device: PciDevice, socket: int | None = None) -> bool:
        room = a_room(a_cell(0, socket=0), a_cell(1, socket=socket), devices=(device,), fits=(full,))
        request = PciRequest(name="gpu", specs=(GPU,), policy=policy)
        return isinstance(fit(msgspec.structs.replace(pinned(1), devices=(request,)), room), Fit)

    assert [answer(policy, far) for policy in POLICIES] == [False, False, True, False]
    assert [answer(policy, lost) for policy in POLICIES] == [False, True, True, False]
    assert answer("socket", far, 0)
    assert not answer("socket", far, 1)
    room = a_room(a_cell(0), a_cell(1), devices=(far,), fits=(full,))
    request = PciRequest(name="gpu", specs=(GPU,), policy="required")
    assert reason(msgspec.structs.replace(pinned(1), devices=(request,)), room) == (
        "PCI gpu: 0 of 1 devices free near its NUMA cells (policy required)"
    )


def test_a_physical_function_is_nobodys_while_one_of_its_virtual_ones_is_taken() -> None:
    whole = PciDevice(address="0000:81:00.0", vendor_id="8086", product_id="154c", type="type-PF")
    part = msgspec.structs.replace(whole, address="0000:81:02.0", type="type-VF", parent=whole.address)
    room = Room(devices=(whole, part))
    wants_part = Wanted(devices=(PciRequest(name="vf", specs=(NIC,)),))
    wants_all = Wanted(devices=(PciRequest(name="pf", specs=(msgspec.structs.replace(NIC, type="type-PF"),)),))

    one = fitted(wants_part, room)
    assert one.devices[0].address == part.address
    assert reason(wants_all, msgspec.structs.replace(room, fits=(one,))) == "PCI pf: 0 of 1 devices free"
    assert reason(wants_part, msgspec.structs.replace(room, fits=(fitted(wants_all, room),))) == (
        "PCI vf: 0 of 1 devices free"
    )


def test_two_choices_of_the_same_cpu_or_device_clash() -> None:
    room = a_room(a_cell())
    one, two = fitted(pinned(2), room), fitted(pinned(3), room)

    assert one.clashes((two,)) == "CPUs [0, 1] are dedicated to another server"
    assert one.clashes(()) is None
