"""What a fleet file may say, and how its mistakes are told."""

from pathlib import Path

import pytest

from kilonova.simulation.description import BadDescription, parse, read, seconds
from kilonova.simulation.run import Run
from kilonova.simulation.stock import build
from tests.simulation.fleets import SMALL, small

EXAMPLES = Path(__file__).resolve().parents[2] / "benchmarks" / "fleets"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_the_fleets_that_come_along_are_good(name: str) -> None:
    description = read(EXAMPLES / name)
    # The big ones take seconds to build.
    if sum(hosts.count for hosts in description.hosts) < 10_000:
        Run(description)


@pytest.mark.parametrize(
    ("given", "meant"), [(90, 90), ("90", 90), ("90s", 90), ("1.5m", 90), ("2 h", 7200), ("1d", 86400), ("1w", 604800)]
)
def test_durations_are_numbers_or_words(given: float | str, meant: float) -> None:
    assert seconds(given) == meant


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("hosts: []\n", "$.hosts"),
        ("hosts:\n  - {name: x, vcpus: 4}\n", "`memory_gib` - at `$.hosts[0]`"),
        ("hosts:\n  - {name: x, vcpus: 4, memory_gib: 4, colour: red}\n", "`colour` - at `$.hosts[0]`"),
        ("hosts:\n  - {name: x, vcpus: 4, memory_gib: 4, aggregates: [ssd]}\n", "hosts[0]: there is no aggregate ssd"),
        ("hosts:\n  - {name: x, vcpus: 4, memory_gib: 4}\n  - {name: x, vcpus: 4, memory_gib: 4}\n", "same name"),
        ("requests:\n  - {flavor: teapot}\n", "requests[0]: there is no flavor teapot (there are: small, large, fast)"),
        ("requests: []\n", "nothing is asked for"),
        ("scheduler: {ram_wait_multiplier: 1}\n", "there is no option ram_wait_multiplier"),
        ("scheduler: {enabled_filters: [Teapot]}\n", "Teapot"),
        ("scheduler: {max_instances_per_host: many}\n", "max_instances_per_host"),
        ("lifetimes: {mean: long}\n", "'long' is no duration"),
        ("arrivals: {per_hour: 0}\n", "$.arrivals.per_hour"),
        ("run: {}\n", "never end"),
        ("maintenance:\n  - {at: 1d, racks: [nowhere]}\n", "maintenance: it names no host"),
        ("servers:\n  - {flavor: large, count: 100}\n", "servers[0]: large number"),
        ("servers:\n  - {flavor: large, host: nowhere}\n", "there is no host nowhere"),
        ("colour: red\n", "`colour`"),
    ],
)
def test_mistakes_are_told_with_their_place(more: str, said: str) -> None:
    with pytest.raises(BadDescription) as told:
        Run(small(more)).run()

    assert said in str(told.value)


def test_what_is_no_yaml_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("hosts: [")
    with pytest.raises(BadDescription, match=r"fleet\.yaml: not YAML"):
        read(path)


def test_hosts_have_what_nova_would_let_servers_have() -> None:
    host = build(parse(SMALL.replace("memory_mib: 0", "memory_mib: 1024, vcpus: 1"))).host("a-1")

    assert (host.profile.vcpu, host.profile.memory, host.profile.disk) == (14, 31 * 1024, 500)
    assert host.profile.zone == "a"


def test_racks_share_their_hosts_evenly() -> None:
    stock = build(small())
    racks = [stock.rack_of[stock.host(f"a-{number}").number] for number in range(1, 7)]

    assert racks == ["a-r1", "a-r1", "a-r2", "a-r2", "a-r3", "a-r3"]
