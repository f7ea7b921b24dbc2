"""Flavors as operators make them, give them away, and describe them by extra specs."""

from typing import Any

import pytest

from kilonova.api.flavors.known_specs import KNOWN
from kilonova.api.flavors.spec_rules import InvalidExtraSpec, check_spec
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud

_SIZE = {"name": "big", "ram": 1024, "vcpus": 2, "disk": 10}


async def make(cloud: Cloud, version: str = "2.1", **more: Any) -> dict[str, Any]:
    answer = await cloud.post("/flavors", {"flavor": {**_SIZE, **more}}, role="admin", version=version)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["flavor"]
    return made


async def test_a_flavor_is_made_shown_and_deleted(cloud: Cloud) -> None:
    made = await make(cloud, "2.55", id=10, ram="2048", swap=64, rxtx_factor="2.5", description="for tests")
    assert (made["id"], made["ram"], made["swap"], made["rxtx_factor"]) == ("10", 2048, 64, 2.5)
    assert (await cloud.get("/flavors/10", version="2.55")).json()["flavor"] == made
    assert (await cloud.delete("/flavors/10", role="admin")).status_code == 202
    assert (await cloud.get("/flavors/10")).status_code == 404
    assert (await cloud.delete("/flavors/10", role="admin")).status_code == 404


async def test_an_id_is_found_where_none_is_given(cloud: Cloud) -> None:
    made = await make(cloud, id=None)
    assert len(made["id"]) == 36


async def test_ids_and_names_are_taken_once(cloud: Cloud) -> None:
    await make(cloud, id="10")
    for body, words in (
        ({**_SIZE, "id": "11"}, "Flavor with name big already exists."),
        ({**_SIZE, "name": "other", "id": "10"}, "Flavor with ID 10 already exists."),
    ):
        answer = await cloud.post("/flavors", {"flavor": body}, role="admin")
        assert answer.status_code == 409
        assert answer.json()["conflictingRequest"]["message"] == words


@pytest.mark.parametrize(
    ("more", "version"),
    [
        ({"ram": 0}, "2.1"),
        ({"vcpus": "two"}, "2.1"),
        ({"disk": -1}, "2.1"),
        ({"id": "a/b"}, "2.1"),
        ({"id": ""}, "2.1"),
        ({"rxtx_factor": 0}, "2.1"),
        ({"rxtx_factor": "0"}, "2.1"),
        ({"rxtx_factor": "9" * 400}, "2.1"),
        ({"rxtx_factor": 1}, "2.102"),
        ({"description": "x"}, "2.54"),
        ({"name": " "}, "2.1"),
        ({"colour": "red"}, "2.1"),
    ],
)
async def test_what_will_not_do_is_a_400(cloud: Cloud, more: dict[str, Any], version: str) -> None:
    answer = await cloud.post("/flavors", {"flavor": {**_SIZE, **more}}, role="admin", version=version)
    assert answer.status_code == 400, answer.text


async def test_a_description_can_be_changed_and_cleared_from_2_55(cloud: Cloud) -> None:
    body = {"flavor": {"description": "tiny"}}
    assert (await cloud.put("/flavors/1", body, role="admin", version="2.54")).status_code == 404
    changed = await cloud.put("/flavors/1", body, role="admin", version="2.55")
    assert changed.json()["flavor"]["description"] == "tiny"
    cleared = await cloud.put("/flavors/1", {"flavor": {"description": None}}, role="admin", version="2.61")
    assert cleared.json()["flavor"]["description"] is None
    assert (await cloud.put("/flavors/nope", body, role="admin", version="2.55")).status_code == 404


async def test_a_private_flavor_is_seen_by_those_it_was_given_to(cloud: Cloud) -> None:
    await make(cloud, id="10", **{"os-flavor-access:is_public": False})
    assert (await cloud.get("/flavors/10")).status_code == 404
    given = await cloud.post("/flavors/10/action", {"addTenantAccess": {"tenant": PROJECT}}, role="admin")
    assert given.json() == {"flavor_access": [{"flavor_id": "10", "tenant_id": PROJECT}]}
    assert (await cloud.get("/flavors/10")).status_code == 200
    assert (await cloud.get("/flavors/10", project=OTHER_PROJECT)).status_code == 404
    assert (await cloud.get("/flavors/10/os-flavor-access", role="admin")).json() == given.json()
    again = await cloud.post("/flavors/10/action", {"addTenantAccess": {"tenant": PROJECT}}, role="admin")
    assert again.status_code == 409
    taken = await cloud.post("/flavors/10/action", {"removeTenantAccess": {"tenant": PROJECT}}, role="admin")
    assert taken.json() == {"flavor_access": []}
    taken = await cloud.post("/flavors/10/action", {"removeTenantAccess": {"tenant": PROJECT}}, role="admin")
    assert taken.status_code == 404


async def test_a_public_flavor_has_no_access_list(cloud: Cloud) -> None:
    listed = await cloud.get("/flavors/1/os-flavor-access", role="admin")
    assert listed.json()["itemNotFound"]["message"] == "Access list not available for public flavors."
    body = {"addTenantAccess": {"tenant": PROJECT}}
    assert (await cloud.post("/flavors/1/action", body, role="admin", version="2.7")).status_code == 409
    assert (await cloud.post("/flavors/1/action", body, role="admin", version="2.6")).status_code == 200


async def test_extra_specs_are_added_changed_and_taken_away(cloud: Cloud) -> None:
    path = "/flavors/1/os-extra_specs"
    specs = {"hw:cpu_policy": "shared", "hw:numa_nodes": 1}
    made = await cloud.post(path, {"extra_specs": specs}, role="admin")
    assert made.json() == {"extra_specs": {"hw:cpu_policy": "shared", "hw:numa_nodes": "1"}}
    changed = await cloud.put(f"{path}/hw:numa_nodes", {"hw:numa_nodes": "2"}, role="admin")
    assert changed.json() == {"hw:numa_nodes": "2"}
    assert (await cloud.put(f"{path}/other", {"hw:numa_nodes": "2"}, role="admin")).status_code == 400
    assert (await cloud.get(path)).json() == {"extra_specs": {"hw:cpu_policy": "shared", "hw:numa_nodes": "2"}}
    assert (await cloud.delete(f"{path}/hw:numa_nodes", role="admin")).status_code == 200
    gone = await cloud.delete(f"{path}/hw:numa_nodes", role="admin")
    assert gone.json()["itemNotFound"]["message"] == "Flavor 1 has no extra specs with key hw:numa_nodes."
    assert (await cloud.post(path, {"extra_specs": specs})).status_code == 403


async def test_extra_specs_are_checked_from_2_86(cloud: Cloud) -> None:
    path = "/flavors/1/os-extra_specs"
    wrong = {"extra_specs": {"hw:cpu_policy": "sharrred"}}
    assert (await cloud.post(path, wrong, role="admin", version="2.85")).status_code == 200
    answer = await cloud.post(path, wrong, role="admin", version="2.86")
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"].startswith("Validation failed; 'sharrred' is not one of")


def test_nova_s_validators_are_all_there() -> None:
    # 130 of Nova's, one of them twice; and the two names it reads without validating.
    assert len({name for name, _ in KNOWN}) >= 129


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw:cpu_policy", "dedicated"),
        ("hw:cpu_realtime", "on"),
        ("hw:cpu_realtime_mask", "^0-1,^3"),
        ("hw:mem_page_size", "2MB"),
        ("hw:numa_cpus.0", "0-3,^2"),
        ("hw:redirected_usb_ports", "15"),
        ("quota:cpu_quota", "-1"),
        ("quota:disk_io_shares_level", "high"),
        ("resources:VCPU", "2"),
        ("resources1:CUSTOM_GOLD", "1"),
        ("resources_NET:VGPU", "1"),
        ("trait:HW_CPU_X86_AVX", "required"),
        ("trait_1:CUSTOM_GOLD", "forbidden"),
        ("capabilities:hypervisor_type", "s== QEMU"),
        ("capabilities:cpu_info:vendor", "Intel"),
        ("aggregate_instance_extra_specs:ssd", "true"),
        ("pci_passthrough:alias", "gpu:1, nic:2"),
        ("myspace:anything", "goes"),
        ("plain", "goes"),
    ],
)
def test_specs_with_a_meaning_pass(name: str, value: str) -> None:
    check_spec(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw:nonsense", "1"),
        ("hw:numa_nodes", "0"),
        ("hw:numa_nodes", "many"),
        ("hw:cpu_realtime", "perhaps"),
        ("hw:redirected_usb_ports", "16"),
        ("hw:mem_page_size", "2 apples"),
        ("quota:nonsense", "1"),
        ("resources:NONSENSE", "1"),
        ("resources:VCPU", "x"),
        ("trait:nonsense", "required"),
        ("trait:HW_CPU_X86_AVX", "maybe"),
        ("group_policy", "some"),
        ("capabilities:nonsense", "1"),
        ("os:secure_boot", "x"),
    ],
)
def test_specs_that_are_wrong_do_not(name: str, value: str) -> None:
    with pytest.raises(InvalidExtraSpec):
        check_spec(name, value)
