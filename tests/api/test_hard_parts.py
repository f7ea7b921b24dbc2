"""The 25 behaviours that a new Compute API usually gets wrong, each by its number: 1 to 15.

What is told here in short is tested at length beside its noun.
"""

import pytest

from kilonova.db.repository import server_groups
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.rows import ADDRESSES, put_servers

_NOWHERE = "0d0c0b0a-0000-4000-8000-000000000001"


async def test_01_the_version_documents_are_four_different_answers(cloud: Cloud) -> None:
    get = cloud.client.get
    root = await get("/compute/")
    assert (root.status_code, sorted(root.json())) == (200, ["versions"])
    assert [one["min_version"] for one in root.json()["versions"]] == ["", "2.1"]
    assert "OpenStack-API-Version" not in root.headers
    other = await get("/compute/anything")
    assert (other.status_code, sorted(other.json())) == (300, ["choices"])
    for path in ("/compute/v2.1", "/compute/v2.1/"):
        answer = await get(path, follow_redirects=False)
        assert answer.status_code == 200
        assert [link["rel"] for link in answer.json()["version"]["links"]] == ["self", "describedby"]
    assert (await get("/compute/v2/")).json()["version"]["id"] == "v2.0"
    assert (await get(f"/compute/v2.1/{PROJECT}/")).status_code == 401


async def test_02_microversion_headers_are_two_in_two_out_on_every_answer(cloud: Cloud) -> None:
    new, old = "OpenStack-API-Version", "X-OpenStack-Nova-API-Version"
    for headers, status, served in (
        ({new: "volume 3.1, compute 2.40", old: "2.10"}, 404, "2.40"),
        ({new: "", old: "2.10"}, 404, "2.10"),
        ({new: "compute latest"}, 404, "2.104"),
        ({new: "compute 2.999"}, 406, "2.999"),
    ):
        answer = await cloud.client.get(
            f"/compute/v2.1/servers/{_NOWHERE}", headers={"X-Auth-Token": f"member:{PROJECT}", **headers}
        )
        assert answer.status_code == status, answer.text
        assert (answer.headers[new], answer.headers[old]) == (f"compute {served}", served)
        assert {new, old} <= {one.strip() for one in answer.headers["Vary"].split(",")}
    assert (await cloud.get("/servers", version="2.01")).status_code == 400


async def test_03_the_fault_envelope_has_its_odd_keys(cloud: Cloud) -> None:
    for path, version, key, code in (
        (f"/servers/{_NOWHERE}", "2.1", "itemNotFound", 404),
        ("/servers?limit=x", "2.1", "badRequest", 400),
        ("/os-agents", "2.1", "computeFault", 410),
        ("/servers", "2.999", "computeFault", 406),
        ("/os-services", "2.1", "forbidden", 403),
    ):
        answer = await cloud.get(path, version=version)
        assert answer.json()[key]["code"] == code == answer.status_code
        assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert (await cloud.call("PATCH", "/servers")).status_code == 404
    assert (await cloud.get("/servers")).headers["content-type"] == "application/json"
    nobody = await cloud.client.get("/compute/v2.1/servers")
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Keystone uri=")


async def test_04_validation_has_exact_words_and_changing_strictness(cloud: Cloud) -> None:
    body = {"keypair": {"name": "a", "extra": 1}}
    told = (await cloud.post("/os-keypairs", body)).json()["badRequest"]["message"]
    assert told.startswith("Invalid input for field/attribute keypair. Value: ")
    assert told.endswith("Additional properties are not allowed ('extra' was unexpected)")
    assert (await cloud.get("/servers?nothing=1", version="2.74")).status_code == 200
    refused = await cloud.get("/servers?nothing=1", version="2.75")
    assert refused.json()["badRequest"]["message"] == (
        "Additional properties are not allowed ('nothing' was unexpected)"
    )
    odd = await cloud.get("/servers?limit=-1", version="2.75")
    assert odd.json()["badRequest"]["message"].startswith("Invalid input for query parameters limit. Value: -1.")
    assert (await cloud.get("/os-availability-zone?x=1", version="2.101")).status_code == 200
    assert (await cloud.get("/os-availability-zone?x=1", version="2.102")).status_code == 400
    (server,) = await put_servers(cloud.db, {})
    named = await cloud.put(f"/servers/{server}", {"server": {"name": " outer "}})
    assert "An invalid 'name' value was provided." in named.json()["badRequest"]["message"]


async def test_05_the_project_may_stand_in_the_url_and_links_follow(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {})
    shown = (await cloud.get(f"/{PROJECT}/servers/{server}")).json()["server"]
    links = {link["rel"]: link["href"] for link in shown["links"]}
    assert links["self"].endswith(f"/v2.1/{PROJECT}/servers/{server}")
    assert links["bookmark"].endswith(f"/{PROJECT}/servers/{server}")
    assert "/v2.1" not in links["bookmark"]
    assert [link["rel"] for link in shown["flavor"]["links"]] == ["bookmark"]
    other = await cloud.get(f"/{OTHER_PROJECT}/servers")
    assert other.status_code == 400
    assert other.json()["badRequest"]["message"].startswith("Malformed request URL: URL's project_id")


async def test_06_success_codes_are_history_and_actions_are_told_by_their_key(cloud: Cloud) -> None:
    flavor = {"flavor": {"name": "f", "id": "f", "ram": 1, "vcpus": 1, "disk": 1}}
    assert (await cloud.post("/flavors", flavor, role="admin")).status_code == 200
    assert (await cloud.delete("/flavors/f", role="admin")).status_code == 202
    (server,) = await put_servers(cloud.db, {})
    path = f"/servers/{server}/action"
    tag = await cloud.put(f"/servers/{server}/tags/red", version="2.26")
    assert (tag.status_code, tag.headers["Location"].endswith("/tags/red")) == (201, True)
    assert (await cloud.put(f"/servers/{server}/tags/red", version="2.26")).status_code == 204
    unknown = await cloud.post(path, {"x": None})
    assert unknown.json()["badRequest"]["message"] == "There is no such action: x"
    two = await cloud.post(path, {"os-start": None, "os-stop": None})
    assert two.json()["badRequest"]["message"] == "Malformed request body"
    assert (await cloud.post(path, {"trigger_crash_dump": {}}, version="2.17")).status_code == 400


async def test_07_create_answers_little_at_once_and_wrong_things_are_400(cloud: Cloud) -> None:
    device = {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": 0}
    body = {"name": "a", "flavorRef": "1", "networks": "none", "block_device_mapping_v2": [device]}
    made = await cloud.post("/servers", {"server": body}, version="2.37")
    assert made.status_code == 202, made.text
    server = made.json()["server"]
    assert set(server) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert made.headers["Location"] == server["links"][0]["href"]
    shown = (await cloud.get(f"/servers/{server['id']}")).json()["server"]
    assert (shown["status"], shown["addresses"], shown["hostId"]) == ("BUILD", {}, "")
    for wrong in ({"flavorRef": "x"}, {"key_name": "x"}, {"imageRef": _NOWHERE}):
        assert (await cloud.post("/servers", {"server": body | wrong}, version="2.37")).status_code == 400
    reserved = {"server": body | {"return_reservation_id": True}}
    answer = await cloud.post("/servers", reserved, version="2.37")
    assert answer.json()["reservation_id"].startswith("r-")


@pytest.mark.parametrize(
    ("row", "status", "progress"),
    [
        ({"task_state": "powering-off"}, "ACTIVE", True),
        ({"task_state": "resize_prep"}, "RESIZE", True),
        ({"task_state": "rebuilding"}, "REBUILD", True),
        ({"task_state": "rebooting"}, "REBOOT", False),
        ({"vm_state": "stopped"}, "SHUTOFF", False),
        ({"vm_state": "error"}, "ERROR", False),
    ],
)
async def test_08_status_is_computed_from_state_and_task(
    cloud: Cloud, row: dict[str, str], status: str, progress: bool
) -> None:
    (server,) = await put_servers(cloud.db, row)
    shown = (await cloud.get(f"/servers/{server}")).json()["server"]
    assert (shown["status"], "progress" in shown, "fault" in shown) == (status, progress, False)


async def test_08_the_task_is_visible_before_the_answer(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {})
    assert (await cloud.post(f"/servers/{server}/action", {"reboot": {"type": "HARD"}})).status_code == 202
    assert (await cloud.get(f"/servers/{server}")).json()["server"]["status"] == "HARD_REBOOT"


async def test_09_state_checks_and_locks_say_409_in_fixed_words(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {"vm_state": "stopped"})
    path = f"/servers/{server}/action"
    told = await cloud.post(path, {"os-stop": None})
    words = f"Cannot 'stop' instance {server} while it is in vm_state stopped"
    assert (told.status_code, told.json()["conflictingRequest"]["message"]) == (409, words)
    assert (await cloud.post(path, {"lock": None}, role="admin")).status_code == 202
    locked = await cloud.post(path, {"os-start": None})
    assert locked.json()["conflictingRequest"]["message"] == f"Instance {server} is locked"
    assert (await cloud.put(f"/servers/{server}", {"server": {"name": "b"}})).status_code == 200
    assert (await cloud.put(f"/servers/{server}/tags/a", version="2.26")).status_code == 201


async def test_09_delete_is_accepted_even_twice(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {"vm_state": "error"})
    assert [(await cloud.delete(f"/servers/{server}")).status_code for _ in range(2)] == [204, 204]


async def test_10_a_page_exactly_full_has_a_next_link_and_a_short_one_has_none(cloud: Cloud) -> None:
    await put_servers(cloud.db, {}, {})
    assert "servers_links" in (await cloud.get("/servers?limit=2")).json()
    assert "servers_links" not in (await cloud.get("/servers?limit=3")).json()
    assert (await cloud.get("/servers?limit=0")).json()["servers"] == []
    assert (await cloud.get("/servers?limit=-1")).status_code == 400
    lost = await cloud.get(f"/servers?marker={_NOWHERE}")
    assert lost.json()["badRequest"]["message"] == f"marker [{_NOWHERE}] not found"


async def test_11_some_filters_are_exact_some_expressions_and_some_vanish(cloud: Cloud) -> None:
    await put_servers(cloud.db, {"name": "web1"}, {"name": "web2"}, {"name": "db", "host": "host9"})

    async def names(query: str, **more: str) -> list[str]:
        answer = await cloud.get(f"/servers?{query}", **more)
        assert answer.status_code == 200, answer.text
        return sorted(one["name"] for one in answer.json()["servers"])

    assert await names("name=^web") == ["web1", "web2"]
    assert await names("host=host9") == ["db", "web1", "web2"]
    assert await names("host=host9&all_tenants=1", role="admin") == ["db"]
    assert await names("status=NONSENSE") == []
    assert (await cloud.get("/servers?status=NONSENSE", version="2.38")).status_code == 400
    assert (await cloud.get("/servers?status=DELETED")).status_code == 403
    assert (await cloud.get("/servers?sort_key=host")).status_code == 403


async def test_12_isolation_is_mostly_404_and_sometimes_403(cloud: Cloud) -> None:
    (theirs,) = await put_servers(cloud.db, {"project_id": OTHER_PROJECT})
    hidden = await cloud.get(f"/servers/{theirs}")
    assert hidden.status_code == 404
    assert hidden.json()["itemNotFound"]["message"] == f"Instance {theirs} could not be found."
    assert (await cloud.get(f"/servers/{theirs}/tags", version="2.26")).status_code == 403
    group = "0d0c0b0a-0000-4000-8000-00000000000a"
    async with cloud.db.begin() as tx:
        await server_groups.insert(
            tx, id=group, project_id=OTHER_PROJECT, user_id="u", name="g", policy="affinity", rules="{}",
            created_at=cloud.world.clock.now(),
        )  # fmt: skip
    assert (await cloud.get(f"/os-server-groups/{group}")).status_code == 403
    assert (await cloud.get("/servers?all_tenants")).status_code == 403
    assert (await cloud.get("/servers?all_tenants=0")).status_code == 200
    assert (await cloud.get(f"/servers?project_id={OTHER_PROJECT}", role="admin")).json()["servers"] == []
    assert (await cloud.get("/servers/no-uuid")).status_code == 404


async def test_13_what_is_not_shown_is_absent_not_null(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {"security_groups": []})

    async def shown(role: str, version: str) -> dict[str, object]:
        answer = await cloud.get(f"/servers/{server}", role=role, version=version)
        return dict(answer.json()["server"])

    user, admin = await shown("member", "2.100"), await shown("admin", "2.100")
    assert "security_groups" not in user
    assert not {"OS-EXT-SRV-ATTR:host", "host_status"} & user.keys()
    assert {"OS-EXT-SRV-ATTR:host", "host_status"} <= admin.keys()
    for member, since in (
        ("locked", 9), ("description", 19), ("tags", 26), ("trusted_image_certificates", 63), ("server_groups", 71),
        ("locked_reason", 73), ("pinned_availability_zone", 96), ("scheduler_hints", 100),
    ):  # fmt: skip
        assert member not in await shown("member", f"2.{since - 1}")
        assert member in await shown("member", f"2.{since}")
    listed = (await cloud.get("/servers/detail", version="2.100")).json()["servers"]
    assert "server_groups" not in listed[0]


async def test_14_types_and_times_differ_field_by_field(cloud: Cloud) -> None:
    (server,) = await put_servers(cloud.db, {})
    shown = (await cloud.get(f"/servers/{server}")).json()["server"]
    assert shown["created"] == "2013-09-03T04:01:32Z"
    assert shown["OS-SRV-USG:launched_at"] == "2013-09-23T13:37:00.880302"
    assert (shown["config_drive"], shown["OS-EXT-STS:power_state"]) == ("", 1)
    old = (await cloud.get("/flavors/1")).json()["flavor"]
    new = (await cloud.get("/flavors/1", version="2.75")).json()["flavor"]
    assert (old["swap"], new["swap"], type(old["rxtx_factor"])) == ("", 0, float)
    assert (await cloud.get("/limits")).json()["limits"]["rate"] == []


async def test_15_addresses_are_by_network_name_and_plain_below_ips(cloud: Cloud) -> None:
    floating = {**ADDRESSES["private"][0], "addr": "198.51.100.7", "OS-EXT-IPS:type": "floating"}
    addresses = {"private": [*ADDRESSES["private"], floating]}
    (server,) = await put_servers(cloud.db, {"addresses": addresses})
    shown = (await cloud.get(f"/servers/{server}")).json()["server"]["addresses"]
    assert shown == addresses
    plain = (await cloud.get(f"/servers/{server}/ips")).json()["addresses"]
    assert {frozenset(one) for one in plain["private"]} == {frozenset({"version", "addr"})}
    assert (await cloud.get(f"/servers/{server}/ips/unknown")).status_code == 404
