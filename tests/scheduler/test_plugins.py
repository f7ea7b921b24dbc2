"""Own filters and weighers: of an installed distribution, or by their path; unknown names are told with the nearest."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kilonova.scheduler.plugins import UnknownName
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.settings import ALL_FILTERS, ALL_WEIGHERS, SchedulerSettings
from kilonova.scheduler.weighers import enabled
from tests.scheduler.conftest import Cloud, place, spec

MODULE = """
from kilonova.scheduler.filters.filter import HostFilter, ProfileFilter
from kilonova.scheduler.verdict import PASS, reject
from kilonova.scheduler.weighers import RequestWeigher, Weigher

def odd(host, request):
    return PASS if host.name[-1] in "13579" else reject("an even host")

ODD = HostFilter(name="OddFilter", judge=odd)
LAST = Weigher("LastWeigher", "last_weight_multiplier", lambda host: float(host.name[-1]), default=100.0)
LOWEST = RequestWeigher(
    name="LowestWeigher", option="lowest_weight_multiplier", default=1000.0, sign=-1.0,
    weigh=lambda host, request: float(host.name[-1]), applies=lambda request: request.spec.project_id == "blue",
)
NOTHING = "no filter at all"
"""
ENTRY_POINTS = """
[kilonova.filters]
OddFilter = kilonova_acme:ODD
BrokenFilter = kilonova_acme:GONE
StringFilter = kilonova_acme:NOTHING

[kilonova.weighers]
LastWeigher = kilonova_acme:LAST
LowestWeigher = kilonova_acme:LOWEST
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tiny distribution, where Python looks for such."""
    site = tmp_path / "site"
    about = site / "kilonova_acme-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "kilonova_acme.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: kilonova-acme\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    yield
    importlib.sys.modules.pop("kilonova_acme", None)  # type: ignore[attr-defined]


async def test_an_installed_filter_is_asked_when_it_is_enabled(cloud: Cloud) -> None:
    await cloud.hosts(3)
    scheduler = await cloud.scheduler(enabled_filters=("ComputeFilter", "OddFilter"))
    told = await scheduler.explain(spec(), 4, ())
    assert (told.counts[-1].name, told.counts[-1].given, told.counts[-1].passed) == ("OddFilter", 3, 1)
    assert (told.counts[-1].short, told.counts[-1].reason) == ("an even host (2 hosts)", "own_filter")
    assert (await place(scheduler, spec())).host == "host-1"


async def test_an_installed_weigher_counts_when_it_is_named(cloud: Cloud) -> None:
    await cloud.hosts(3)
    scheduler = await cloud.scheduler(weight_classes=(ALL_WEIGHERS, "LastWeigher", "LowestWeigher"))
    told = await scheduler.explain(spec(), 1, ())
    shares = {share.name: share for share in told.candidates[0].weights}
    assert (shares["LastWeigher"].weight, shares["LastWeigher"].multiplier) == (2.0, 100.0)
    assert (await place(scheduler, spec("first"))).host == "host-2"
    assert (await place(scheduler, spec("second", project_id="blue"))).host == "host-0"


async def test_a_weigher_of_ones_own_has_a_multiplier_in_aggregates_too(cloud: Cloud) -> None:
    await cloud.hosts(3)
    await cloud.aggregate("a", "host-2", last_weight_multiplier="-100")
    scheduler = await cloud.scheduler(weight_classes=("LastWeigher",))
    assert (await place(scheduler, spec())).host == "host-1"


def test_filters_may_be_given_by_their_path() -> None:
    one = SchedulerSettings(
        available_filters=("nova.scheduler.filters.compute_filter.ComputeFilter", "kilonova_acme.ODD"),
        enabled_filters=("ComputeFilter", "OddFilter"),
    )
    assert {"ComputeFilter", "OddFilter"} <= {stage.name for stage in Rules(one).stages}
    assert [
        one.name for one in enabled(SchedulerSettings(weight_classes=("nova.scheduler.weights.ram.RAMWeigher",)))
    ] == ["RAMWeigher"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"enabled_filters": ("ComputFilter",)},
            "enabled_filters: there is no ComputFilter; did you mean ComputeFilter?",
        ),
        ({"enabled_filters": ("OdFilter",)}, "there is no OdFilter; did you mean OddFilter?"),
        (
            {"available_filters": ("nova.scheduler.filters.compute_filter.ComputeFilter",)},
            "CapabilitiesFilter is not among",
        ),
        ({"available_filters": (ALL_FILTERS, "acme.filters.Own")}, "acme.filters.Own cannot be loaded: No module"),
        ({"enabled_filters": ("BrokenFilter",)}, r"BrokenFilter \(kilonova_acme:GONE\) cannot be loaded"),
        ({"enabled_filters": ("StringFilter",)}, "StringFilter is no ProfileFilter and no HostFilter"),
    ],
)
def test_unknown_filters_are_errors(settings: dict[str, tuple[str, ...]], told: str) -> None:
    with pytest.raises(UnknownName, match=told.replace("?", r"\?")):
        Rules(SchedulerSettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("RAMWeighter", "weight_classes: there is no RAMWeighter; did you mean RAMWeigher?"),
        ("LstWeigher", "there is no LstWeigher; did you mean LastWeigher?"),
        ("kilonova_acme.NOTHING", "NOTHING is no Weigher"),
    ],
)
def test_unknown_weighers_are_errors(name: str, told: str) -> None:
    with pytest.raises(UnknownName, match=told.replace("?", r"\?")):
        enabled(SchedulerSettings(weight_classes=(name,)))
