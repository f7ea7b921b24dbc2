"""`simulate`, `capacity` and `drain-plan` on fleet files and on a cloud; `host` and `rebalance` on a cloud."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Up, kilonova

FLEET = """
name: two racks
reserved: {memory_mib: 0}
hosts:
  - {name: h, count: 4, vcpus: 8, memory_gib: 16, disk_gib: 200, racks: 2}
flavors:
  small: {vcpus: 1, memory_gib: 2, disk_gib: 10}
  half: {vcpus: 2, memory_gib: 8, disk_gib: 10}
servers:
  - {flavor: half, count: 2, host: h-1, name: first}
requests:
  - {flavor: small}
arrivals: {per_hour: 30}
lifetimes: {mean: 5h}
run: {for: 1d, samples: 20}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> str:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    return str(path)


def test_a_simulation_is_told_as_a_table_a_document_and_a_page(fleet: str, tmp_path: Path) -> None:
    document, page = tmp_path / "out.json", tmp_path / "out.html"
    done = kilonova("simulate", fleet, "--seed", "3", "--json", str(document), "--html", str(page))

    assert done.returncode == 0, done.stderr
    result = json.loads(document.read_text())
    assert (result["name"], result["seed"], result["hosts"]) == ("two racks", 3, 4)
    assert f"{result['requested']:,} in" in done.stdout
    assert result["refused"] > 0
    assert f"{result['refused']:,} (" in done.stdout
    assert page.read_text().startswith("<!doctype html>")

    again = kilonova("simulate", fleet, "--seed", "3", "--json", "-")
    assert again.stdout == document.read_text()


def test_capacity_of_a_fleet_file_counts_the_servers_on_it(fleet: str) -> None:
    done = kilonova("capacity", "--fleet", fleet, "--flavor", "half", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["more"] == 6
    assert "6 more half" in kilonova("capacity", "--fleet", fleet, "--flavor", "half").stdout
    assert "0 more half" in kilonova("capacity", "--fleet", fleet, "--flavor", "half", "--zone", "z").stdout


def test_a_drain_plan_says_whether_hosts_can_be_emptied(fleet: str) -> None:
    possible = kilonova("drain-plan", "h-1", "--fleet", fleet, "--json")
    moves = json.loads(possible.stdout)["moves"]
    assert possible.returncode == 0
    assert [(move["server"], move["source"]) for move in moves] == [("first-1", "h-1"), ("first-2", "h-1")]
    assert len({move["target"] for move in moves} - {"h-1"}) == 2

    impossible = kilonova("drain-plan", "h-1", "h-2", "h-3", "h-4", "--fleet", fleet)
    assert impossible.returncode == 1
    assert "2 servers have nowhere to go" in impossible.stdout
    assert "disabled (4 hosts)" in " ".join(impossible.stdout.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["simulate", "/nowhere/fleet.yaml"], "/nowhere/fleet.yaml"),
        (["simulate", "FLEET", "--trace", "/nowhere/t.csv"], "/nowhere/t.csv"),
        (["capacity", "--fleet", "FLEET", "--flavor", "teapot"], "there is no flavor teapot"),
        (["drain-plan", "nowhere", "--fleet", "FLEET"], "there is no host nowhere"),
        (["capacity", "--flavor", "m1.large", "--state-dir", "/nowhere"], "names no cloud kilonova-admin"),
        (["host", "drain", "h-1", "--state-dir", "/nowhere"], "names no cloud kilonova-admin"),
        (["rebalance", "--state-dir", "/nowhere"], "names no cloud kilonova-admin"),
    ],
)
def test_mistakes_are_told_in_one_line(fleet: str, words: list[str], said: str) -> None:
    done = kilonova(*(fleet if word == "FLEET" else word for word in words))

    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_running_cloud_is_asked_and_drained_from_the_command_line(cloud: Up) -> None:
    where = ("--state-dir", str(cloud.state))
    server = cloud.server("stays")
    unknown = kilonova("drain-plan", "nowhere", *where)
    host = unknown.stderr.rpartition("there are: ")[2].strip().rstrip(")")
    capacity = json.loads(kilonova("capacity", "--flavor", "m1.large", "--json", *where).stdout)
    (zone,) = capacity["zones"]
    assert capacity["more"] == zone["more"] > 0

    plan = kilonova("drain-plan", host, "--json", *where)
    assert plan.returncode == 1
    assert server["id"] in {move["server"].partition("(")[2].rstrip(")") for move in json.loads(plan.stdout)["moves"]}

    # The only host: nobody can leave it.
    done = kilonova("host", "drain", host, *where)
    assert done.returncode == 1
    assert f"stays ({server['id']})" in done.stdout
    assert "run this again" in done.stdout
    assert kilonova("host", "undrain", host, *where).stdout == f"{host} takes servers again\n"
    assert json.loads(kilonova("rebalance", "--json", *where).stdout)["moves"] == []
