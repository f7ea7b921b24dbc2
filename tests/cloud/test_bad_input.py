"""Bad input gets the right status and Nova's words, leaves nothing behind, and is never the cloud's fault."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from tests.cloud.running import VERSION, RunningCloud, running_cloud, state_in_memory

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "11111111-2222-3333-4444-555555555555"

HOSTILE_NAMES = {
    "NUL": "a\0b",
    "a path upwards": "../../etc/passwd",
    "quotes": """'"; DROP TABLE servers; --""",
    "a script": "<script>alert(1)</script>",
    "300 characters": "x" * 300,
    "emoji": "🐧 ünïcode 日本",
    "a newline": "a\nb",
    "a format": "%s%n{0}${jndi:x}",
    "spaces only": "   ",
    "nothing": "",
    "an escape": "\x1b[31mred",
    "a lone surrogate": "\ud800",
}

# JSON of the wrong shape for any document there is.
WRONG_BODIES = {
    "half a document": b'{"server": {',
    "no JSON": b"\xff\xfe\x00",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "text": b'"server"',
    "an empty object": b"{}",
    "deep nesting": b"[" * 5000 + b"]" * 5000,
    "not a number": b'{"server": NaN}',
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud() -> AsyncIterator[RunningCloud]:
    with state_in_memory("bad-input") as state:
        async with running_cloud(state) as started:
            await started.image()
            yield started


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_left(cloud: RunningCloud) -> AsyncIterator[None]:
    """Whatever a test asked for, in the end there is what was there before."""
    before = await _everything(cloud)
    yield
    assert await _everything(cloud) == before


async def _everything(cloud: RunningCloud) -> dict[str, Any]:
    servers = (await cloud.http.get("/compute/v2.1/servers")).json()["servers"]
    networks = (await cloud.admin.get("/network/v2.0/networks")).json()["networks"]
    groups = (await cloud.admin.get("/network/v2.0/security-groups")).json()["security_groups"]
    users = (await cloud.admin.get("/identity/v3/users")).json()["users"]
    keys = (await cloud.http.get("/compute/v2.1/os-keypairs")).json()["keypairs"]
    found = {"servers": servers, "networks": networks, "groups": groups, "users": users, "keys": keys}
    ids = {name: sorted(one.get("id") or one["keypair"]["name"] for one in ones) for name, ones in found.items()}
    return await cloud.ledger() | ids


async def _send(cloud: RunningCloud, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
    """JSON with lone surrogates, NUL and all, as a hostile client would send it. Never a 5xx."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | (VERSION if path.startswith("/compute") else {})
    answer = await cloud.http.request(method, path, content=content, headers=headers | more.pop("headers", {}), **more)
    assert answer.status_code < 500, f"{method} {path} {content!r}: {answer.status_code} {answer.text}"
    return answer


async def _server(cloud: RunningCloud, **changes: Any) -> httpx.Response:
    wanted = {"name": "bad", "flavorRef": "1", "imageRef": await cloud.image(), "networks": "none"}
    return await _send(cloud, "POST", "/compute/v2.1/servers", {"server": wanted | changes})


def _fault(answer: httpx.Response, kind: str = "badRequest") -> str:
    """The message of a fault in Nova's form."""
    document = answer.json()
    assert list(document) == [kind]
    assert document[kind]["code"] == answer.status_code
    return str(document[kind]["message"])


# -- compute: bodies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
@pytest.mark.parametrize(
    "path",
    ["/servers", f"/servers/{NOBODY}/action", "/os-keypairs", "/flavors", f"/servers/{NOBODY}/os-volume_attachments"],
)
async def test_a_body_that_makes_no_sense_is_a_bad_request(cloud: RunningCloud, path: str, body: bytes) -> None:
    answer = await _send(cloud, "POST", f"/compute/v2.1{path}", body)
    assert answer.status_code in (400, 403, 404)
    (fault,) = answer.json().values()
    assert fault["message"]


async def test_malformed_json_is_said_in_novas_words(cloud: RunningCloud) -> None:
    answer = await _send(cloud, "POST", "/compute/v2.1/servers", b'{"server": {')
    assert answer.status_code == 400
    assert _fault(answer) == "Malformed request body"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read_to_the_end(cloud: RunningCloud) -> None:
    answer = await _send(cloud, "POST", "/compute/v2.1/servers", b"[" + b" " * 200_000 + b"]")
    assert answer.status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    answer = await cloud.http.post("/compute/v2.1/servers", content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_another_kind_of_content_is_refused(cloud: RunningCloud) -> None:
    answer = await _send(cloud, "POST", "/compute/v2.1/servers", b"<server/>", headers={"Content-Type": "text/xml"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"flavorRef": {}},
            "Invalid input for field/attribute flavorRef. Value: {}. {} is not of type 'string', 'integer'",
        ),
        ({"name": 1}, "Invalid input for field/attribute name. Value: 1. 1 is not of type 'string'"),
        ({"metadata": []}, "Invalid input for field/attribute metadata. Value: []. [] is not of type 'object'"),
        ({"min_count": "many"}, "Invalid input for field/attribute min_count. Value: many."),
        ({"networks": [{"uuid": "x"}]}, "[{'uuid': 'x'}] is not valid under any of the given schemas"),
        ({"nonsense": 1}, "Additional properties are not allowed ('nonsense' was unexpected)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_wrong_types_are_named_with_field_and_value(
    cloud: RunningCloud, changes: dict[str, Any], said: str
) -> None:
    answer = await _server(cloud, **changes)
    assert answer.status_code == 400
    assert said in _fault(answer)


async def test_what_a_server_must_have_is_named(cloud: RunningCloud) -> None:
    answer = await _send(cloud, "POST", "/compute/v2.1/servers", {"server": {"name": "bad"}})
    assert answer.status_code == 400
    assert _fault(answer).endswith("'flavorRef' is a required property")


# -- compute: what is not there ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/servers/{id}", None),
        ("DELETE", "/servers/{id}", None),
        ("PUT", "/servers/{id}", {"server": {"name": "x"}}),
        ("POST", "/servers/{id}/action", {"os-stop": None}),
        ("GET", "/servers/{id}/os-interface", None),
        ("GET", "/servers/{id}/os-volume_attachments", None),
        ("GET", "/servers/{id}/metadata", None),
        ("GET", "/servers/{id}/tags", None),
        ("GET", "/servers/{id}/os-instance-actions", None),
        ("GET", "/flavors/{id}", None),
        ("GET", "/os-keypairs/{id}", None),
        ("DELETE", "/os-keypairs/{id}", None),
    ],
)
@pytest.mark.parametrize("unknown", [NOBODY, "nonsense", "%00", "..%2f..%2fetc", "%27%3B--", "x" * 300, "%F0%9F%90%A7"])
async def test_an_unknown_id_is_not_found(cloud: RunningCloud, method: str, path: str, body: Any, unknown: str) -> None:
    answer = await _send(cloud, method, "/compute/v2.1" + path.format(id=unknown), body)
    assert answer.status_code in (400, 404)


async def test_an_unknown_server_is_said_in_novas_words(cloud: RunningCloud) -> None:
    answer = await _send(cloud, "GET", f"/compute/v2.1/servers/{NOBODY}")
    assert answer.status_code == 404
    assert _fault(answer, "itemNotFound") == f"Instance {NOBODY} could not be found."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flavorRef": "99"}, "Flavor 99 could not be found."),
        ({"imageRef": NOBODY}, "Can not find requested image"),
        ({"networks": [{"uuid": NOBODY}]}, f"Network {NOBODY} could not be found."),
        ({"networks": [{"port": NOBODY}]}, f"Port id {NOBODY} could not be found."),
        ({"key_name": "nobody's"}, "Invalid key_name provided."),
        ({"availability_zone": "mars"}, "The requested availability zone is not available"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_server_of_parts_that_are_not_there_is_a_bad_request(
    cloud: RunningCloud, changes: dict[str, Any], said: str
) -> None:
    answer = await _server(cloud, **changes)
    assert answer.status_code == 400
    assert said in _fault(answer)


@pytest.mark.parametrize("path", ["/nonsense", "/servers/a/b/c/d", "/servers/%00", "/%F0%9F%90%A7"])
async def test_urls_that_lead_nowhere_are_not_found(cloud: RunningCloud, path: str) -> None:
    answer = await _send(cloud, "GET", f"/compute/v2.1{path}")
    assert answer.status_code == (400 if "%00" in path else 404)


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=many", "marker=%00", f"marker={NOBODY}", "sort_key=nonsense", "changes-since=yesterday"],
)
async def test_a_query_that_makes_no_sense_is_a_bad_request(cloud: RunningCloud, query: str) -> None:
    answer = await _send(cloud, "GET", f"/compute/v2.1/servers?{query}")
    assert answer.status_code == 400
    assert _fault(answer)


@pytest.mark.parametrize(
    "query", ["name=%00", "name=(((", "ip=%5B", "status=nonsense", "name='%3B--", "tags=" + "x" * 300]
)
async def test_hostile_filters_find_nothing_or_are_refused(cloud: RunningCloud, query: str) -> None:
    answer = await _send(cloud, "GET", f"/compute/v2.1/servers?{query}")
    assert answer.status_code in (200, 400)
    assert not answer.json().get("servers")


async def test_versions_there_are_not_are_refused(cloud: RunningCloud) -> None:
    for asked, status in (("compute 2.9999", 406), ("compute x.y", 400), ("compute 1.0", 406)):
        answer = await _send(cloud, "GET", "/compute/v2.1/servers", headers={"OpenStack-API-Version": asked})
        assert answer.status_code == status


# -- compute: names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
async def test_a_hostile_server_name_is_refused_or_kept_to_the_letter(cloud: RunningCloud, name: str) -> None:
    answer = await _server(cloud, name=name)
    if answer.status_code == 400:
        assert any(word in _fault(answer) for word in ("name", "Malformed", "NUL"))
        return
    assert answer.status_code == 202
    server_id = answer.json()["server"]["id"]
    server = await cloud.until(server_id, {"ACTIVE", "ERROR"})
    assert (server["status"], server["name"]) == ("ACTIVE", name)
    assert set(server["OS-EXT-SRV-ATTR:hostname"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    await cloud.delete(server_id)
    await cloud.gone(server_id)


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
async def test_a_hostile_key_name_is_refused_or_kept(cloud: RunningCloud, name: str) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFRllN2rUOwJVxc6ExqxaHZ1XgWIpXm4h2mjT6YhZKMv me"
    answer = await _send(cloud, "POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": name, "public_key": key}})
    assert answer.status_code in (200, 201, 400)
    if answer.status_code != 400:
        made = answer.json()["keypair"]["name"]
        assert made == name
        gone = await cloud.http.delete(f"/compute/v2.1/os-keypairs/{quote(made, safe='')}")
        assert gone.status_code in (202, 204)


@pytest.mark.parametrize("value", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
async def test_hostile_metadata_and_tags_are_refused_or_kept(cloud: RunningCloud, value: str) -> None:
    answer = await _server(cloud, metadata={"key": value}, tags=[value])
    if answer.status_code == 400:
        assert _fault(answer)
        return
    server_id = answer.json()["server"]["id"]
    server = await cloud.until(server_id, {"ACTIVE"})
    assert (server["metadata"], server["tags"]) == ({"key": value}, [value])
    await cloud.delete(server_id)
    await cloud.gone(server_id)


# -- compute: limits ---------------------------------------------------------------------------------------------------


async def test_an_exhausted_quota_says_which_and_how_much(cloud: RunningCloud) -> None:
    project = (await cloud.http.get("/identity/v3/auth/projects")).json()["projects"][0]["id"]
    path = f"/compute/v2.1/os-quota-sets/{project}"
    answer = await cloud.admin.put(path, json={"quota_set": {"cores": 1}}, headers=VERSION)
    assert answer.status_code == 200, answer.text
    try:
        answer = await _server(cloud, flavorRef=await cloud.flavor("m1.large"))
        assert answer.status_code == 403
        assert _fault(answer, "forbidden") == "Quota exceeded for cores: Requested 4, but already used 0 of 1 cores"
    finally:
        await cloud.admin.delete(path, headers=VERSION)


async def test_a_server_for_which_there_is_no_host_ends_in_error_and_holds_nothing(cloud: RunningCloud) -> None:
    body = {"flavor": {"name": "huge", "ram": 9_999_999, "vcpus": 1, "disk": 1}}
    flavor = (await cloud.admin.post("/compute/v2.1/flavors", json=body, headers=VERSION)).json()["flavor"]["id"]
    answer = await _server(cloud, flavorRef=flavor, networks=[{"uuid": await cloud.network()}])
    assert answer.status_code == 202
    server = await cloud.until(answer.json()["server"]["id"], {"ERROR"})

    assert server["fault"]["code"] == 500
    assert server["fault"]["message"].startswith("No valid host was found.")
    ledger = await cloud.ledger()
    assert (ledger["claims"], ledger["ports"], ledger["guests"]) == ({}, [], [])
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    await cloud.admin.delete(f"/compute/v2.1/flavors/{flavor}")


async def test_an_action_in_the_wrong_state_is_a_conflict(cloud: RunningCloud) -> None:
    server = await cloud.active("bad")
    for action, value in (("os-start", None), ("unpause", None), ("resume", None), ("unrescue", None),
                          ("confirmResize", None), ("revertResize", None), ("unshelve", None)):  # fmt: skip
        path = f"/compute/v2.1/servers/{server['id']}/action"
        answer = await _send(cloud, "POST", path, {action: value})
        assert answer.status_code in (400, 409), action
        (fault,) = answer.json().values()
        assert fault["message"]
    unknown = await _send(cloud, "POST", f"/compute/v2.1/servers/{server['id']}/action", {"dance": None})
    assert unknown.status_code == 400
    two = await _send(cloud, "POST", f"/compute/v2.1/servers/{server['id']}/action", {"pause": None, "os-stop": None})
    assert two.status_code == 400
    assert (await cloud.show(server["id"]))["status"] == "ACTIVE"
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])


# -- tokens ------------------------------------------------------------------------------------------------------------

SERVICES = {
    "identity": "/identity/v3/users",
    "compute": "/compute/v2.1/servers",
    "image": "/image/v2/images",
    "network": "/network/v2.0/networks",
    "volume": "/volume/v3/volumes",
    "placement": "/placement/resource_providers",
}


@pytest.mark.parametrize("path", SERVICES.values(), ids=SERVICES)
@pytest.mark.parametrize("token", [None, "", "nonsense", "x" * 8000, "gAAAAAB" + "A" * 200, "a b"])
async def test_who_has_no_token_is_told_to_log_in(cloud: RunningCloud, path: str, token: str | None) -> None:
    async with httpx.AsyncClient(base_url=cloud.url, trust_env=False) as stranger:
        headers = {} if token is None else {"X-Auth-Token": token}
        answer = await stranger.get(path, headers=headers | {"X-User-Id": "admin", "X-Roles": "admin"})
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


# -- the neighbours ----------------------------------------------------------------------------------------------------

DOCUMENTS = {
    "identity tokens": "/identity/v3/auth/tokens",
    "identity credentials": "/identity/v3/users/{user}/application_credentials",
    "image": "/image/v2/images",
    "network": "/network/v2.0/networks",
    "subnet": "/network/v2.0/subnets",
    "port": "/network/v2.0/ports",
    "security group": "/network/v2.0/security-groups",
    "rule": "/network/v2.0/security-group-rules",
    "router": "/network/v2.0/routers",
    "floating IP": "/network/v2.0/floatingips",
    "volume": "/volume/v3/volumes",
    "snapshot": "/volume/v3/snapshots",
    "attachment": "/volume/v3/attachments",
}


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
@pytest.mark.parametrize("path", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_the_neighbours_refuse_bodies_that_make_no_sense(cloud: RunningCloud, path: str, body: bytes) -> None:
    user = (await cloud.admin.get("/identity/v3/users?name=demo")).json()["users"][0]["id"]
    answer = await _send(cloud, "POST", path.format(user=user), body)
    if path.startswith("/image") and body == b"{}":
        # An image needs no more than that, as in Glance.
        assert answer.status_code == 201
        await cloud.http.delete(f"{path}/{answer.json()['id']}")
        return
    assert answer.status_code in (400, 403, 413, 415)


@pytest.mark.parametrize(
    "path",
    ["/identity/v3/users", "/image/v2/images", "/network/v2.0/networks", "/network/v2.0/ports",
     "/network/v2.0/security-groups", "/network/v2.0/routers", "/network/v2.0/floatingips", "/volume/v3/volumes",
     "/volume/v3/snapshots", "/volume/v3/attachments"],
)  # fmt: skip
@pytest.mark.parametrize("unknown", [NOBODY, "nonsense", "%00", "..%2f..%2fetc", "%27%3B--", "x" * 300])
async def test_the_neighbours_do_not_find_what_is_not_there(cloud: RunningCloud, path: str, unknown: str) -> None:
    for method in ("GET", "DELETE"):
        answer = await _send(cloud, method, f"{path}/{unknown}")
        assert answer.status_code in (400, 403, 404)


NAMED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "image": ("/image/v2/images", "", {"disk_format": "raw", "container_format": "bare"}),
    "network": ("/network/v2.0/networks", "network", {}),
    "router": ("/network/v2.0/routers", "router", {}),
    "security group": ("/network/v2.0/security-groups", "security_group", {}),
    "volume": ("/volume/v3/volumes", "volume", {"size": 1}),
}


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
@pytest.mark.parametrize("noun", NAMED)
async def test_the_neighbours_refuse_hostile_names_or_keep_them(cloud: RunningCloud, noun: str, name: str) -> None:
    path, member, more = NAMED[noun]
    wanted = more | {"name": name}
    answer = await _send(cloud, "POST", path, {member: wanted} if member else wanted)
    if answer.status_code == 400:
        return
    assert answer.status_code in (200, 201, 202)
    made = answer.json()[member] if member else answer.json()
    assert made["name"] == name.strip() or made["name"] == name
    async with asyncio.timeout(60):
        while (await cloud.http.delete(f"{path}/{made['id']}")).status_code not in (404, 204):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/network/v2.0/networks", {"network": {"name": 1}}),
        ("/network/v2.0/networks", {"network": {"nonsense": True}}),
        ("/network/v2.0/subnets", {"subnet": {"network_id": NOBODY, "ip_version": 4, "cidr": "10.0.0.0/24"}}),
        ("/network/v2.0/ports", {"port": {"network_id": "x"}}),
        ("/network/v2.0/ports", {"port": {"network_id": NOBODY}}),
        ("/network/v2.0/security-group-rules", {"security_group_rule": {"direction": "sideways"}}),
        ("/volume/v3/volumes", {"volume": {"size": -1}}),
        ("/volume/v3/volumes", {"volume": {"size": "big"}}),
        ("/volume/v3/volumes", {"volume": {"size": 10**30}}),
        ("/volume/v3/volumes", {"volume": {"size": 1, "imageRef": NOBODY}}),
        ("/volume/v3/snapshots", {"snapshot": {"volume_id": NOBODY}}),
        ("/image/v2/images", {"name": "x", "disk_format": "floppy"}),
        ("/image/v2/images", {"name": "x", "id": "nonsense"}),
        ("/image/v2/images", {"name": "x", "visibility": "secret"}),
        ("/identity/v3/auth/tokens", {"auth": {"identity": {"methods": ["magic"]}}}),
        ("/identity/v3/auth/tokens", {"auth": {"identity": {"methods": "password"}}}),
    ],
)
async def test_the_neighbours_refuse_wrong_values(cloud: RunningCloud, path: str, body: dict[str, Any]) -> None:
    answer = await _send(cloud, "POST", path, body)
    assert answer.status_code in (400, 401, 404)


async def test_a_subnet_of_nonsense_is_refused(cloud: RunningCloud) -> None:
    network = await cloud.network()
    for wrong in ("nonsense", "10.0.0.0/99", "::/0", "10.0.0.1", "0.0.0.0/0\n", "10.0.0.0/24; rm -rf /"):
        body = {"subnet": {"network_id": network, "ip_version": 4, "cidr": wrong}}
        assert (await _send(cloud, "POST", "/network/v2.0/subnets", body)).status_code in (400, 409)


async def test_bits_that_are_not_what_the_image_says_are_refused(cloud: RunningCloud) -> None:
    body = {"name": "bad", "disk_format": "qcow2", "container_format": "bare"}
    image = (await cloud.http.post("/image/v2/images", json=body)).json()["id"]
    content = {"Content-Type": "application/octet-stream"}
    answer = await cloud.http.put(f"/image/v2/images/{image}/file", content=b"no image " * 100, headers=content)
    assert answer.status_code in (400, 415)
    answer = await _server(cloud, imageRef=image)
    assert answer.status_code == 400
    await cloud.http.delete(f"/image/v2/images/{image}")


async def test_wrong_passwords_and_wrong_users_look_the_same(cloud: RunningCloud) -> None:
    answers = []
    for user, password in (("demo", "wrong"), (f"nobody-{uuid.uuid4()}", "wrong"), ("demo", "x" * 5000)):
        who = {"name": user, "domain": {"name": "Default"}, "password": password}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": who}}}}
        answers.append(await _send(cloud, "POST", "/identity/v3/auth/tokens", body))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
