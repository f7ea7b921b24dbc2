"""Weighers that look at more than one host: min-max as Nova's, image properties, metrics; and how full a fleet gets."""

import random

import pytest
from hypothesis import given
from hypothesis import settings as configure
from hypothesis import strategies as st

from kilonova.scheduler.choice import Choice
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.request import Request
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.settings import DEFAULT_FILTERS, SchedulerSettings
from kilonova.scheduler.weighers import REQUEST_WEIGHERS, built_in
from tests.scheduler.conftest import START, Cloud, place, spec
from tests.scheduler.fleets import add, aggregate, inventories, make, request

NOVAS = {
    *("RAMWeigher", "CPUWeigher", "DiskWeigher", "IoOpsWeigher", "NumInstancesWeigher", "PCIWeigher"),
    *("ServerGroupSoftAffinityWeigher", "ServerGroupSoftAntiAffinityWeigher", "BuildFailureWeigher"),
    *("CrossCellWeigher", "HypervisorVersionWeigher", "ImagePropertiesWeigher", "MetricsWeigher"),
}


def choice(fleet: Fleet, settings: SchedulerSettings) -> Choice:
    return Choice(fleet, Rules(settings), settings, random.Random(1))


def test_all_weighers_of_nova_are_there_by_their_names() -> None:
    assert {one.name for one in (*built_in(SchedulerSettings()), *REQUEST_WEIGHERS)} == NOVAS


used = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 100), st.integers(0, 9), st.integers(0, 9))


def _nova(hosts: list[tuple[int, int, int, int, int]], multipliers: list[list[float]]) -> list[float]:
    """Slow and obvious: each weigher's values spread over 0 to 1, times each host's multiplier, summed up."""
    totals = [0.0] * len(hosts)
    for weigher in range(5):
        column = [host[weigher] for host in hosts]
        low, high = min(column), max(column)
        for index, value in enumerate(column):
            normal = (value - low) / (high - low) if high > low else 0.0
            totals[index] += normal * multipliers[index][weigher]
    return totals


@configure(max_examples=100, deadline=None)
@given(st.lists(st.tuples(used, st.sampled_from([None, "-3", "0", "2.5"])), min_size=1, max_size=8))
def test_min_max_weighs_as_nova_does(described: list[tuple[tuple[int, int, int, int, int], str | None]]) -> None:
    multipliers = {"num_instances_weight_multiplier": 0.5, "io_ops_weight_multiplier": -1.5}
    settings = SchedulerSettings(weight_normalization="min_max", multipliers=multipliers)
    fleet = Fleet(settings)
    facts, factors = [], []
    for number, ((vcpus, memory, disk, io_ops, servers), own) in enumerate(described):
        of = make() if own is None else make(aggregates=aggregate(ram_weight_multiplier=own))
        host = add(fleet, f"host-{number}", of, {"VCPU": vcpus, "MEMORY_MB": memory * 1024, "DISK_GB": disk})
        host.io_ops, host.servers = io_ops, servers
        fleet.settle(host)
        facts.append((8 - vcpus, 8192 - memory * 1024, 100 - disk, io_ops, servers))
        factors.append([1.0, 1.0 if own is None else float(own), 1.0, -1.5, 0.5])
    wanted = request(settings, vcpus=0, memory_mib=0, root_gib=0)
    expected = _nova(facts, factors)
    found = choice(fleet, settings).best(wanted, len(described))
    best = sorted(range(len(described)), key=lambda index: (-round(expected[index], 9), index))
    assert [round(expected[host.number], 9) for host in found] == [round(expected[index], 9) for index in best]


def test_a_fleet_is_nearly_full_when_it_first_refuses() -> None:
    """Flavors of four sizes arrive, some leave, until one does not fit; hosts of two kinds, default weights."""
    settings = SchedulerSettings()
    fleet, rng = Fleet(settings), random.Random(11)
    small = make(inventories=inventories(vcpus=128, memory=262144, disk=4000))
    large = make(inventories=inventories(vcpus=512, memory=524288, disk=8000))
    for number in range(60):
        add(fleet, f"host-{number}", large if number % 3 else small)
    chooser, rules = choice(fleet, settings), Rules(settings)
    sizes = ((1, 2048, 20), (2, 4096, 40), (4, 8192, 80), (8, 16384, 160))
    living: list[tuple[int, dict[str, int]]] = []
    while True:
        vcpus, memory, disk = rng.choice(sizes)
        wanted = rules.request(spec(vcpus=vcpus, memory_mib=memory, root_gib=disk), now=START)
        found = chooser.best(wanted, 1)
        if not found:
            break
        fleet.take(found[0], wanted.needs, servers=1)
        living.append((found[0].number, wanted.needs))
        if rng.random() < 0.3:
            number, needs = living.pop(rng.randrange(len(living)))
            host = fleet.by_number[number]
            assert host is not None
            fleet.take(host, {name: -amount for name, amount in needs.items()}, servers=-1)
    filled = 1 - sum(host.free_memory for host in fleet) / sum(host.profile.memory for host in fleet)
    assert filled >= 0.96


def test_hosts_are_weighed_by_the_metrics_they_report_and_left_out_without_them() -> None:
    wanted = {"cpu.percent": -1.0}
    settings = SchedulerSettings(metrics_weight_setting=wanted)
    fleet = Fleet(settings)
    for number, metrics in enumerate(({"cpu.percent": 0.9}, {"cpu.percent": 0.1}, None)):
        host = add(fleet, f"host-{number}")
        host.metrics = metrics
        fleet.settle(host)
    asked = Request(spec(), settings, now=START)
    assert [host.name for host in choice(fleet, settings).best(asked, 3)] == ["host-1", "host-0"]
    lenient = SchedulerSettings(metrics_weight_setting=wanted, metrics_required=False)
    fleet.settings = lenient
    assert "MetricsFilter" in [one.name for one in Rules(settings).stages]
    assert "MetricsFilter" not in [one.name for one in Rules(lenient).stages]
    named = SchedulerSettings(metrics_weight_setting=wanted, enabled_filters=(*DEFAULT_FILTERS, "MetricsFilter"))
    assert [one.name for one in Rules(named).stages].count("MetricsFilter") == 1


@pytest.mark.parametrize(("multiplier", "expected"), [(50.0, "host-1"), (-50.0, "host-0"), (0.0, "host-0")])
async def test_servers_of_like_images_come_together_or_apart(cloud: Cloud, multiplier: float, expected: str) -> None:
    await cloud.hosts(2)
    windows = {"os_type": "windows", "hw_disk_bus": "scsi"}
    await cloud.server("first", "host-1", windows)
    scheduler = await cloud.scheduler(multipliers={"image_props_weight_multiplier": multiplier})
    assert (await place(scheduler, spec("second", image_properties=windows))).host == expected
    await cloud.server("third", "host-0", {"os_type": "windows", "hw_disk_bus": "virtio"})
    again = await scheduler.explain(spec("fourth", image_properties=windows), 1, ())
    shares = {one.host: {share.name: share.weight for share in one.weights} for one in again.candidates}
    if multiplier:
        assert shares["host-1"]["ImagePropertiesWeigher"] == 1.0
        assert shares["host-0"]["ImagePropertiesWeigher"] == 0.5
    else:
        assert "ImagePropertiesWeigher" not in shares["host-0"]


async def test_an_aggregate_alone_may_want_like_images_together(cloud: Cloud) -> None:
    await cloud.hosts(2)
    await cloud.aggregate("a", "host-1", image_props_weight_multiplier="50")
    await cloud.server("first", "host-1", {"os_type": "windows"})
    scheduler = await cloud.scheduler()
    assert (await place(scheduler, spec("second", image_properties={"os_type": "windows"}))).host == "host-1"


async def test_equally_good_hosts_are_shuffled_where_that_is_asked(cloud: Cloud) -> None:
    await cloud.hosts(8, memory=65536, vcpus=64)
    for normalization in ("capacity", "min_max"):
        settings = {"shuffle_best_same_weighed_hosts": True, "weight_normalization": normalization}
        scheduler = await cloud.scheduler(**settings)
        told = await scheduler.explain(spec(), 1, ())
        assert told.by_chance
        # The first goes anywhere, each next to one of those still as good as the best: all are different.
        hosts = {(await place(scheduler, spec(f"{normalization}-{number}"))).host for number in range(4)}
        assert len(hosts) == 4


async def test_one_of_the_best_few_is_chosen(cloud: Cloud) -> None:
    for number in range(4):
        await cloud.host(f"host-{number}", memory=8192, hypervisor=("QEMU", 8002000 - number))
    scheduler = await cloud.scheduler(host_subset_size=2, multipliers={"io_ops_weight_multiplier": 0.0})
    seen = set()
    for number in range(24):
        seen.add((await place(scheduler, spec(f"s-{number}"))).host)
        await cloud.placement.release(f"s-{number}")
    assert seen == {"host-0", "host-1"}
