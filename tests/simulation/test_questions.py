"""How many more fit, whether hosts can be emptied, which moves even them out."""

import random

import pytest
from hypothesis import HealthCheck, given, settings

from kilonova.simulation.balance import deviation, propose
from kilonova.simulation.capacity import capacity
from kilonova.simulation.description import Description
from kilonova.simulation.evacuation import empty
from kilonova.simulation.placing import NotFitted, Placed, Placing, Wanted
from kilonova.simulation.run import Run, present
from kilonova.simulation.stock import build, spec_of
from tests.simulation.fleets import descriptions, over_allocated, small


def wanted(description: Description, flavor: str) -> Wanted:
    return Wanted(0, flavor, spec_of(flavor, description.flavors[flavor]))


def filled(description: Description) -> tuple[Placing, list[Placed]]:
    """As it is after the run."""
    run = Run(description)
    run.run()
    return run.placing, [event.what for event in run._events if isinstance(event.what, Placed)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(descriptions())
def test_as_many_fit_as_the_hosts_have_room_for_one_by_one(description: Description) -> None:
    placing, _ = filled(description)
    asked = wanted(description, "f0")
    room = 0
    for host in placing.fleet:
        fits = host.enabled and all(
            (inventory := host.profile.inventories.get(name)) is not None and inventory.refuses_size(amount) is None
            for name, amount in asked.needs.items()
        )
        room += min(host.free(name) // amount for name, amount in asked.needs.items()) if fits else 0
    found = capacity(placing, asked)

    assert found.more == room == sum(zone.more for zone in found.zones)
    assert over_allocated(placing) == []
    assert found.told


def test_what_runs_out_first_is_told_by_zone() -> None:
    description = small()
    found = capacity(Placing(build(description), random.Random(0)), wanted(description, "large"))
    zones = {zone.name: zone for zone in found.zones}

    # Two of 16 GiB on hosts of 32 GiB, four on hosts of 64 GiB.
    assert (found.more, zones["a"].more, zones["b"].more) == (28, 12, 16)
    assert zones["a"].short == {"MEMORY_MB": 6}
    assert "MEMORY_MB: wanted 16384" in found.told


def test_hosts_that_do_not_suit_are_not_counted_as_full() -> None:
    description = small()
    found = capacity(Placing(build(description), random.Random(0)), wanted(description, "fast"))

    assert [(zone.name, zone.hosts, zone.suitable, zone.more) for zone in found.zones] == [
        ("a", 6, 0, 0),
        ("b", 4, 4, 32),
    ]


def test_what_asks_for_numa_cells_is_not_guessed_at() -> None:
    description = small(
        "flavors:\n  small: {vcpus: 1, memory_gib: 2, extra_specs: {'hw:numa_nodes': '1'}}\n"
        "  large: {vcpus: 1, memory_gib: 2}\n  fast: {vcpus: 1, memory_gib: 2}\n"
    )
    placing = Placing(build(description), random.Random(0))
    with pytest.raises(NotFitted, match="small asks for NUMA cells"):
        capacity(placing, wanted(description, "small"))
    host = placing.stock.host("a-1")
    placed = placing.put(host, wanted(description, "small"))
    (departure,) = empty(placing, [host], [placed], 0.0)

    assert departure.target is None
    assert "not fitted here" in departure.why


def test_counting_ends_where_it_is_told_to() -> None:
    description = small()
    found = capacity(Placing(build(description), random.Random(0)), wanted(description, "small"), limit=10)

    assert (found.more, found.limited, found.told) == (10, True, "")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(descriptions())
def test_a_drain_plan_names_every_server_of_the_hosts_and_leads_it_elsewhere(description: Description) -> None:
    placing, servers = filled(description)
    host = next(iter(placing.fleet))
    here = [placed for placed in servers if placed.host is host]
    plan = empty(placing, [host], servers, 0.0)

    assert {id(one.placed) for one in plan} == {id(placed) for placed in here}
    assert host.servers == sum(one.target is None for one in plan)
    assert all(one.target is not host and one.placed.host is (one.target or host) for one in plan)
    assert all((one.target is None) == bool(one.why) for one in plan)
    assert over_allocated(placing) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(descriptions())
def test_every_proposed_move_is_a_gain_and_none_goes_twice(description: Description) -> None:
    placing, servers = filled(description)
    alive, used = placing.servers, {name: one.used for name, one in placing.capacities.items()}
    moves = propose(placing, servers, 10, 0.0)

    assert all(one.gain_points > 0 and one.source is not one.target for one in moves)
    assert len({id(one.placed) for one in moves}) == len(moves)
    assert (placing.servers, {name: one.used for name, one in placing.capacities.items()}) == (alive, used)
    assert over_allocated(placing) == []


def test_where_all_is_even_no_move_is_worth_it() -> None:
    description = small("servers:\n  - {flavor: small, count: 40}\n")
    placing = Placing(build(description), random.Random(0))
    servers = present(description, placing)
    propose(placing, servers, 100, 0.0)
    even = deviation(placing.fleet)

    assert propose(placing, servers, 100, 0.0) == []
    assert deviation(placing.fleet) == even
