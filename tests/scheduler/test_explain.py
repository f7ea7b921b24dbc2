"""Explaining and deciding always agree, and explaining leaves nothing behind."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given
from hypothesis import settings as configure
from hypothesis import strategies as st

from kilonova.contract.reasons import Reason
from kilonova.contract.scheduler import NoValidHost, RequestSpec
from kilonova.model.ids import HostName
from kilonova.scheduler.filters import FILTERS
from kilonova.scheduler.questions import reason_of
from kilonova.scheduler.service import SchedulerService
from kilonova.scheduler.settings import DEFAULT_FILTERS
from tests.scheduler.conftest import Cloud, cloud_at, place, spec

hosts = st.lists(
    st.fixed_dictionaries(
        {
            "memory": st.sampled_from([2048, 4096, 8192]),
            "disabled": st.sampled_from([False, False, False, True]),
            "silent_s": st.sampled_from([0.0, 0.0, 100.0]),
            "traits": st.sampled_from([frozenset(), frozenset({"CUSTOM_FAST"})]),
        }
    ),
    max_size=4,
)
requests = st.lists(
    st.fixed_dictionaries(
        {
            "memory_mib": st.sampled_from([512, 2048, 4096]),
            "group_id": st.sampled_from([None, None, "anti-affinity", "affinity", "soft-anti-affinity"]),
            "availability_zone": st.sampled_from([None, None, "west"]),
            "extra_specs": st.sampled_from([{}, {}, {"trait:CUSTOM_FAST": "required"}]),
            "force_host": st.sampled_from([None, None, None, "host-1", "nowhere"]),
            "requested_host": st.sampled_from([None, None, None, "host-0"]),
            "image_properties": st.sampled_from([{}, {}, {"os_type": "windows"}, {"hw_architecture": "aarch64"}]),
            "hints": st.sampled_from(
                [{}, {"different_host": ["server-0"]}, {"query": ['[">", "$free_ram_mb", 3000]']}]
            ),
        }
    ),
    min_size=1,
    max_size=6,
)


def _state(scheduler: SchedulerService) -> object:
    return [
        (
            host.name,
            host.free_vcpu,
            host.free_memory,
            host.free_disk,
            host.servers,
            host.io_ops,
            scheduler.fleet.score(host),
        )
        for host in scheduler.fleet
    ]


async def _agree(cloud: Cloud, scheduler: SchedulerService, wanted: RequestSpec) -> None:
    before, held = _state(scheduler), await cloud.placement.consumers()
    told = await scheduler.explain(wanted, 1, ())
    assert (_state(scheduler), await cloud.placement.consumers()) == (before, held)
    if told.refusal is not None:
        with pytest.raises(NoValidHost) as refused:
            await place(scheduler, wanted)
        assert (told.hosts, told.refusal) == ((), refused.value.message)
        assert [count.passed for count in told.counts][-1:] in ([], [0])
        return
    chosen = await place(scheduler, wanted)
    assert told.hosts == (chosen.host,)
    if wanted.force_host is None:
        assert told.candidates[0].host == chosen.host
        assert [one.host for one in chosen.candidates] == [one.host for one in told.candidates[:3]]


@configure(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
@given(hosts, requests, st.sampled_from(["capacity", "min_max"]))
def test_explain_and_a_real_choice_always_agree(
    described: list[dict[str, object]], asked: list[dict[str, object]], normalization: str
) -> None:
    async def check(directory: str) -> None:
        async with cloud_at(f"sqlite:///{Path(directory) / 'cloud.db'}") as cloud:
            for number, facts in enumerate(described):
                await cloud.host(f"host-{number}", **facts)  # type: ignore[arg-type]
            await cloud.aggregate("west", "host-0", "host-2", availability_zone="west")
            for policy in ("anti-affinity", "affinity", "soft-anti-affinity"):
                await cloud.group(policy, policy)
            scheduler = await cloud.scheduler(
                enabled_filters=(*DEFAULT_FILTERS, "JsonFilter"),
                weight_normalization=normalization,
                multipliers={"image_props_weight_multiplier": 1.0},
            )
            for number, changes in enumerate(asked):
                wanted = spec(f"server-{number}", **changes)
                if wanted.group_id is not None:
                    await cloud.member(wanted.group_id, wanted.server_id)
                await _agree(cloud, scheduler, wanted)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(check(directory))


async def test_several_at_once_are_explained_one_after_the_other(cloud: Cloud) -> None:
    await cloud.hosts(3, memory=2048)
    await cloud.group("apart", "anti-affinity")
    scheduler = await cloud.scheduler()
    told = await scheduler.explain(spec(group_id="apart"), 5, ())
    assert set(told.hosts) == {"host-0", "host-1", "host-2"}
    assert (told.passed, told.counts[-1].name) == (3, "ServerGroupAntiAffinityFilter")
    assert told.counts[-1].asked == "anti-affinity of group apart"
    assert told.refusal is not None
    assert told.refusal.startswith("No valid host was found.")
    every = await scheduler.explain(spec(), 100, ())
    assert len(every.hosts) == 6
    assert await cloud.placement.consumers() == {}


async def test_what_the_nearest_host_lacks_is_told_of_all_filters_to_come(cloud: Cloud) -> None:
    await cloud.host("small", memory=1024, traits=frozenset({"CUSTOM_A", "CUSTOM_B"}))
    await cloud.host("plain", memory=8192)
    await cloud.host("close", memory=8192, traits=frozenset({"CUSTOM_A"}), silent_s=0)
    scheduler = await cloud.scheduler()
    wanted = {"trait:CUSTOM_A": "required", "trait:CUSTOM_B": "required", "trait:CUSTOM_C": "required"}
    told = await scheduler.explain(spec(memory_mib=2048, extra_specs=wanted), 1, ())
    last = told.counts[-1]
    assert (last.name, last.reason, last.asked) == ("PlacementTraits", Reason.TRAITS, "CUSTOM_A, CUSTOM_B, CUSTOM_C")
    # `small` lacks one trait only, but room as well.
    assert last.nearest in ("plain", "close")
    assert "small" not in last.lacks
    assert "CUSTOM_C" in last.lacks


async def test_the_server_itself_is_left_out_of_account(cloud: Cloud) -> None:
    await cloud.host("only", memory=1024)
    scheduler = await cloud.scheduler()
    await place(scheduler, spec("one"))
    before = _state(scheduler)
    assert (await scheduler.explain(spec("one"), 1, ())).hosts == ("only",)
    assert (await scheduler.explain(spec("two"), 1, ())).hosts == ()
    assert _state(scheduler) == before


async def test_a_rebuild_asks_the_filters_that_look_at_images_only(cloud: Cloud) -> None:
    await cloud.host("host", memory=1024)
    scheduler = await cloud.scheduler(
        enabled_filters=(*DEFAULT_FILTERS, "NumInstancesFilter"), max_instances_per_host=1
    )
    await place(scheduler, spec("one"))
    await scheduler.check_rebuild(spec("one", image_properties={"hw_architecture": "x86_64"}), HostName("host"))
    with pytest.raises(NoValidHost, match="ImagePropertiesFilter 1→0"):
        await scheduler.check_rebuild(spec("one", image_properties={"hw_architecture": "s390x"}), HostName("host"))


def test_every_filter_has_a_reason_of_its_kind() -> None:
    assert {name for name in FILTERS if reason_of(name) is Reason.OWN} == {"AllHostsFilter"}
    assert len(FILTERS) == 22
