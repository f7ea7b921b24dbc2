"""Other services tell of servers, each event answered by itself and worked on afterwards."""

import asyncio
import uuid
from typing import Any

from tests.api.cloud import PROJECT, Cloud
from tests.api.neighbours import FREE_PORT, PRIVATE
from tests.api.rows import put_servers

_VIF = {
    "port_id": FREE_PORT,
    "network_id": PRIVATE,
    "network_name": "private",
    "mac": "fa:16:3e:00:00:01",
    "addresses": [["10.0.0.9", 4]],
}


async def post(cloud: Cloud, *events: dict[str, Any], role: str = "service", version: str = "2.1") -> Any:
    return await cloud.post("/os-server-external-events", {"events": list(events)}, role=role, version=version)


async def test_a_floating_address_shows_once_the_network_has_told(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"vifs": [_VIF], "addresses": {}})
    cloud.neutron.things["ports"] = [
        {
            "id": FREE_PORT,
            "network_id": PRIVATE,
            "device_id": server_id,
            "fixed_ips": [{"ip_address": "10.0.0.9", "subnet_id": "s1"}],
        }
    ]
    cloud.neutron.things["floatingips"] = [
        {"id": "f1", "floating_ip_address": "172.24.4.7", "port_id": FREE_PORT, "project_id": PROJECT}
    ]
    answer = await post(cloud, {"name": "network-changed", "server_uuid": server_id})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "events": [{"name": "network-changed", "server_uuid": server_id, "status": "completed", "code": 200}]
    }
    async with asyncio.timeout(60):
        while not (shown := (await cloud.get(f"/servers/{server_id}")).json()["server"]["addresses"]):
            await asyncio.sleep(0.01)
    assert [(one["addr"], one["OS-EXT-IPS:type"]) for one in shown["private"]] == [
        ("10.0.0.9", "fixed"),
        ("172.24.4.7", "floating"),
    ]
    assert {one["OS-EXT-IPS-MAC:mac_addr"] for one in shown["private"]} == {"fa:16:3e:00:00:01"}


async def test_each_event_has_a_code_of_its_own(cloud: Cloud) -> None:
    here, nowhere = await put_servers(cloud.db, {}, {"host": None})
    unknown = str(uuid.uuid4())
    answer = await post(
        cloud,
        {"name": "volume-extended", "server_uuid": here, "tag": "v1"},
        {"name": "volume-extended", "server_uuid": here},
        {"name": "network-changed", "server_uuid": nowhere},
        {"name": "network-changed", "server_uuid": unknown},
        version="2.51",
    )
    assert answer.status_code == 207
    assert [event["code"] for event in answer.json()["events"]] == [200, 400, 422, 404]


async def test_only_services_and_admins_tell_and_only_what_the_version_knows(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    event = {"name": "volume-extended", "server_uuid": server_id, "tag": "v1"}
    assert (await post(cloud, event, role="member", version="2.51")).status_code == 403
    assert (await post(cloud, event, version="2.50")).status_code == 400
    assert (await post(cloud, event, role="admin", version="2.51")).status_code == 200
