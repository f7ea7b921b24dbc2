"""A run: counts agree, nothing is over-allocated, the same seed is the same run, rules hold as in the cloud."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from kilonova.simulation.description import BadDescription, Description
from kilonova.simulation.placing import Placed
from kilonova.simulation.result import Result, encoded
from kilonova.simulation.run import Run, simulate
from kilonova.simulation.trace import Trace
from tests.simulation.fleets import descriptions, over_allocated, small


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(descriptions())
def test_counts_agree_with_the_hosts_and_none_is_over_allocated(description: Description) -> None:
    run = Run(description, seed=1)
    result = run.run()
    placing = run.placing

    assert over_allocated(placing) == []
    assert result.requested == result.placed + result.refused
    assert result.alive == result.placed - result.ended == sum(host.servers for host in placing.fleet)
    assert sum(one.requests for one in result.refusals) == result.refused == sum(one.refused for one in result.kinds)
    assert sum(result.histogram) == result.hosts == len(placing.fleet)
    for name, capacity in placing.capacities.items():
        totals = [host.profile.capacity(name) for host in placing.fleet]
        used = [host.profile.capacity(name) - host.free(name) for host in placing.fleet]
        assert (capacity.total, capacity.used) == (sum(totals), sum(used))
        if name in placing.free:
            assert [int(one) for one in placing.free[name]] == [host.free(name) for host in placing.fleet]
    shares = {name: round(capacity.share, 6) for name, capacity in placing.capacities.items()}
    assert result.samples[-1].used == result.used == shares
    assert all(before.at_s <= after.at_s for before, after in zip(result.samples, result.samples[1:], strict=False))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(descriptions())
def test_the_same_seed_is_the_same_run_to_the_last_byte(description: Description) -> None:
    assert encoded(simulate(description, seed=5)) == encoded(simulate(description, seed=5))


def test_another_seed_is_another_run() -> None:
    assert simulate(small(), seed=1).requested != simulate(small(), seed=2).requested


def test_telling_progress_changes_nothing() -> None:
    description = small("arrivals: {per_hour: 100}\n")
    told: list[float] = []
    with_words = simulate(description, tell=lambda progress: told.append(progress.share))

    assert encoded(with_words) == encoded(simulate(description))
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1


def alive(run: Run) -> list[Placed]:
    return [event.what for event in run._events if isinstance(event.what, Placed)]


def test_members_of_a_group_are_apart_also_after_they_moved() -> None:
    run = Run(small("maintenance:\n  - {at: 1d, zones: [b], for: 6h, every: 12h}\n"), seed=3)
    run.run()
    groups: dict[int, Counter[str]] = {}
    for placed in alive(run):
        if placed.members is not None:
            groups.setdefault(id(placed.members), Counter())[placed.host.name] += 1

    assert groups
    assert max(max(hosts.values()) for hosts in groups.values()) == 1


def test_a_host_in_maintenance_is_empty_and_comes_back() -> None:
    during = Run(small("arrivals: {per_hour: 3}\nmaintenance:\n  - {at: 1d, racks: [a-r1], for: 30d}\n"), seed=1)
    moves = during.run().moves
    out = [host for host in during.placing.fleet if during.stock.rack_of[host.number] == "a-r1"]

    assert moves.maintenance > 0
    assert moves.failed == 0
    assert [(host.enabled, host.servers) for host in out] == [(False, 0)] * 2

    after = Run(small("arrivals: {per_hour: 3}\nmaintenance:\n  - {at: 1d, racks: [a-r1], for: 2h}\n"), seed=1)
    after.run()
    back = [host for host in after.placing.fleet if after.stock.rack_of[host.number] == "a-r1"]
    assert all(host.enabled and host.servers for host in back)


def test_where_a_whole_zone_is_taken_out_its_own_servers_cannot_leave() -> None:
    result = simulate(small("maintenance:\n  - {at: 1d, zones: [a], for: 1d}\n"), seed=1)

    assert result.moves.failed > 0
    assert any(one.reason == "AvailabilityZone: not in availability zone a" for one in result.refusals)


def test_refusals_are_told_by_what_was_short() -> None:
    more = "run: {refusals: 30}\nlifetimes: {distribution: forever}\nrequests:\n  - {flavor: large, zone: a}\n"
    result = simulate(small(more))

    first = result.first_refusal
    assert first is not None
    # Two of 16 GiB on each of six hosts.
    assert (first.placed, first.kind, first.reason) == (12, "large in zone a", "PlacementResources: MEMORY_MB")
    assert [(one.reason, one.requests) for one in result.refusals] == [(first.reason, 30)]
    assert "MEMORY_MB: wanted 16384" in result.refusals[0].told
    assert result.requested == 42


def test_a_zone_there_is_not_is_told_as_such() -> None:
    result = simulate(small("requests:\n  - {flavor: small, zone: c}\nrun: {servers: 20}\n"))

    assert result.placed == 0
    assert [(one.reason, one.requests) for one in result.refusals] == [
        ("AvailabilityZone: not in availability zone c", 20)
    ]


def test_moves_for_balance_bring_hosts_closer_to_one_another() -> None:
    # Everything begins on two hosts of ten.
    begun = "\n".join(f"  - {{flavor: small, count: 12, host: {host}}}" for host in ("a-1", "a-2"))
    quiet = f"servers:\n{begun}\nrequests:\n  - {{flavor: small}}\narrivals: {{per_hour: 0.0001}}\nrun: {{for: 2d}}\n"
    left = simulate(small(quiet))
    evened = simulate(small(quiet + "balancing: {every: 1h, moves: 5}\n"))

    assert evened.moves.balancing > 0
    assert evened.samples[-1].deviation < left.samples[-1].deviation / 2


def test_the_scheduler_is_set_as_nova_conf_sets_it() -> None:
    packed = small("scheduler: {ram_weight_multiplier: -1.0, cpu_weight_multiplier: 0, disk_weight_multiplier: 0}\n")

    def busy(result: Result) -> int:
        return result.hosts - result.histogram[0]

    limits = {"run": packed.run, "requests": (msgspec.structs.replace(packed.requests[0]),)}
    few = msgspec.structs.replace(
        packed, run=msgspec.structs.replace(packed.run, servers=10), requests=limits["requests"]
    )
    spread = msgspec.structs.replace(few, scheduler={})
    assert busy(simulate(few)) == 1
    assert busy(simulate(spread)) > 5


# -- traces ------------------------------------------------------------------------------------------------------------

TRACE = """at,flavor,lifetime,zone,group
2026-01-01T00:00:00,small,1h,,
2026-01-01T00:10:00,large,,a,
2026-01-01T00:20:00,fast,30m,,g
2026-01-01T00:30:00,fast,,,g
2026-01-01T02:00:00,small,,c,
"""


def test_a_trace_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TRACE)
    description = small("run: {samples: 10}\n")
    run = Run(description, trace=Trace(path, description))
    result = run.run()

    assert (result.requested, result.placed, result.ended, result.alive) == (5, 4, 2, 2)
    assert result.ended_s == 7200
    assert [one.reason for one in result.refusals] == ["AvailabilityZone: not in availability zone c"]
    assert sorted(placed.wanted.label for placed in alive(run)) == ["fast", "large in zone a"]


def test_a_trace_may_give_sizes_instead_of_flavors(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("at,vcpus,memory_gib,disk_gib,end\n0,1,2,10,1h\n30m,16,64,500,\n3h,1,1,0,\n")
    description = small("run: {samples: 10}\n")
    result = simulate(description, trace=Trace(path, description))

    assert (result.requested, result.refused, result.ended) == (3, 0, 1)
    assert [one.kind for one in result.kinds] == ["1x2G", "16x64G", "1x1G"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flavor\nsmall\n", "no column `at`"),
        ("at,colour\n0,red\n", "unknown: colour"),
        ("at,flavor\n0,small\n0,teapot\n", "line 3: there is no flavor teapot"),
        ("at,flavor\n60,small\n30,small\n", "line 3: earlier than the line before"),
        ("at,flavor\nyesterday,small\n", "line 2: 'yesterday' is neither"),
        ("at,vcpus\n0,many\n", "line 2: invalid literal"),
        ("at,vcpus,memory_gib\n0,-1,2\n", "line 2: neither a flavor nor sizes"),
        ("at,flavor,group,policy\n0,small,g,together\n", "line 2: there is no policy together"),
    ],
)
def test_a_mistake_in_a_trace_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(BadDescription, match=r"t\.csv") as told:
        simulate(small(), trace=Trace(path, small()))

    assert said in str(told.value)
