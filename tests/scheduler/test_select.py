"""Choosing a host and claiming on it."""

import asyncio

import pytest

from kilonova.contract.placement import ClaimRequest, Inventory, Provider
from kilonova.contract.scheduler import HostUpdate, NoValidHost
from kilonova.model.ids import HostName
from tests.scheduler.conftest import Cloud, place, spec


async def test_the_emptiest_host_is_chosen_and_claimed_on(cloud: Cloud) -> None:
    await cloud.host("small", memory=4096)
    await cloud.host("big", memory=16384)
    scheduler = await cloud.scheduler()
    await place(scheduler, spec("first"))

    chosen = await place(scheduler, spec("second"))

    held = await cloud.placement.consumers()
    assert chosen.host in held["second"]
    assert held["first"].keys() != held["second"].keys()
    assert held["second"][chosen.host] == {"VCPU": 1, "MEMORY_MB": 1024, "DISK_GB": 1}
    assert (chosen.node, chosen.availability_zone) == (chosen.host, "nova")


async def test_servers_are_spread_evenly(cloud: Cloud) -> None:
    await cloud.hosts(4)
    scheduler = await cloud.scheduler()

    placed = [(await place(scheduler, spec(f"server-{number}"))).host for number in range(8)]

    assert sorted(placed) == sorted([f"host-{number}" for number in range(4)] * 2)


async def test_a_negative_multiplier_packs(cloud: Cloud) -> None:
    await cloud.hosts(4)
    scheduler = await cloud.scheduler(
        multipliers=dict.fromkeys(("ram_weight_multiplier", "cpu_weight_multiplier", "disk_weight_multiplier"), -1.0)
    )

    placed = {(await place(scheduler, spec(f"server-{number}"))).host for number in range(8)}

    assert len(placed) == 1


async def test_a_refusal_names_each_filter_and_what_was_short(cloud: Cloud) -> None:
    await cloud.hosts(3, memory=2048)
    scheduler = await cloud.scheduler()

    with pytest.raises(NoValidHost) as refused:
        await place(scheduler, spec(memory_mib=4096))

    assert refused.value.message == (
        "No valid host was found. ComputeFilter 3→3, "
        "PlacementResources 3→0 (MEMORY_MB: wanted 4096, the most free on any host is 2048)"
    )
    assert refused.value.counts[-1] == {
        "name": "PlacementResources",
        "given": 3,
        "passed": 0,
        "asked": "1 VCPU, 4096 MEMORY_MB, 1 DISK_GB",
        "reason": "resources",
        "short": "MEMORY_MB: wanted 4096, the most free on any host is 2048",
        "nearest": "host-0",
        "lacks": "2048 MEMORY_MB",
    }


async def test_a_refusal_tells_what_the_nearest_host_lacks(cloud: Cloud) -> None:
    await cloud.host("a", memory=4096, disk=1)
    await cloud.host("b", memory=2048, disk=100)
    scheduler = await cloud.scheduler()

    with pytest.raises(NoValidHost, match="no host has all of it at once; the nearest lacks 1024 MEMORY_MB"):
        await place(scheduler, spec(memory_mib=3072, root_gib=50))


async def test_no_hosts_at_all_is_said_so(cloud: Cloud) -> None:
    scheduler = await cloud.scheduler()

    with pytest.raises(NoValidHost, match=r"No valid host was found\. There are no compute hosts\."):
        await place(scheduler, spec())


async def test_explain_says_what_select_would(cloud: Cloud) -> None:
    await cloud.hosts(2, memory=2048)
    scheduler = await cloud.scheduler()
    good = await scheduler.explain(spec(), 1, ())

    with pytest.raises(NoValidHost) as refused:
        await place(scheduler, spec(memory_mib=4096))
    bad = await scheduler.explain(spec(memory_mib=4096), 1, ())

    assert (good.passed, good.hosts, good.refusal) == (2, ("host-0",), None)
    assert (bad.hosts, bad.refusal) == ((), refused.value.message)
    assert [(count.name, count.given, count.passed, count.short) for count in bad.counts] == [
        (count["name"], count["given"], count["passed"], count["short"]) for count in refused.value.counts
    ]
    assert await cloud.placement.consumers() == {}


async def test_fifty_at_once_with_room_for_forty_nine(cloud: Cloud) -> None:
    await cloud.hosts(49, memory=1024)
    for number in range(20):
        await cloud.host(f"full-{number}", memory=512)
    scheduler = await cloud.scheduler()

    answers = await asyncio.gather(
        *(place(scheduler, spec(f"server-{number}")) for number in range(50)), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, NoValidHost)]
    assert len(refused) == 1
    assert "MEMORY_MB: wanted 1024, the most free on any host is 512" in refused[0].message
    assert len(await cloud.placement.consumers()) == 49


async def test_two_schedulers_that_do_not_hear_of_one_another_never_take_more_than_there_is(cloud: Cloud) -> None:
    await cloud.hosts(10, memory=2048)
    one, other = await cloud.scheduler(), await cloud.scheduler()
    cloud.placement._listeners.clear()

    answers = await asyncio.gather(
        *(place((one, other)[number % 2], spec(f"server-{number}")) for number in range(24)), return_exceptions=True
    )

    assert sum(isinstance(answer, NoValidHost) for answer in answers) == 4
    assert len(await cloud.placement.consumers()) == 20
    assert one.counts.placed + other.counts.placed == 20
    assert one.counts.refused + other.counts.refused == 4
    assert one.counts.conflicts + other.counts.conflicts > 0
    figures = {figure.name: figure.value for figure in one.figures() if not figure.labels}
    assert figures["kilonova_scheduler_conflicts"] == one.counts.conflicts
    assert 0 <= figures["kilonova_scheduler_conflict_rate"] < 1


async def test_fifty_at_once_at_two_schedulers_on_every_database(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await cloud.hosts(7, memory=7 * 1024)
    one, other = await cloud.scheduler(), await cloud.scheduler()

    answers = await asyncio.gather(
        *(place((one, other)[number % 2], spec(f"server-{number}")) for number in range(50)), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [type(answer) for answer in refused] == [NoValidHost]
    assert "MEMORY_MB: wanted 1024, the most free on any host is 0" in str(refused[0])
    for state in await cloud.placement.providers("", 100):
        assert state.used == {"VCPU": 7, "MEMORY_MB": 7168, "DISK_GB": 7}


async def test_what_another_scheduler_released_is_found_before_a_refusal(cloud: Cloud) -> None:
    await cloud.host("only", memory=1024)
    scheduler = await cloud.scheduler()
    cloud.placement._listeners.clear()
    await place(scheduler, spec("first"))
    await cloud.placement.release("first")
    cloud.clock.seconds += 5

    assert (await place(scheduler, spec("second"))).host == "only"


async def test_a_release_is_heard_of(cloud: Cloud) -> None:
    await cloud.host("only", memory=1024)
    scheduler = await cloud.scheduler()
    await place(scheduler, spec("first"))
    await cloud.placement.release("first")

    host = scheduler.fleet.get(HostName("only"))

    assert host is not None
    assert (host.free_memory, host.servers) == (1024, 0)


async def test_what_others_claim_is_heard_of(cloud: Cloud) -> None:
    await cloud.host("only", memory=2048)
    scheduler = await cloud.scheduler()

    await cloud.placement.claim(
        ClaimRequest(
            consumer="x", host=HostName("only"), resources={"MEMORY_MB": 1500}, project_id="red", user_id="anna"
        )
    )

    host = scheduler.fleet.get(HostName("only"))
    assert host is not None
    assert (host.free_memory, host.servers) == (548, 1)


async def test_a_select_run_twice_keeps_its_claim(cloud: Cloud) -> None:
    await cloud.host("only", memory=1024)
    scheduler = await cloud.scheduler()
    await place(scheduler, spec("server"))

    again = await place(scheduler, spec("server"))

    assert again.host == "only"
    assert await cloud.placement.consumers() == {"server": {"only": {"VCPU": 1, "MEMORY_MB": 1024, "DISK_GB": 1}}}


async def test_hosts_that_failed_before_are_avoided(cloud: Cloud) -> None:
    await cloud.hosts(2)
    scheduler = await cloud.scheduler()

    assert (await place(scheduler, spec("a"), "host-0")).host == "host-1"
    with pytest.raises(NoValidHost, match=r"RequestedHosts 2→0 \(tried before, or to be left out \(2 hosts\)\)"):
        await place(scheduler, spec("b"), "host-0", "host-1")


async def test_a_forced_host_skips_the_filters_but_not_its_capacity(cloud: Cloud) -> None:
    await cloud.host("disabled", memory=1024, disabled=True)
    scheduler = await cloud.scheduler()

    assert (await place(scheduler, spec("a", force_host="disabled"))).host == "disabled"
    with pytest.raises(NoValidHost, match=r"PlacementResources 1→0 \(MEMORY_MB: wanted 1024, the most free"):
        await place(scheduler, spec("b", force_host="disabled"))
    with pytest.raises(NoValidHost, match="there is no such host"):
        await place(scheduler, spec("c", force_host="elsewhere"))


async def test_a_requested_host_is_still_filtered(cloud: Cloud) -> None:
    await cloud.host("a")
    await cloud.host("b", disabled=True)
    scheduler = await cloud.scheduler()

    assert (await place(scheduler, spec("1", requested_host="a"))).host == "a"
    with pytest.raises(NoValidHost, match=r"ComputeFilter 1→0 \(disabled \(1 host\)\)"):
        await place(scheduler, spec("2", requested_host="b"))


async def test_a_silent_host_leaves_the_candidates_and_comes_back_when_heard_of(cloud: Cloud) -> None:
    await cloud.host("a")
    scheduler = await cloud.scheduler()
    cloud.clock.seconds += 61

    with pytest.raises(NoValidHost, match=r"ComputeFilter 1→0 \(not heard of lately \(1 host\)\)"):
        await place(scheduler, spec("1"))
    await scheduler.host_updated(update("a"))

    assert (await place(scheduler, spec("1"))).host == "a"


async def test_a_host_whose_builds_fail_is_set_aside_and_comes_back_by_itself(cloud: Cloud) -> None:
    await cloud.hosts(2)
    scheduler = await cloud.scheduler()
    await scheduler.host_updated(update("host-0", build_failures=3))

    assert {(await place(scheduler, spec(f"a{number}"))).host for number in range(3)} == {"host-1"}
    with pytest.raises(NoValidHost, match="set aside after 3 failed builds"):
        await place(scheduler, spec("b"), "host-1")
    states = {figure.labels["state"]: figure.value for figure in scheduler.figures() if figure.labels}
    assert states == {"candidate": 1, "set_aside": 1, "out": 0}
    cloud.clock.seconds += 301
    for name in ("host-0", "host-1"):
        await scheduler.host_updated(update(name, build_failures=3 if name == "host-0" else 0))

    assert (await place(scheduler, spec("c"), "host-1")).host == "host-0"


async def test_a_host_that_comes_later_is_known_at_its_first_report(cloud: Cloud) -> None:
    scheduler = await cloud.scheduler()
    await cloud.host("late")

    await scheduler.host_updated(update("late"))

    assert (await place(scheduler, spec())).host == "late"


async def test_aggregates_changed_by_the_api_count_after_a_refresh(cloud: Cloud) -> None:
    await cloud.hosts(2)
    scheduler = await cloud.scheduler()
    await cloud.aggregate("west", "host-1", availability_zone="west")
    with pytest.raises(NoValidHost, match=r"AvailabilityZone 2→0 \(not in availability zone west \(2 hosts\)\)"):
        await place(scheduler, spec("a", availability_zone="west"))

    await scheduler.refresh(())

    chosen = await place(scheduler, spec("a", availability_zone="west"))
    assert (chosen.host, chosen.availability_zone) == ("host-1", "west")


async def test_projects_that_aggregates_name_get_their_hosts(cloud: Cloud) -> None:
    await cloud.hosts(2)
    await cloud.aggregate("theirs", "host-1", filter_tenant_id="blue, green")
    scheduler = await cloud.scheduler(limit_tenants_to_placement_aggregate=True)
    blue = [spec(f"b-{number}", project_id="blue") for number in range(2)]
    red = [spec(f"r-{number}", project_id="red") for number in range(4)]

    assert {(await place(scheduler, one)).host for one in blue} == {"host-1"}
    assert {(await place(scheduler, one)).host for one in red} == {"host-0", "host-1"}
    await cloud.aggregate("for red", filter_tenant_id_2="red")
    await scheduler.refresh(())
    with pytest.raises(NoValidHost, match=r"PlacementTenants 2→0 \(not given to this project \(2 hosts\)\)"):
        await place(scheduler, spec("late", project_id="red"))


async def test_new_inventory_counts_without_a_word_to_the_scheduler(cloud: Cloud) -> None:
    await cloud.host("a", memory=512)
    scheduler = await cloud.scheduler()
    state = await cloud.placement.provider(HostName("a"))
    assert state is not None
    await cloud.placement.report(grown(state.id, "a"))

    assert (await place(scheduler, spec())).host == "a"


def update(name: str, **changes: object) -> HostUpdate:
    values: dict[str, object] = {
        "host": name,
        "node_id": f"node-{name}",
        "hypervisor_hostname": name,
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8002000,
        "vcpus": 8,
        "memory_mib": 8192,
        "disk_gib": 100,
        "host_ip": "192.0.2.1",
        **changes,
    }
    return HostUpdate(**values)  # type: ignore[arg-type]


def grown(provider_id: str, name: str) -> Provider:
    return Provider(
        id=provider_id,
        name=HostName(name),
        inventories={
            "VCPU": Inventory(total=8),
            "MEMORY_MB": Inventory(total=4096),
            "DISK_GB": Inventory(total=10),
        },
        traits=frozenset(),
    )
