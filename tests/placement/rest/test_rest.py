"""Placement's REST API, as its clients speak it."""

from typing import Any

import pytest

from kilonova.placement.service import PlacementService
from tests.placement.conftest import claim, host
from tests.placement.rest.client import AGGREGATE, CHILD, OTHER, RP, SERVER, Client, allocation


async def test_the_root_tells_the_versions_to_anybody(client: Client) -> None:
    answer = await client.http.get("/")

    version = answer.json()["versions"][0]
    assert (version["min_version"], version["max_version"]) == ("1.0", "1.39")


async def test_a_version_that_is_not_there_is_refused_with_the_range(client: Client) -> None:
    error = await client("GET", "/", minor=99, status=406)

    assert error["errors"][0]["max_version"] == "1.39"


async def test_only_operators_and_services_may_ask(client: Client) -> None:
    await client("GET", "/resource_providers", token="anna", status=403)
    await client("GET", "/resource_providers", token="nobody", status=401)
    await client("GET", "/resource_providers", token="nova")


async def test_errors_have_placements_shape(client: Client) -> None:
    error = (await client("GET", f"/resource_providers/{RP}", status=404))["errors"][0]

    assert error["status"] == 404
    assert error["title"] == "Not Found"
    assert error["detail"] == f"No resource provider with uuid {RP} found"
    assert error["code"] == "placement.undefined_code"
    assert error["request_id"].startswith("req-")


async def test_a_provider_from_its_making_to_its_end(client: Client) -> None:
    await client("POST", "/resource_providers", {"uuid": RP, "name": "one"}, minor=0, status=201)
    shown = await client("GET", f"/resource_providers/{RP}", minor=0)
    assert {link["rel"] for link in shown["links"]} == {"self", "inventories", "usages"}
    assert "root_provider_uuid" not in shown

    renamed = await client("PUT", f"/resource_providers/{RP}", {"name": "uno"})
    assert (renamed["name"], renamed["root_provider_uuid"], renamed["parent_provider_uuid"]) == ("uno", RP, None)
    error = await client("POST", "/resource_providers", {"name": "uno"}, status=409)
    assert error["errors"][0]["code"] == "placement.duplicate_name"
    await client.provider(CHILD, "below", RP)
    renamed = await client("PUT", f"/resource_providers/{CHILD}", {"name": "under"})
    assert (renamed["name"], renamed["root_provider_uuid"], renamed["parent_provider_uuid"]) == ("under", RP, RP)
    freed = await client("PUT", f"/resource_providers/{CHILD}", {"name": "under", "parent_provider_uuid": None})
    assert (freed["root_provider_uuid"], freed["parent_provider_uuid"]) == (CHILD, None)

    await client("DELETE", f"/resource_providers/{CHILD}", status=204)
    await client("DELETE", f"/resource_providers/{RP}", status=204)
    assert await client("GET", "/resource_providers") == {"resource_providers": []}


async def test_inventories_follow_the_generation(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    stale = {"resource_provider_generation": 0, "inventories": {}}
    error = await client("PUT", f"/resource_providers/{RP}/inventories", stale, status=409)
    one = {"resource_provider_generation": 1, "total": 8, "allocation_ratio": 4.0}
    shown = await client("PUT", f"/resource_providers/{RP}/inventories/VCPU", one)

    assert error["errors"][0]["code"] == "placement.concurrent_update"
    assert shown == {
        "resource_provider_generation": 2,
        "total": 8,
        "reserved": 0,
        "min_unit": 1,
        "max_unit": 2147483647,
        "step_size": 1,
        "allocation_ratio": 4.0,
    }
    everything = await client("GET", f"/resource_providers/{RP}/inventories")
    assert everything["inventories"].keys() == {"VCPU"}


@pytest.mark.parametrize(
    "inventory", [{"total": 0}, {"total": 4, "reserved": 5}, {"total": "many"}, {"total": 4, "colour": "red"}]
)
async def test_bad_inventories_are_refused(client: Client, inventory: dict[str, Any]) -> None:
    await client.provider(RP, "one")

    body = {"resource_provider_generation": 0, "inventories": {"VCPU": inventory}}
    await client("PUT", f"/resource_providers/{RP}/inventories", body, status=400)
    unknown = {"resource_provider_generation": 0, "inventories": {"COWS": {"total": 1}}}
    await client("PUT", f"/resource_providers/{RP}/inventories", unknown, status=400)


async def test_allocations_by_consumer_generation(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=2), status=204)
    again = await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=1), status=409)
    shown = await client("GET", f"/allocations/{SERVER}")
    await client("PUT", f"/allocations/{SERVER}", allocation(shown["consumer_generation"], VCPU=3), status=204)
    short = await client("PUT", f"/allocations/{OTHER}", allocation(VCPU=2), status=409)

    assert again["errors"][0]["code"] == "placement.concurrent_update"
    assert shown["allocations"] == {RP: {"generation": 2, "resources": {"VCPU": 2}}}
    assert (shown["project_id"], shown["user_id"], shown["consumer_type"]) == ("red", "anna", "INSTANCE")
    assert "VCPU: wanted 2, free 1" in short["errors"][0]["detail"]
    usages = await client("GET", f"/resource_providers/{RP}/usages")
    assert usages == {"resource_provider_generation": 3, "usages": {"VCPU": 3}}


async def test_allocations_end_by_delete_and_by_nothing_wanted(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=2), status=204)
    await client("PUT", f"/allocations/{OTHER}", allocation(VCPU=2), status=204)

    await client("DELETE", f"/allocations/{SERVER}", status=204)
    await client("DELETE", f"/allocations/{SERVER}", status=404)
    await client("PUT", f"/allocations/{OTHER}", allocation(1), status=204)

    assert await client("GET", f"/allocations/{OTHER}") == {"allocations": {}}
    assert (await client("GET", f"/resource_providers/{RP}/allocations"))["allocations"] == {}


async def test_allocations_in_the_shape_of_the_first_versions(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    body = {"allocations": [{"resource_provider": {"uuid": RP}, "resources": {"VCPU": 1}}]}
    await client("PUT", f"/allocations/{SERVER}", body, minor=0, status=204)

    shown = await client("GET", f"/allocations/{SERVER}", minor=0)
    assert shown == {"allocations": {RP: {"generation": 2, "resources": {"VCPU": 1}}}}


@pytest.mark.parametrize(
    "change",
    [
        {"project_id": "x" * 300},
        {"consumer_type": "small letters"},
        {"consumer_generation": "first"},
        {"allocations": {RP: {"resources": {"VCPU": 0}}}},
        {"allocations": {RP: {"resources": {"VCPU": 2**40}}}},
        {"allocations": {OTHER: {"resources": {"VCPU": 1}}}},
        {"allocations": {RP: {"resources": {"COWS": 1}}}},
        {"allocations": []},
        {"colour": "red"},
    ],
)
async def test_bad_allocations_are_refused(client: Client, change: dict[str, Any]) -> None:
    await client.provider(RP, "one", VCPU=4)

    await client("PUT", f"/allocations/{SERVER}", {**allocation(VCPU=1), **change}, status=400)
    await client("PUT", "/allocations/" + "x" * 200, allocation(VCPU=1), status=400)

    assert (await client("GET", f"/resource_providers/{RP}/usages"))["usages"] == {"VCPU": 0}


async def test_several_consumers_in_one_go_or_not_at_all(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    await client("POST", "/allocations", {SERVER: allocation(VCPU=3), OTHER: allocation(VCPU=3)}, status=409)
    assert await client("GET", f"/allocations/{SERVER}") == {"allocations": {}}
    await client("POST", "/allocations", {SERVER: allocation(VCPU=3), OTHER: allocation(VCPU=1)}, status=204)

    assert (await client("GET", f"/resource_providers/{RP}/usages"))["usages"] == {"VCPU": 4}


async def test_usages_of_a_project(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=2), status=204)
    await client("PUT", f"/allocations/{OTHER}", allocation(VCPU=1), status=204)

    assert await client("GET", "/usages?project_id=red", minor=37) == {"usages": {"VCPU": 3}}
    by_type = await client("GET", "/usages?project_id=red&consumer_type=INSTANCE")
    assert by_type == {"usages": {"INSTANCE": {"consumer_count": 2, "VCPU": 3}}}
    assert await client("GET", "/usages?project_id=red&user_id=bert", minor=9) == {"usages": {}}


async def test_traits_standard_and_custom(client: Client) -> None:
    await client.provider(RP, "one")
    await client("PUT", "/traits/CUSTOM_GOLD", status=201)
    await client("PUT", "/traits/CUSTOM_GOLD", status=204)
    await client("PUT", "/traits/GOLD", status=400)

    body = {"resource_provider_generation": 0, "traits": ["CUSTOM_GOLD", "HW_CPU_X86_AVX"]}
    shown = await client("PUT", f"/resource_providers/{RP}/traits", body)

    assert shown == {"resource_provider_generation": 1, "traits": ["CUSTOM_GOLD", "HW_CPU_X86_AVX"]}
    assert (await client("GET", "/traits?name=startswith:CUSTOM_"))["traits"] == ["CUSTOM_GOLD"]
    assert (await client("GET", "/traits?associated=true"))["traits"] == ["CUSTOM_GOLD", "HW_CPU_X86_AVX"]
    await client("DELETE", "/traits/CUSTOM_GOLD", status=409)
    await client("DELETE", f"/resource_providers/{RP}/traits", status=204)
    await client("DELETE", "/traits/CUSTOM_GOLD", status=204)
    await client("GET", "/traits/CUSTOM_GOLD", status=404)


async def test_resource_classes_standard_and_custom(client: Client) -> None:
    await client("PUT", "/resource_classes/CUSTOM_COW", status=201)
    await client("PUT", "/resource_classes/CUSTOM_COW", status=204)
    await client("POST", "/resource_classes", {"name": "CUSTOM_COW"}, status=409)
    await client("DELETE", "/resource_classes/VCPU", status=400)
    names = [one["name"] for one in (await client("GET", "/resource_classes"))["resource_classes"]]

    assert names[0] == "VCPU"
    assert names[-1] == "CUSTOM_COW"
    await client.provider(RP, "one", CUSTOM_COW=1)
    await client("DELETE", "/resource_classes/CUSTOM_COW", status=409)


async def test_providers_are_found_by_what_they_have(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client.provider(OTHER, "two", VCPU=1)
    body = {"resource_provider_generation": 1, "aggregates": [AGGREGATE]}
    await client("PUT", f"/resource_providers/{OTHER}/aggregates", body)

    async def found(query: str) -> list[str]:
        return [one["name"] for one in (await client("GET", f"/resource_providers?{query}"))["resource_providers"]]

    assert await found("resources=VCPU:2") == ["one"]
    assert await found(f"member_of={AGGREGATE}") == ["two"]
    assert await found(f"member_of=!{AGGREGATE}") == ["one"]
    assert await found("required=!HW_CPU_X86_AVX") == ["one", "two"]
    assert await found("name=two") == ["two"]
    await client("GET", "/resource_providers?colour=red", status=400)
    await client("GET", "/resource_providers?required=NO_SUCH_TRAIT", status=400)


async def test_a_child_belongs_to_its_root(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client.provider(CHILD, "gpu", RP, VGPU=2)

    tree = (await client("GET", f"/resource_providers?in_tree={CHILD}"))["resource_providers"]

    assert {(one["uuid"], one["root_provider_uuid"]) for one in tree} == {(RP, RP), (CHILD, RP)}
    await client("DELETE", f"/resource_providers/{RP}", status=409)


async def test_candidates_of_one_group(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4, MEMORY_MB=1024)
    await client.provider(OTHER, "two", VCPU=1, MEMORY_MB=1024)

    found = await client("GET", "/allocation_candidates?resources=VCPU:2,MEMORY_MB:512")

    assert found["allocation_requests"] == [
        {"allocations": {RP: {"resources": {"VCPU": 2, "MEMORY_MB": 512}}}, "mappings": {"": [RP]}}
    ]
    assert found["provider_summaries"][RP]["resources"]["VCPU"] == {"capacity": 4, "used": 0}
    assert await client("GET", "/allocation_candidates?resources=VCPU:5", minor=10) == {
        "allocation_requests": [],
        "provider_summaries": {},
    }
    limited = await client("GET", "/allocation_candidates?resources=VCPU:1&limit=1")
    assert len(limited["allocation_requests"]) == 1


async def test_the_same_question_is_answered_anew_for_what_changed(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client.provider(OTHER, "two", VCPU=4)
    question = "/allocation_candidates?resources=VCPU:2"

    async def found() -> dict[str, dict[str, int]]:
        answer = await client("GET", question)
        summaries = answer["provider_summaries"]
        offered = [provider for one in answer["allocation_requests"] for provider in one["allocations"]]
        return {provider: summaries[provider]["resources"]["VCPU"] for provider in offered}

    whole = {"capacity": 4, "used": 0}
    assert await found() == await found() == {RP: whole, OTHER: whole}
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=1), status=204)
    assert await found() == {RP: {"capacity": 4, "used": 1}, OTHER: whole}
    await client("PUT", f"/allocations/{SERVER}", allocation(1, VCPU=3), status=204)
    assert await found() == {OTHER: whole}
    await client("DELETE", f"/allocations/{SERVER}", status=204)
    await client.provider(CHILD, "below one", RP, VCPU=1)
    await client("DELETE", f"/resource_providers/{OTHER}", status=204)
    assert await found() == {RP: whole}


async def test_candidates_spread_over_a_tree(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client.provider(CHILD, "gpu", RP, VGPU=2)
    await client.provider(OTHER, "two", VCPU=4)

    found = await client("GET", "/allocation_candidates?resources=VCPU:2&resources_GPU=VGPU:1")

    assert found["allocation_requests"] == [
        {
            "allocations": {RP: {"resources": {"VCPU": 2}}, CHILD: {"resources": {"VGPU": 1}}},
            "mappings": {"": [RP], "_GPU": [CHILD]},
        }
    ]


async def test_isolated_groups_come_from_different_providers(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    for number in (1, 2):
        await client.provider(f"40000000-0000-4000-8000-00000000000{number}", f"nic{number}", RP, SRIOV_NET_VF=2)
    query = "/allocation_candidates?resources1=SRIOV_NET_VF:1&resources2=SRIOV_NET_VF:1&group_policy="

    isolated = await client("GET", query + "isolate")
    free = await client("GET", query + "none")

    assert len(isolated["allocation_requests"]) == 2
    assert len(free["allocation_requests"]) == 4
    await client("GET", query.removesuffix("&group_policy="), status=400)


async def test_candidates_share_through_an_aggregate(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client.provider(OTHER, "storage", DISK_GB=1000)
    traits = {"resource_provider_generation": 1, "traits": ["MISC_SHARES_VIA_AGGREGATE"]}
    await client("PUT", f"/resource_providers/{OTHER}/traits", traits)
    for uuid, generation in ((RP, 1), (OTHER, 2)):
        body = {"resource_provider_generation": generation, "aggregates": [AGGREGATE]}
        await client("PUT", f"/resource_providers/{uuid}/aggregates", body)

    found = await client("GET", "/allocation_candidates?resources=VCPU:1,DISK_GB:10")

    assert [one["allocations"] for one in found["allocation_requests"]] == [
        {RP: {"resources": {"VCPU": 1}}, OTHER: {"resources": {"DISK_GB": 10}}}
    ]


async def test_the_same_subtree(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    for number in (1, 2):
        uuid = f"40000000-0000-4000-8000-00000000000{number}"
        await client.provider(uuid, f"numa{number}", RP, NUMA_CORE=2)
        await client.provider(f"50000000-0000-4000-8000-00000000000{number}", f"fpga{number}", uuid, FPGA=1)
    query = "/allocation_candidates?resources_C=NUMA_CORE:1&resources_F=FPGA:1&group_policy=none"

    anywhere = await client("GET", query)
    together = await client("GET", query + "&same_subtree=_C,_F")

    assert len(anywhere["allocation_requests"]) == 4
    assert len(together["allocation_requests"]) == 2


async def test_reshaping_moves_inventory_and_allocations_in_one_go(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4, VGPU=2)
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=2, VGPU=1), status=204)
    await client.provider(CHILD, "gpu", RP)
    body = {
        "inventories": {
            RP: {"resource_provider_generation": 2, "inventories": {"VCPU": {"total": 4}}},
            CHILD: {"resource_provider_generation": 0, "inventories": {"VGPU": {"total": 2}}},
        },
        "allocations": {
            SERVER: {
                **allocation(1),
                "allocations": {RP: {"resources": {"VCPU": 2}}, CHILD: {"resources": {"VGPU": 1}}},
            }
        },
    }

    await client("POST", "/reshaper", body, status=204)

    assert (await client("GET", f"/resource_providers/{RP}/usages"))["usages"] == {"VCPU": 2}
    assert (await client("GET", f"/resource_providers/{CHILD}/usages"))["usages"] == {"VGPU": 1}


async def test_what_the_cloud_claims_is_seen_by_rest(client: Client, placement: PlacementService) -> None:
    await placement.report(host(1))
    before = await client("GET", f"/resource_providers/{host(1).id}/usages")
    await placement.claim(claim("server"))

    after = await client("GET", f"/resource_providers/{host(1).id}/usages")

    assert (before["usages"]["VCPU"], after["usages"]["VCPU"]) == (0, 1)


async def test_answers_say_how_old_they_are_since_there_is_a_version_for_it(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    for path in ("/", "/resource_providers", "/traits/HW_CPU_X86_AVX"):
        status = 204 if path.startswith("/traits") else 200
        old = await client.ask("GET", path, minor=14, status=status)
        new = await client.ask("GET", path, minor=15, status=status)
        assert "last-modified" not in old.headers
        assert new.headers["last-modified"].endswith(" GMT")
        assert (new.headers["cache-control"], new.headers["openstack-api-version"]) == ("no-cache", "placement 1.15")
    made = await client.ask("PUT", f"/allocations/{SERVER}", allocation(VCPU=1), status=204)
    assert "last-modified" not in made.headers


async def test_readers_of_a_project_see_its_usages_and_nothing_else(client: Client) -> None:
    await client("GET", "/usages?project_id=red", token="rita")
    await client("GET", "/usages?project_id=blue", token="rita", status=403)
    await client("GET", "/usages?project_id=red", token="bert", status=403)
    await client("GET", "/traits", token="rita", status=403)


async def test_tokens_for_the_whole_system_are_not_for_placement(client: Client) -> None:
    await client("GET", "/resource_providers", token="system", status=403)


async def test_what_one_consumer_gives_up_another_can_have_in_the_same_go(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=4), status=204)

    await client("POST", "/allocations", {SERVER: allocation(1), OTHER: allocation(VCPU=4)}, status=204)
    assert await client("GET", f"/allocations/{SERVER}") == {"allocations": {}}
    await client("POST", "/allocations", {OTHER: allocation(1, VCPU=1), SERVER: allocation(VCPU=3)}, status=204)
    swapped = {OTHER: allocation(2, VCPU=3), SERVER: allocation(1, VCPU=1)}
    await client("POST", "/allocations", swapped, status=204)
    short = await client("POST", "/allocations", {OTHER: allocation(3, VCPU=4), SERVER: allocation(2)}, status=204)

    assert short is None
    usages = await client("GET", f"/resource_providers/{RP}/usages")
    assert usages == {"resource_provider_generation": 6, "usages": {"VCPU": 4}}
    too_much = {OTHER: allocation(4, VCPU=2), SERVER: allocation(VCPU=3)}
    error = await client("POST", "/allocations", too_much, status=409)
    assert "VCPU: wanted 3, free 2" in error["errors"][0]["detail"]


async def test_a_type_is_kept_by_those_who_know_of_none(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=2), status=204)
    untyped = {name: value for name, value in allocation(1, VCPU=1).items() if name != "consumer_type"}

    await client("PUT", f"/allocations/{SERVER}", untyped, minor=37, status=204)

    assert (await client("GET", f"/allocations/{SERVER}"))["consumer_type"] == "INSTANCE"


async def test_usages_by_type_or_of_all(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=2), status=204)
    await client("PUT", f"/allocations/{OTHER}", {**allocation(VCPU=1), "consumer_type": "MIGRATION"}, status=204)
    one, other = {"consumer_count": 1, "VCPU": 2}, {"consumer_count": 1, "VCPU": 1}

    for query, usages in (
        ("", {"INSTANCE": one, "MIGRATION": other}),
        ("&consumer_type=MIGRATION", {"MIGRATION": other}),
        ("&consumer_type=all", {"all": {"consumer_count": 2, "VCPU": 3}}),
        ("&consumer_type=COW", {}),
    ):
        assert await client("GET", f"/usages?project_id=red{query}") == {"usages": usages}


async def test_of_what_is_said_twice_one_counts(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client.provider(OTHER, "two", VCPU=4)
    question = "/allocation_candidates?resources=VCPU:1"

    async def found(query: str, minor: int = 38) -> int:
        return len((await client("GET", question + query, minor=minor))["allocation_requests"])

    assert await found("&limit=2&limit=1") == 2
    assert await found("&required=HW_CPU_X86_AVX&required=!HW_CPU_X86_AVX") == 2
    assert await found("&required=HW_CPU_X86_AVX&required=!HW_CPU_X86_SSE", minor=39) == 0


async def test_those_who_know_nothing_of_trees_get_one_provider_of_each(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    await client.provider(CHILD, "gpu", RP, VGPU=2)

    async def found(resources: str, minor: int) -> int:
        answer = await client("GET", f"/allocation_candidates?resources={resources}", minor=minor)
        return len(answer["allocation_requests"])

    assert [await found("VGPU:1", minor) for minor in (28, 29)] == [1, 1]
    assert [await found("VCPU:1,VGPU:1", minor) for minor in (28, 29)] == [0, 1]


async def test_a_sharing_provider_has_to_be_in_the_wanted_aggregates_itself(client: Client) -> None:
    wanted = "30000000-0000-4000-8000-000000000002"
    await client.provider(RP, "one", VCPU=4)
    await client.provider(CHILD, "gpu", RP, VGPU=1)
    await client.provider(OTHER, "storage", DISK_GB=1000)
    traits = {"resource_provider_generation": 1, "traits": ["MISC_SHARES_VIA_AGGREGATE"]}
    await client("PUT", f"/resource_providers/{OTHER}/traits", traits)
    for uuid, generation, aggregates in ((RP, 1, [AGGREGATE, wanted]), (OTHER, 2, [AGGREGATE])):
        body = {"resource_provider_generation": generation, "aggregates": aggregates}
        await client("PUT", f"/resource_providers/{uuid}/aggregates", body)

    async def found(resources: str, aggregate: str) -> int:
        question = f"/allocation_candidates?resources={resources}&member_of={aggregate}"
        return len((await client("GET", question))["allocation_requests"])

    # What the root is in, its children are in too.
    assert await found("VCPU:1,VGPU:1", wanted) == 1
    assert await found("VGPU:1", f"!{wanted}") == 0
    assert await found("VCPU:1,DISK_GB:1", AGGREGATE) == 1
    assert await found("VCPU:1,DISK_GB:1", wanted) == 0
