"""What Placement refuses, and how it says so."""

from typing import Any

import pytest

from tests.placement.rest.client import AGGREGATE, CHILD, OTHER, RP, SERVER, Client, allocation

CANDIDATES = "/allocation_candidates?"
STOCK = f"/resource_providers/{RP}/inventories"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/", "GET"),
        ("OPTIONS", "/resource_providers", "GET, POST"),
        ("PATCH", f"/resource_providers/{RP}", "DELETE, GET, PUT"),
        ("GET", "/allocations", "POST"),
        ("GET", "/reshaper", "POST"),
    ],
)
async def test_a_resource_tells_which_methods_it_has(client: Client, method: str, path: str, allowed: str) -> None:
    answer = await client.ask(method, path, status=405)

    assert answer.headers["allow"] == allowed
    assert answer.json()["errors"][0]["title"] == "Method Not Allowed"


async def test_inventories_could_not_be_deleted_together_before_there_was_a_version_for_it(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    await client("DELETE", STOCK, minor=4, status=405)
    await client("DELETE", STOCK, minor=5, status=204)


async def test_bodies_have_to_be_json_and_say_so(client: Client) -> None:
    path = "/resource_classes"

    await client.ask("POST", path, "name", status=415, content_type="text/plain")
    await client.ask("POST", path, "name", minor=1, status=404, content_type="text/plain")
    nothing_said = await client.ask("POST", path, "name", status=400)
    broken = await client.ask("POST", path, '{"name": }', status=400, content_type="application/json")

    assert "content-type header required" in nothing_said.text
    assert "Malformed JSON" in broken.text


@pytest.mark.parametrize(
    ("accept", "status"),
    [("text/plain", 406), ("text/html,application/xml;q=0.9", 406), ("text/html,*/*;q=0.8", 200), ("", 200)],
)
async def test_answers_are_json_or_none(client: Client, accept: str, status: int) -> None:
    await client.ask("GET", "/resource_providers", status=status, accept=accept)


@pytest.mark.parametrize(
    ("minor", "change", "words"),
    [
        (39, {"consumer_type": "instance"}, "'instance' does not match '^[A-Z0-9_]+$'"),
        (39, {"consumer_type": None}, "Failed validating 'type'"),
        (39, {"allocations": {RP: {"resources": {"VCPU": 0}}}}, "0 is less than the minimum of 1"),
        (39, {"allocations": {RP: {"resources": {"cow": 1}}}}, "'cow' does not match any of the regexes"),
        (39, {"allocations": {RP.replace("-", ""): {"resources": {"VCPU": 1}}}}, "does not match any of the regexes"),
        (39, {"allocations": {RP: {"resources": {}}}}, "Failed validating 'minProperties'"),
        (39, {"project_id": ""}, "Failed validating 'minLength'"),
        (39, {"user_id": "x" * 256}, "Failed validating 'maxLength'"),
        (39, {"mappings": {"": "beta"}}, "'beta' is not of type 'array'"),
        (37, {}, "Additional properties are not allowed ('consumer_type' was unexpected)"),
    ],
)
async def test_it_says_what_is_wrong_with_allocations(
    client: Client, minor: int, change: dict[str, Any], words: str
) -> None:
    await client.provider(RP, "one", VCPU=4)

    wrong = {**allocation(VCPU=1), **change}

    for method, path, body in (
        ("PUT", f"/allocations/{SERVER}", wrong),
        ("POST", "/allocations", {SERVER: wrong}),
        ("POST", "/reshaper", {"inventories": {RP: _stock(1, VCPU={"total": 4})}, "allocations": {SERVER: wrong}}),
    ):
        refused = await client.refusal(method, path, body, minor=minor)
        assert refused.startswith("placement.undefined_code: JSON does not validate: ")
        assert words in refused


def _stock(generation: int, **inventories: dict[str, Any]) -> dict[str, Any]:
    return {"resource_provider_generation": generation, "inventories": inventories}


async def test_what_allocations_have_to_say_grew_with_the_versions(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    path = f"/allocations/{SERVER}"
    lists = {"allocations": [{"resource_provider": {"uuid": RP}, "resources": {"VCPU": 1}}]}
    maps = {"allocations": {RP: {"resources": {"VCPU": 1}}}}
    owner = {"project_id": "red", "user_id": "anna"}

    for minor, body, missing in (
        (8, lists, "'project_id' is a required property"),
        (12, maps, "'project_id' is a required property"),
        (12, {**maps, **owner, "allocations": {}}, "Failed validating 'minProperties'"),
        (28, {**maps, **owner}, "'consumer_generation' is a required property"),
        (38, {**maps, **owner, "consumer_generation": None}, "'consumer_type' is a required property"),
    ):
        assert missing in await client.refusal("PUT", path, body, minor=minor)
    for minor, body in ((0, lists), (8, {**lists, **owner}), (12, {**maps, **owner})):
        await client("PUT", path, body, minor=minor, status=204)


async def test_a_consumer_is_named_by_a_uuid_however_written(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    assert "Malformed consumer_uuid" in await client.refusal("PUT", "/allocations/me", allocation(VCPU=1))
    await client("PUT", f"/allocations/{SERVER.replace('-', '')}", allocation(VCPU=1), status=204)

    assert (await client("GET", f"/allocations/{SERVER}"))["allocations"]


async def test_a_conflict_of_consumers_tells_both_generations(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    path = f"/allocations/{SERVER}"

    early = await client.refusal("PUT", path, allocation(5, VCPU=1), status=409)
    await client("PUT", path, allocation(VCPU=1), status=204)
    late = await client.refusal("PUT", path, allocation(VCPU=1), status=409)

    assert early == "placement.concurrent_update: consumer generation conflict - expected null but got 5"
    assert late == "placement.concurrent_update: consumer generation conflict - expected 1 but got null"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"total": -1}, "-1 is less than the minimum of 1"),
        ({"total": 2**31}, "Failed validating 'maximum'"),
        ({"min_unit": 0}, "Failed validating 'minimum' in schema['properties']['min_unit']"),
        ({"allocation_ratio": 3.5e39}, "Failed validating 'maximum'"),
        ({"house": "red"}, "'house' was unexpected"),
        ({"reserved": 5}, f"Unable to create inventory for resource provider {RP}"),
        ({"resource_class": "COWS"}, "No such resource class COWS"),
        ({"resource_class": "cows"}, "does not match '^[A-Z0-9_]+$'"),
    ],
)
async def test_it_says_what_is_wrong_with_an_inventory(client: Client, change: dict[str, Any], words: str) -> None:
    await client.provider(RP, "one")

    assert words in await client.refusal("POST", STOCK, {"resource_class": "VCPU", "total": 4, **change})


async def test_all_may_be_reserved_since_there_is_a_version_for_it(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)
    full = _stock(1, VCPU={"total": 4, "reserved": 4})

    assert "greater than or equal to total" in await client.refusal("PUT", STOCK, full, minor=25)
    await client("PUT", STOCK, full, minor=26)


async def test_an_inventory_is_changed_or_deleted_only_where_there_is_one(client: Client) -> None:
    one = {"resource_provider_generation": 0, "total": 4}
    missing = await client.refusal("PUT", f"{STOCK}/VCPU", one, status=404)
    await client.provider(RP, "one")

    assert "No resource provider" in missing
    assert "No inventory record with resource class VCPU" in await client.refusal("PUT", f"{STOCK}/VCPU", one)
    assert "found for delete" in await client.refusal("DELETE", f"{STOCK}/VCPU", status=404)
    assert "'total' is a required property" in await client.refusal("POST", STOCK, {"resource_class": "VCPU"})


async def test_inventories_in_use_are_all_named(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4, DISK_GB=4)
    await client("PUT", f"/allocations/{SERVER}", allocation(VCPU=1, DISK_GB=1), status=204)

    refused = await client.refusal("DELETE", STOCK, status=409)

    assert refused.startswith("placement.inventory.inuse: Inventory for '")
    assert refused.endswith(f"' on resource provider '{RP}' in use.")
    assert "VCPU" in refused
    assert "DISK_GB" in refused


async def test_reshaping_tells_what_it_does_not_know(client: Client) -> None:
    await client.provider(RP, "one", VCPU=4)

    async def refused(inventories: dict[str, Any], status: int) -> str:
        return await client.refusal("POST", "/reshaper", {"inventories": inventories, "allocations": {}}, status=status)

    unknown = await refused({OTHER: _stock(0)}, 400)
    stale = await refused({RP: _stock(5)}, 409)

    assert unknown.startswith("placement.resource_provider.not_found")
    assert "resource provider generation conflict" in stale
    assert stale.endswith("actual: 1, given: 5")
    assert "Failed validating 'minProperties'" in await refused({}, 400)


@pytest.mark.parametrize(
    ("minor", "body", "words"),
    [
        (39, {"name": "x" * 201}, "Failed validating 'maxLength'"),
        (39, {"name": "two", "uuid": "this one"}, "is not a 'uuid'"),
        (39, {"name": "two", "uuid": OTHER, "parent_provider_uuid": OTHER}, "UUID cannot be same as UUID"),
        (39, {"name": "two", "parent_provider_uuid": OTHER}, "parent provider UUID does not exist"),
        (13, {"name": "two", "parent_provider_uuid": RP}, "'parent_provider_uuid' was unexpected"),
    ],
)
async def test_it_says_what_is_wrong_with_a_provider(
    client: Client, minor: int, body: dict[str, Any], words: str
) -> None:
    await client.provider(RP, "one")

    assert words in await client.refusal("POST", "/resource_providers", body, minor=minor)


async def test_a_tree_has_no_loops_and_was_not_to_be_changed_once(client: Client) -> None:
    await client.provider(RP, "one")
    await client.provider(CHILD, "child", RP)
    path = f"/resource_providers/{CHILD}"
    alone = {"name": "child", "parent_provider_uuid": None}

    for parent in (RP, CHILD):
        body = {"name": "one", "parent_provider_uuid": parent}
        assert "creating loop in the provider tree" in await client.refusal("PUT", f"/resource_providers/{RP}", body)
    assert "un-parenting a provider" in await client.refusal("PUT", path, alone, minor=36)
    assert (await client("PUT", path, alone))["root_provider_uuid"] == CHILD


@pytest.mark.parametrize(
    ("query", "minor", "words"),
    [
        ("resources=", 39, "Got: empty string"),
        ("resources=VCPU", 39, "Got: VCPU"),
        ("resources=VCPU:fred", 39, "Got: fred"),
        ("resources=VCPU:-2", 39, "Got: -2"),
        ("resources=COWS:1", 39, "Invalid resource class in resources parameter"),
        ("required=HW_CPU_X86_AVX", 17, "Additional properties are not allowed"),
        ("required=!HW_CPU_X86_AVX", 21, "Got: !HW_CPU_X86_AVX"),
        ("required=in:HW_CPU_X86_AVX", 38, "since microversion 1.39"),
        ("required=in:", 39, "Got: in:"),
        ("required=HW_CPU_X86_AVX,,HW_CPU_X86_SSE", 39, "Expected 'required' parameter value of the form"),
        ("required=in:HW_CPU_X86_AVX&required=!HW_CPU_X86_AVX", 39, "Conflicting required and forbidden traits"),
        (f"member_of={AGGREGATE}&member_of={AGGREGATE}", 23, "Multiple member_of parameters are not supported"),
        (f"member_of=!{AGGREGATE}", 31, "Forbidden member_of parameters are not supported"),
        ("member_of=me", 39, "Expected 'member_of' parameter to contain valid UUID(s)."),
        ("uuid=me", 39, "is not a 'uuid'"),
    ],
)
async def test_it_says_what_is_wrong_with_a_question_about_providers(
    client: Client, query: str, minor: int, words: str
) -> None:
    assert words in await client.refusal("GET", f"/resource_providers?{query}", minor=minor)


@pytest.mark.parametrize(
    ("query", "minor", "words"),
    [
        ("", 24, "'resources' is a required property"),
        ("limit=1", 39, "placement.query.missing_value"),
        ("resources=VCPU:1&limit=1", 15, "'limit' was unexpected"),
        ("resources=VCPU:1&limit=0", 39, "Failed validating 'pattern'"),
        ("resources=VCPU:1&group_policy=bogus", 39, "'bogus' is not one of"),
        ("resources1=VCPU:1", 24, "'resources1' was unexpected"),
        ("resources01=VCPU:1", 25, "'^resources([1-9][0-9]*)?$'"),
        ("resources1@=VCPU:1", 33, "'resources1@' does not match any of the regexes"),
        ("resources=VCPU:1&in_tree=me", 39, "Expected 'in_tree' parameter to be"),
        ("resources=VCPU:1&required1=HW_CPU_X86_AVX", 35, "All request groups must specify resources"),
        ("resources=VCPU:1&required1=HW_CPU_X86_AVX", 39, "placement.query.bad_value"),
        ("resources_A=VCPU:1&same_subtree=A", 39, "placement.query.bad_value"),
        ("resources_A=VCPU:1&same_subtree=_A,", 39, "placement.query.bad_value"),
        ("resources=VCPU:1&root_required=A&root_required=B", 39, "placement.query.duplicate_key"),
        ("resources=VCPU:1&root_required=HW_CPU_X86_AVX,!HW_CPU_X86_AVX", 39, "found in root_required: HW_CPU_X86_AVX"),
        ("resources=VCPU:1&root_required=FOO", 34, "'root_required' does not match any of the regexes"),
    ],
)
async def test_it_says_what_is_wrong_with_a_question_about_candidates(
    client: Client, query: str, minor: int, words: str
) -> None:
    assert words in await client.refusal("GET", CANDIDATES + query, minor=minor)


async def test_names_aggregates_and_questions_are_checked_everywhere(client: Client) -> None:
    await client.provider(RP, "one")
    twice = {"resource_provider_generation": 0, "aggregates": [AGGREGATE, AGGREGATE]}

    assert "Failed validating 'maxLength'" in await client.refusal("PUT", "/resource_classes/CUSTOM_" + "A" * 250)
    assert "non-unique elements" in await client.refusal("PUT", f"/resource_providers/{RP}/aggregates", twice)
    await client("PUT", f"/resource_providers/{OTHER}/aggregates", [], status=404)
    assert "('colour' was unexpected)" in await client.refusal("GET", "/traits?colour=red")
    assert "'project_id' is a required property" in await client.refusal("GET", "/usages")
    assert "Failed validating 'minLength'" in await client.refusal("GET", "/usages?project_id=")


async def test_a_stale_generation_is_told_before_unknown_traits_are(client: Client) -> None:
    await client.provider(RP, "one")
    body = {"resource_provider_generation": 5, "traits": ["CUSTOM_NOT_THERE"]}

    refused = await client.refusal("PUT", f"/resource_providers/{RP}/traits", body, status=409)

    assert refused.startswith("placement.concurrent_update")
