"""Claims inside the cloud, on every kind of database."""

import asyncio

import pytest

from kilonova.contract.placement import ClaimRefused, ProviderChange
from kilonova.model.ids import HostName
from kilonova.placement.errors import ProviderInUse
from kilonova.placement.service import PlacementService
from kilonova.placement.store.allocations import Holder, Short
from kilonova.placement.store.exchange import Wish, exchange
from tests.placement.conftest import claim, host


async def used(placement: PlacementService, number: int = 1) -> dict[str, int]:
    state = await placement.provider(HostName(f"host-{number}"))
    assert state is not None
    return state.used


async def test_a_claim_is_counted_and_listed(placement: PlacementService) -> None:
    await placement.report(host(1))

    await placement.claim(claim("a"))

    assert await used(placement) == {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}
    assert await placement.consumers() == {"a": {"host-1": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}}}
    assert await placement.holders(("a", "b")) == {"a": ("host-1",)}


async def test_a_claim_needs_no_more_than_four_statements(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.claim(claim("first"))
    before = placement.db.executed

    await placement.claim(claim("second"))

    # MariaDB cannot return what it updated and is asked for it.
    assert placement.db.executed - before <= (5 if placement.db.dialect == "mysql" else 4)


async def test_a_refused_claim_says_what_is_short_and_takes_nothing(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.claim(claim("a", MEMORY_MB=6000))

    with pytest.raises(ClaimRefused) as refused:
        await placement.claim(claim("b", VCPU=1, MEMORY_MB=4096, DISK_GB=200, VGPU=1))

    assert refused.value.short == ("MEMORY_MB: wanted 4096, free 1680; DISK_GB: wanted 200, free 100; VGPU: none here")
    assert await used(placement) == {"VCPU": 0, "MEMORY_MB": 6000, "DISK_GB": 0}
    assert "b" not in await placement.consumers()


async def test_consumers_swap_what_they_hold_on_a_full_host(placement: PlacementService) -> None:
    await placement.report(host(1, vcpus=4))
    provider = host(1).id

    async def swap(**wanted: int) -> list[ProviderChange]:
        known = await placement.consumers()
        wishes = [
            Wish(
                Holder(id=name, project_id="red", user_id="anna", type="INSTANCE"),
                {provider: {"VCPU": vcpus}} if vcpus else {},
                known=name in known,
            )
            for name, vcpus in wanted.items()
        ]
        now = placement.clock.now()
        return await placement.change(lambda tx: exchange(tx, wishes, now))

    await swap(a=4, b=4)
    (change,) = await swap(a=0, b=1, c=3, d=4)

    assert await used(placement) == {"VCPU": 8, "MEMORY_MB": 0, "DISK_GB": 0}
    assert {name: held["host-1"]["VCPU"] for name, held in (await placement.consumers()).items()} == {
        "b": 1,
        "c": 3,
        "d": 4,
    }
    with pytest.raises(Short):
        await swap(b=2, c=3)
    assert (change.reload, await used(placement)) == (True, {"VCPU": 8, "MEMORY_MB": 0, "DISK_GB": 0})


async def test_one_consumer_takes_no_more_than_the_host_can_give_to_one(placement: PlacementService) -> None:
    await placement.report(host(1, vcpus=8))

    with pytest.raises(ClaimRefused, match="VCPU: wanted 9, at most 8 can be had at once"):
        await placement.claim(claim("a", VCPU=9))


async def test_a_host_nobody_reported_is_refused(placement: PlacementService) -> None:
    with pytest.raises(ClaimRefused, match="placement knows no such host"):
        await placement.claim(claim("a"))


async def test_a_claim_again_replaces(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.report(host(2))
    await placement.claim(claim("a", VCPU=2))
    await placement.claim(claim("a", VCPU=2))

    await placement.claim(claim("a", 2, VCPU=3))

    assert await placement.consumers() == {"a": {"host-2": {"VCPU": 3}}}
    assert (await used(placement))["VCPU"] == 0


async def test_a_refused_replacement_leaves_the_old_claim(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.claim(claim("a", VCPU=8))

    with pytest.raises(ClaimRefused, match="MEMORY_MB: wanted 9000, free 7680"):
        await placement.claim(claim("a", VCPU=4, MEMORY_MB=9000))

    assert await placement.consumers() == {"a": {"host-1": {"VCPU": 8}}}


async def test_a_release_frees_and_may_come_twice(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.claim(claim("a"))

    await placement.release("a")
    await placement.release("a")

    assert await used(placement) == {"VCPU": 0, "MEMORY_MB": 0, "DISK_GB": 0}
    assert await placement.consumers() == {}


async def test_many_claims_at_once_never_exceed_what_there_is(placement: PlacementService) -> None:
    await placement.report(host(1, memory=512 + 1024))

    async def attempt(name: str) -> bool:
        try:
            await placement.claim(claim(name, MEMORY_MB=100))
        except ClaimRefused:
            return False
        return True

    granted = await asyncio.gather(*(attempt(f"c{number}") for number in range(40)))

    assert sum(granted) == 10
    assert (await used(placement))["MEMORY_MB"] == 1000


async def test_claims_and_releases_of_one_consumer_at_once_leak_nothing(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.report(host(2))

    async def churn(number: int) -> None:
        for turn in range(6):
            if (number + turn) % 3 == 0:
                await placement.release("a")
            else:
                try:
                    await placement.claim(claim("a", 1 + (number + turn) % 2, VCPU=1 + number % 4))
                except ClaimRefused as error:
                    raise AssertionError("there is room") from error

    await asyncio.gather(*(churn(number) for number in range(8)))

    held = (await placement.consumers()).get("a", {})
    assert len(held) <= 1
    for number in (1, 2):
        assert (await used(placement, number))["VCPU"] == held.get(f"host-{number}", {}).get("VCPU", 0)


async def test_a_migration_takes_the_servers_old_allocation_over(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.report(host(2))
    await placement.claim(claim("server", 1, VCPU=2))

    await placement.move(source="server", target="migration")
    await placement.claim(claim("server", 2, VCPU=4))
    await placement.move(source="server", target="migration")

    assert await placement.consumers() == {"migration": {"host-1": {"VCPU": 2}}, "server": {"host-2": {"VCPU": 4}}}


async def test_going_back_frees_what_the_server_had_taken_meanwhile(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.claim(claim("server", VCPU=2))
    await placement.move(source="server", target="migration")
    await placement.claim(claim("server", VCPU=4))

    await placement.move(source="migration", target="server")
    await placement.move(source="migration", target="server")

    assert await placement.consumers() == {"server": {"host-1": {"VCPU": 2}}}
    assert (await used(placement))["VCPU"] == 2


async def test_a_report_changes_the_drivers_own_and_nothing_else(placement: PlacementService) -> None:
    await placement.report(host(1, traits=frozenset({"HW_CPU_X86_AVX", "CUSTOM_OLD"})))
    first = await placement.provider(HostName("host-1"))
    await placement.report(host(1, traits=frozenset({"HW_CPU_X86_AVX", "CUSTOM_OLD"})))
    again = await placement.provider(HostName("host-1"))
    await placement.report(host(1, vcpus=16, traits=frozenset({"HW_CPU_X86_AVX", "CUSTOM_NEW"})))
    last = await placement.provider(HostName("host-1"))

    assert first == again
    assert last is not None
    assert last.traits == {"HW_CPU_X86_AVX", "CUSTOM_NEW"}
    assert last.inventories["VCPU"].total == 16


async def test_a_host_in_use_is_not_forgotten(placement: PlacementService) -> None:
    await placement.report(host(1))
    await placement.claim(claim("a"))

    with pytest.raises(ProviderInUse):
        await placement.forget(HostName("host-1"))
    await placement.release("a")
    await placement.forget(HostName("host-1"))
    await placement.forget(HostName("host-1"))

    assert await placement.providers("", 10) == ()


async def test_listeners_hear_of_committed_changes_only(placement: PlacementService) -> None:
    await placement.report(host(1))
    heard: list[ProviderChange] = []
    placement.listen(heard.extend)

    await placement.claim(claim("a", VCPU=3))
    with pytest.raises(ClaimRefused):
        await placement.claim(claim("b", VCPU=100))
    await placement.release("a")

    assert [(change.used, change.consumers) for change in heard] == [({"VCPU": 3}, 1), ({"VCPU": -3}, -1)]
    assert heard[1].generation == heard[0].generation + 1


async def test_providers_come_in_pages(placement: PlacementService) -> None:
    for number in range(1, 6):
        await placement.report(host(number))
    await placement.claim(claim("a", 4))

    first = await placement.providers("", 3)
    second = await placement.providers(first[-1].name, 3)

    assert [state.name for state in (*first, *second)] == [f"host-{number}" for number in range(1, 6)]
    assert [state.consumers for state in (*first, *second)] == [0, 0, 0, 1, 0]
    assert (await placement.generations())[HostName("host-4")] == second[0].generation
