"""Requests for the very CPUs, pages and devices of a host: fitted, claimed with the amounts, freed with them."""

import asyncio

import msgspec
import pytest

from kilonova.contract.placement import ClaimRequest, FitTaken, Inventory
from kilonova.contract.scheduler import NoValidHost, RequestSpec
from kilonova.db.statement import update_columns
from kilonova.db.tables.hosts import compute_nodes
from kilonova.model.fitting.device_spec import DeviceSpec
from kilonova.model.fitting.host import Fit, Hardware
from kilonova.model.fitting.offer import Offer, offered
from kilonova.model.fitting.pci import PciDevice, read_aliases
from kilonova.model.ids import HostName
from kilonova.virt.simulated.hardware import SimulatedHardware, hardware_of
from tests.scheduler.conftest import Cloud, place, spec

ALIASES = read_aliases(['{"name": "gpu", "vendor_id": "10de", "product_id": "1eb8", "numa_policy": "required"}'])
GPUS = tuple(
    PciDevice(address=f"0000:0{node}:00.0", vendor_id="10de", product_id="1eb8", numa_node=node) for node in (0, 1)
)


def pinned(name: str = "server", *, vcpus: int = 2, **more: str) -> RequestSpec:
    wanted = {"hw:cpu_policy": "dedicated"} | {key.replace("__", ":"): value for key, value in more.items()}
    return spec(name, vcpus=vcpus, extra_specs=wanted)


EVERY = frozenset(range(8))


async def host(cloud: Cloud, name: str = "host", *, dedicated: frozenset[int] = EVERY) -> None:
    """Two cells of four CPUs and 4 GiB, a GPU in each."""
    hardware = hardware_of(SimulatedHardware(cells=2, devices=GPUS), vcpus=8, memory_mib=8192)
    assert hardware is not None
    hardware = offered(
        hardware,
        Offer(dedicated=dedicated, shared=EVERY - dedicated, devices=(DeviceSpec(vendor_id="10de"),)),
    )
    pcpus = {"PCPU": Inventory(total=len(dedicated), max_unit=len(dedicated))}
    await cloud.host(name, vcpus=8, memory=8192, inventories=pcpus)
    await tell(cloud, name, hardware)


async def tell(cloud: Cloud, name: str, hardware: Hardware) -> None:
    text = msgspec.json.encode(hardware).decode()
    async with cloud.db.begin() as tx:
        await tx.execute(update_columns(compute_nodes, ("hardware",), ("host",)), by_host=name, hardware=text)


async def fits(cloud: Cloud, name: str = "host") -> dict[str, Fit]:
    return (await cloud.placement.fits((HostName(name),)))[HostName(name)].of


def taken(found: dict[str, Fit]) -> list[int]:
    return sorted(cpu for fit in found.values() for cell in fit.cells for cpu in cell.taken)


async def test_pinned_servers_get_cpus_of_their_own_and_give_them_back(cloud: Cloud) -> None:
    await host(cloud)
    scheduler = await cloud.scheduler()
    for number in range(4):
        await place(scheduler, pinned(f"server-{number}"))

    assert taken(await fits(cloud)) == list(range(8))
    assert (await cloud.placement.consumers())["server-0"]["host"] == {"PCPU": 2, "MEMORY_MB": 1024, "DISK_GB": 1}

    await cloud.placement.release("server-1")
    freed = await fits(cloud)
    assert len(freed) == 3
    await place(scheduler, pinned("another"))
    assert taken(await fits(cloud)) == list(range(8))


async def test_what_does_not_fit_is_refused_with_what_is_lacking(cloud: Cloud) -> None:
    await host(cloud)
    scheduler = await cloud.scheduler()
    await place(scheduler, pinned("first", vcpus=3))
    await place(scheduler, pinned("second", vcpus=3))

    with pytest.raises(NoValidHost) as refused:
        await place(scheduler, pinned("third", vcpus=2))
    assert "NUMATopologyFilter 1→0" in refused.value.message
    assert "NUMA cell 0: 1 of 4 dedicated CPUs free, wanted 2" in refused.value.message
    assert "host" not in refused.value.message.split("NUMATopologyFilter")[1].replace("(1 host)", "")
    # One in each cell.
    await place(scheduler, pinned("fourth", vcpus=2, hw__numa_nodes="2"))


async def test_a_host_that_tells_of_no_cells_takes_no_pinned_server(cloud: Cloud) -> None:
    await cloud.host("plain", inventories={"PCPU": Inventory(total=8)})
    scheduler = await cloud.scheduler()

    with pytest.raises(NoValidHost, match="the host tells of no NUMA cells"):
        await place(scheduler, pinned())
    await place(scheduler, spec())


async def test_devices_are_given_near_the_servers_cells_and_once(cloud: Cloud) -> None:
    await host(cloud)
    scheduler = await cloud.scheduler(pci_aliases=ALIASES)
    await place(scheduler, pinned("one", pci_passthrough__alias="gpu:1"))
    await place(scheduler, pinned("two", pci_passthrough__alias="gpu:1"))

    found = await fits(cloud)
    for fit in found.values():
        assert fit.devices[0].numa_node == fit.cells[0].host_cell
    assert {fit.devices[0].address for fit in found.values()} == {gpu.address for gpu in GPUS}
    with pytest.raises(NoValidHost, match=r"PciPassthroughFilter 1→0 \(.*PCI gpu: 0 of 1 devices free"):
        await place(scheduler, pinned("three", pci_passthrough__alias="gpu:1"))


async def test_servers_asked_for_at_once_never_share_a_cpu(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await host(cloud)
    schedulers = [await cloud.scheduler(), await cloud.scheduler()]

    answers = await asyncio.gather(
        *(place(schedulers[number % 2], pinned(f"server-{number}")) for number in range(6)), return_exceptions=True
    )

    placed = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(placed) == 4
    assert all(isinstance(answer, NoValidHost) for answer in answers if isinstance(answer, BaseException))
    assert taken(await fits(cloud)) == list(range(8))
    assert len(await cloud.placement.consumers()) == 4


async def test_a_claim_of_what_somebody_has_is_refused_whole(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await host(cloud)
    scheduler = await cloud.scheduler()
    await place(scheduler, pinned("first"))
    theirs = (await fits(cloud))["first"]

    claim = ClaimRequest(
        consumer="thief",
        host=HostName("host"),
        resources={"PCPU": 2},
        project_id="red",
        user_id="anna",
        fit=theirs,
    )
    with pytest.raises(FitTaken, match="are dedicated to another server"):
        await cloud.placement.claim(claim)
    assert list(await cloud.placement.consumers()) == ["first"]
    await cloud.placement.claim(msgspec.structs.replace(claim, consumer="first"))


async def test_a_move_keeps_the_old_place_until_it_is_over(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await host(cloud)
    scheduler = await cloud.scheduler()
    await place(scheduler, pinned("server", vcpus=4))
    before = (await fits(cloud))["server"]

    await cloud.placement.move(source="server", target="migration")
    await place(scheduler, pinned("server", vcpus=4))
    assert taken(await fits(cloud)) == list(range(8))
    assert (await cloud.placement.fits_of(("migration", "server")))["migration"] == {"host": before}

    await cloud.placement.move(source="migration", target="server")
    assert await fits(cloud) == {"server": before}


async def test_a_step_that_runs_twice_has_one_place(cloud: Cloud) -> None:
    await host(cloud)
    scheduler = await cloud.scheduler()
    await place(scheduler, pinned("server", vcpus=4))
    first = await fits(cloud)
    await place(scheduler, pinned("server", vcpus=4))

    assert await fits(cloud) == first


async def test_an_explanation_and_a_real_choice_agree(cloud: Cloud) -> None:
    await host(cloud)
    scheduler = await cloud.scheduler()

    told = await scheduler.explain(pinned(vcpus=4), 3, ())
    assert len(told.hosts) == 2
    assert told.refusal is not None
    assert "dedicated CPUs free" in told.refusal or "PCPU" in told.refusal
    for number in range(2):
        await place(scheduler, pinned(f"server-{number}", vcpus=4))
    with pytest.raises(NoValidHost) as refused:
        await place(scheduler, pinned(vcpus=4))
    assert refused.value.message == told.refusal


async def test_a_forced_host_is_asked_whether_the_server_fits(cloud: Cloud) -> None:
    await host(cloud)
    scheduler = await cloud.scheduler()
    await place(scheduler, pinned("first", vcpus=3))
    forced = msgspec.structs.replace(pinned("second", vcpus=4), force_host=HostName("host"))
    await place(scheduler, forced)
    third = pinned("third", vcpus=1, hw__emulator_threads_policy="isolate")
    again = msgspec.structs.replace(third, force_host=HostName("host"))
    with pytest.raises(NoValidHost):
        await place(scheduler, again)


async def test_mixed_servers_take_shared_and_dedicated_cpus(cloud: Cloud) -> None:
    await host(cloud, dedicated=frozenset({2, 3, 6, 7}))
    scheduler = await cloud.scheduler()
    await place(scheduler, pinned("mixed", vcpus=3, hw__cpu_policy="mixed", hw__cpu_dedicated_mask="^0"))

    (fit,) = (await fits(cloud)).values()
    assert fit.cells[0].pinning in ({1: 2, 2: 3}, {1: 6, 2: 7})
    assert fit.cells[0].floats in ({0, 1}, {4, 5})
    assert (await cloud.placement.consumers())["mixed"]["host"] == {
        "VCPU": 1,
        "PCPU": 2,
        "MEMORY_MB": 1024,
        "DISK_GB": 1,
    }


async def test_hosts_with_devices_are_kept_for_those_who_want_some(cloud: Cloud) -> None:
    await cloud.host("plain", vcpus=16, memory=16384)
    await host(cloud, "with-devices")
    scheduler = await cloud.scheduler(pci_aliases=ALIASES)

    for number in range(3):
        assert (await place(scheduler, spec(f"plain-{number}"))).host == "plain"
    wants = pinned("one", pci_passthrough__alias="gpu:1")
    assert (await place(scheduler, wants)).host == "with-devices"


async def test_hosts_with_fewer_free_devices_are_used_up_first(cloud: Cloud) -> None:
    await host(cloud, "a")
    await host(cloud, "b")
    scheduler = await cloud.scheduler(pci_aliases=ALIASES, multipliers={"pci_weight_multiplier": 10.0})

    one, two = (pinned(name, pci_passthrough__alias="gpu:1") for name in ("one", "two"))

    assert (await place(scheduler, one)).host == (await place(scheduler, two)).host
