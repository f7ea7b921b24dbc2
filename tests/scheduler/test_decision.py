"""The quick way finds what the thorough way finds."""

import random

from hypothesis import given
from hypothesis import settings as configure
from hypothesis import strategies as st

from kilonova.model.ids import HostName
from kilonova.scheduler import decision
from kilonova.scheduler.decision import Decision
from kilonova.scheduler.explanation import explain, ranked
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.order import CHUNK, NO_ENTRY, Entry, Order
from kilonova.scheduler.request import Group, Request
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.scan import Weighing
from kilonova.scheduler.settings import SchedulerSettings
from tests.scheduler.conftest import START, spec
from tests.scheduler.fleets import add, aggregate, inventories, make

TRAITS = ("CUSTOM_A", "CUSTOM_B", "CUSTOM_C")
FILTERS = (
    "ComputeFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
    "AggregateMultiTenancyIsolation",
    "NumInstancesFilter",
    "DifferentHostFilter",
)

makes = st.builds(
    make,
    zone=st.sampled_from(["nova", "west"]),
    traits=st.frozensets(st.sampled_from(TRAITS)),
    hypervisor_version=st.sampled_from([7000000, 8000000]),
    aggregates=st.sampled_from([(), aggregate(filter_tenant_id="blue"), aggregate(ram_weight_multiplier="-2")]),
    inventories=st.sampled_from([inventories(), inventories(vcpus=16, VGPU=1), inventories(memory=2048)]),
)
hosts = st.lists(
    st.tuples(
        makes,
        st.fixed_dictionaries(
            {"VCPU": st.integers(0, 8), "MEMORY_MB": st.integers(0, 8192), "DISK_GB": st.integers(0, 100)}
        ),
        st.sampled_from(["", "", "", "disabled", "silent", "set aside", "many servers", "failing"]),
    ),
    max_size=30,
)
specs = st.builds(
    spec,
    vcpus=st.integers(0, 4),
    memory_mib=st.sampled_from([0, 512, 4096]),
    availability_zone=st.sampled_from([None, None, "west", "east"]),
    extra_specs=st.dictionaries(
        st.sampled_from([f"trait:{name}" for name in TRAITS]), st.sampled_from(["required", "forbidden"]), max_size=2
    )
    | st.just({"resources:VGPU": "1"}),
    project_id=st.sampled_from(["red", "blue"]),
    ignore_hosts=st.lists(st.integers(0, 5).map("host-{}".format), max_size=2).map(tuple),
)
names = st.integers(0, 8).map(lambda number: HostName(f"host-{number}"))
groups = st.none() | st.builds(
    Group,
    id=st.just("g"),
    policy=st.sampled_from(["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]),
    members=st.dictionaries(names, st.integers(1, 3), max_size=4),
)
Near = dict[str, frozenset[HostName]]
near: st.SearchStrategy[Near] = st.just({}) | st.builds(
    lambda some: {"different_host": some}, st.frozensets(names, max_size=3)
)


@configure(max_examples=250, deadline=None)
@given(hosts, st.lists(st.tuples(specs, groups, near), min_size=1, max_size=4), st.integers(1, 4), st.booleans())
def test_the_quick_way_finds_what_the_thorough_way_finds(
    described: list[tuple[object, dict[str, int], str]],
    asked: list[tuple[object, Group | None, dict[str, frozenset[HostName]]]],
    count: int,
    small_budget: bool,
) -> None:
    settings = SchedulerSettings(enabled_filters=FILTERS)
    fleet, rules = Fleet(settings), Rules(settings)
    weighing = Weighing(settings)
    for number, (of, used, state) in enumerate(described):
        host = add(fleet, f"host-{number}", of, used)  # type: ignore[arg-type]
        host.enabled = state != "disabled"
        host.seen_at = START - (100 if state == "silent" else 0)
        host.servers = 99 if state == "many servers" else 0
        host.build_failures = 1 if state == "failing" else 0
        fleet.settle(host)
        if state == "set aside":
            fleet.set_aside(host, START + 10)
    quick = Decision(fleet, rules)
    budget, decision.BUDGET = decision.BUDGET, 2 if small_budget else decision.BUDGET
    try:
        for wanted, group, others in asked:
            request = Request(wanted, settings, now=START, group=group, near=others)  # type: ignore[arg-type]
            thorough = explain(fleet, rules, request)
            found = quick.best(request, count)
            assert [host.name for host in found] == [
                host.name for host in ranked(fleet, weighing, thorough.passed, request)[:count]
            ]
            if found:
                fleet.take(found[0], request.needs, servers=1)
            else:
                assert thorough.counts == () or thorough.counts[-1].passed == 0
    finally:
        decision.BUDGET = budget


def test_an_order_is_a_sorted_list() -> None:
    rng = random.Random(7)
    order = Order()
    plain: list[Entry] = []
    for step in range(6 * CHUNK):
        if plain and rng.random() < (0.2 if step < 4 * CHUNK else 0.9):
            entry = plain.pop(rng.randrange(len(plain)))
            order.remove(entry)
        else:
            entry = (rng.choice([0.0, rng.random()]), step)
            plain.append(entry)
            order.add(entry)
        if step % 97 == 0:
            assert [entry for chunk in order.chunks for entry in chunk] == sorted(plain)
            assert order.count == len(plain)
    assert order.first() == (min(plain) if plain else NO_ENTRY)


def test_the_oldest_hypervisors_come_last_and_scores_follow_when_a_newer_one_comes() -> None:
    settings = SchedulerSettings()
    fleet = Fleet(settings)
    old = add(fleet, "old", make(hypervisor_version=6000000))
    alone = fleet.score(old)
    middle = add(fleet, "middle", make(hypervisor_version=7000000))
    new = add(fleet, "new", make(hypervisor_version=8000000))

    assert fleet.score(old) == alone
    assert [fleet.score(host) - alone for host in (middle, new)] == [0.5, 1.0]
    assert [fleet.by_number[number] for _, number, _ in fleet.heads.chunks[0]] == [new, middle, old]


def test_an_aggregate_may_have_its_own_multiplier() -> None:
    fleet = Fleet(SchedulerSettings())
    plain = add(fleet, "plain")
    liked = add(fleet, "liked", make(aggregates=aggregate(ram_weight_multiplier="5.0")))
    wrong = add(fleet, "wrong", make(aggregates=aggregate(ram_weight_multiplier="lots")))

    assert fleet.score(liked) == fleet.score(plain) + 4.0
    assert fleet.score(wrong) == fleet.score(plain)
