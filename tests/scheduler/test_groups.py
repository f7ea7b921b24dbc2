"""Server groups, and hints that name servers."""

import asyncio

import pytest

from kilonova.contract.placement import ClaimRequest
from kilonova.contract.scheduler import NoValidHost
from kilonova.model.ids import HostName
from tests.scheduler.conftest import Cloud, place, spec


async def test_members_of_an_anti_affinity_group_are_apart_even_when_placed_at_once(cloud: Cloud) -> None:
    await cloud.hosts(3)
    members = [f"s{number}" for number in range(4)]
    await cloud.group("g", "anti-affinity", *members)
    scheduler = await cloud.scheduler()

    answers = await asyncio.gather(
        *(place(scheduler, spec(member, group_id="g")) for member in members), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, NoValidHost)]
    assert len(refused) == 1
    assert "ServerGroupAntiAffinityFilter 3→0 (1 members of group g already here (3 hosts))" in refused[0].message
    placed = [host for hosts in (await cloud.placement.consumers()).values() for host in hosts]
    assert sorted(placed) == ["host-0", "host-1", "host-2"]


async def test_two_schedulers_keep_a_group_apart(cloud: Cloud) -> None:
    await cloud.hosts(6)
    members = [f"s{number}" for number in range(6)]
    await cloud.group("g", "anti-affinity", *members)
    one, other = await cloud.scheduler(), await cloud.scheduler()

    await asyncio.gather(
        *(place((one, other)[number % 2], spec(member, group_id="g")) for number, member in enumerate(members))
    )

    placed = [host for hosts in (await cloud.placement.consumers()).values() for host in hosts]
    assert len(set(placed)) == 6


async def test_more_members_per_host_where_the_group_allows_it(cloud: Cloud) -> None:
    await cloud.hosts(1)
    await cloud.group("g", "anti-affinity", "a", "b", "c", max_server_per_host=2)
    scheduler = await cloud.scheduler()
    await place(scheduler, spec("a", group_id="g"))
    await place(scheduler, spec("b", group_id="g"))

    with pytest.raises(NoValidHost, match="2 members of group g already here"):
        await place(scheduler, spec("c", group_id="g"))


async def test_members_of_an_affinity_group_are_together(cloud: Cloud) -> None:
    await cloud.hosts(4)
    members = [f"s{number}" for number in range(5)]
    await cloud.group("g", "affinity", *members)
    scheduler = await cloud.scheduler()

    placed = await asyncio.gather(*(place(scheduler, spec(member, group_id="g")) for member in members))

    assert len({selection.host for selection in placed}) == 1


@pytest.mark.parametrize(("policy", "hosts"), [("soft-affinity", 1), ("soft-anti-affinity", 4)])
async def test_soft_groups_lean(cloud: Cloud, policy: str, hosts: int) -> None:
    await cloud.hosts(4)
    # Emptier than the others: without the group everything would go there.
    await cloud.host("empty", memory=65536, vcpus=64, disk=1000)
    members = [f"s{number}" for number in range(4)]
    await cloud.group("g", policy, *members)
    scheduler = await cloud.scheduler()

    placed = {(await place(scheduler, spec(member, group_id="g"))).host for member in members}

    assert len(placed) == hosts


async def test_hints_name_servers_to_be_with_or_away_from(cloud: Cloud) -> None:
    await cloud.hosts(3)
    scheduler = await cloud.scheduler(enabled_filters=("ComputeFilter", "SameHostFilter", "DifferentHostFilter"))
    first = await place(scheduler, spec("first"))

    together = await place(scheduler, spec("with", hints={"same_host": ["first"]}))
    apart = await place(scheduler, spec("apart", hints={"different_host": ["first", "unknown"]}))

    assert together.host == first.host
    assert apart.host != first.host
    with pytest.raises(NoValidHost, match="SameHostFilter 3→0"):
        await place(scheduler, spec("lost", hints={"same_host": ["nobody"]}))


async def test_a_group_that_is_gone_asks_nothing(cloud: Cloud) -> None:
    await cloud.hosts(1)
    scheduler = await cloud.scheduler()

    assert (await place(scheduler, spec("a", hints={"group": ["gone"]}))).host == "host-0"


async def test_members_claimed_behind_our_back_count(cloud: Cloud) -> None:
    await cloud.hosts(2)
    await cloud.group("g", "anti-affinity", "a", "b")
    scheduler = await cloud.scheduler()
    await cloud.placement.claim(
        ClaimRequest(consumer="a", host=HostName("host-0"), resources={"VCPU": 1}, project_id="red", user_id="anna")
    )

    assert (await place(scheduler, spec("b", group_id="g"))).host == "host-1"


async def test_a_forced_host_is_taken_whatever_the_group_says(cloud: Cloud) -> None:
    await cloud.hosts(2)
    await cloud.group("g", "affinity", "first", "second")
    scheduler = await cloud.scheduler()
    first = await place(scheduler, spec("first", group_id="g"))
    (other,) = {"host-0", "host-1"} - {first.host}
    assert (await place(scheduler, spec("second", group_id="g", force_host=other))).host == other
