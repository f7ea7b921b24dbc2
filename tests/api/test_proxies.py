"""What compute once was the way to, until 2.35: passed on to the real services, shown in the old words."""

import asyncio
import os
from typing import Any

import pytest

from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.rows import put_servers

ADMIN = f"admin:{PROJECT}"
MEMBER = f"member:{PROJECT}"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
# Where a host has a route to the external network, every process of tests needs one of its own.
OUTER = f"10.{171 + os.getpid() % 40}.{os.getpid() // 40 % 250}.0/24"


async def _neutron(cloud: Cloud, collection: str, token: str = MEMBER, **body: Any) -> dict[str, Any]:
    member = collection[:-1]
    sent = {member: {name.replace("__", ":"): value for name, value in body.items()}}
    rest = cloud.world.network._rest
    made: dict[str, Any] = (await rest.json("POST", f"/v2.0/{collection}", token=token, json=sent))[member]
    return made


async def make_network(cloud: Cloud, cidr: str = "10.5.0.0/24", token: str = MEMBER, **more: Any) -> dict[str, Any]:
    network = await _neutron(cloud, "networks", token, **{"name": "private", **more})
    await _neutron(cloud, "subnets", token, network_id=network["id"], cidr=cidr, ip_version=4)
    return network


async def make_image(cloud: Cloud, **properties: str) -> str:
    made = await cloud.images.create(
        MEMBER, name="tiny", properties=properties, disk_format="raw", container_format="bare"
    )
    return made.id


# -- images ------------------------------------------------------------------------------------------------------------


async def test_images_are_listed_page_by_page(whole: Cloud) -> None:
    made = [await make_image(whole) for _ in range(3)]
    page = (await whole.get("/images?limit=2")).json()
    assert [one["id"] for one in page["images"]] == [made[2], made[1]]
    assert page["images_links"][0]["href"].endswith(f"/images?limit=2&marker={made[1]}")
    rest = (await whole.get(f"/images/detail?limit=2&marker={made[1]}")).json()
    assert [one["id"] for one in rest["images"]] == [made[0]]
    assert (await whole.get("/images?name=tiny&status=SAVING")).json()["images"] == []
    assert (await whole.get(f"/images?marker={UNKNOWN}")).status_code == 400
    assert (await whole.get("/images?minRam=x")).status_code == 400


async def test_an_image_is_shown_and_deleted(whole: Cloud) -> None:
    server_id = "70a599e0-31e7-49b7-b260-868f441e862c"
    made = await make_image(whole, instance_uuid=server_id, auto_disk_config="True")
    shown = (await whole.get(f"/images/{made}")).json()["image"]
    assert (shown["status"], shown["progress"], shown["OS-DCF:diskConfig"]) == ("SAVING", 25, "AUTO")
    assert shown["server"]["id"] == server_id
    assert [one["rel"] for one in shown["links"]] == ["self", "bookmark", "alternate"]
    assert len((await whole.get(f"/images?server=http://x/servers/{server_id}")).json()["images"]) == 1
    assert (await whole.delete(f"/images/{made}")).status_code == 204
    for identifier in (made, "no-uuid"):
        gone = await whole.get(f"/images/{identifier}")
        assert gone.status_code == 404, identifier
    assert (await whole.delete(f"/images/{made}")).json()["itemNotFound"]["message"] == "Image not found."
    assert (await whole.get("/images", version="2.36")).status_code == 404


async def test_an_image_s_properties_are_its_metadata(whole: Cloud) -> None:
    made = await make_image(whole, kernel="a", label="b")
    path = f"/images/{made}/metadata"
    assert (await whole.get(path, version="2.38")).json() == {"metadata": {"kernel": "a", "label": "b"}}
    added = await whole.post(path, {"metadata": {"label": "c", "new": "d"}})
    assert added.json() == {"metadata": {"kernel": "a", "label": "c", "new": "d"}}
    assert (await whole.get(f"{path}/new")).json() == {"meta": {"new": "d"}}
    assert (await whole.put(f"{path}/new", {"meta": {"new": "e"}})).json() == {"meta": {"new": "e"}}
    assert (await whole.put(f"{path}/new", {"meta": {"other": "e"}})).status_code == 400
    assert (await whole.delete(f"{path}/new")).status_code == 204
    assert (await whole.delete(f"{path}/new")).status_code == 404
    assert (await whole.put(path, {"metadata": {"only": "this"}})).json() == {"metadata": {"only": "this"}}
    assert (await whole.get(path)).json() == {"metadata": {"only": "this"}}
    too_many = {f"k{number}": "v" for number in range(129)}
    assert (await whole.put(path, {"metadata": too_many})).status_code == 403
    assert (await whole.get(f"/images/{UNKNOWN}/metadata")).status_code == 404
    assert (await whole.get(path, version="2.39")).status_code == 404


# -- networks ----------------------------------------------------------------------------------------------------------


async def test_networks_are_shown_twice_in_old_words(whole: Cloud) -> None:
    made = await make_network(whole)
    (full,) = (await whole.get("/os-networks")).json()["networks"]
    assert (full["id"], full["label"], full["cidr"]) == (made["id"], "private", None)
    assert (await whole.get(f"/os-networks/{made['id']}")).json()["network"] == full
    brief = {"id": made["id"], "label": "private", "cidr": "None"}
    assert (await whole.get("/os-tenant-networks")).json() == {"networks": [brief]}
    assert (await whole.get(f"/os-tenant-networks/{made['id']}")).json() == {"network": brief}
    for path in ("/os-networks", "/os-tenant-networks"):
        assert (await whole.get(f"{path}/{UNKNOWN}")).json()["itemNotFound"]["message"] == "Network not found"
        assert (await whole.get(path, project=OTHER_PROJECT)).json() == {"networks": []}
        assert (await whole.get(path, version="2.36")).status_code == 404


async def test_floating_ips_come_from_pools(whole: Cloud) -> None:
    assert (await whole.post("/os-floating-ips")).status_code == 404
    await make_network(whole, OUTER, ADMIN, name="public", router__external=True)
    assert (await whole.get("/os-floating-ip-pools")).json() == {"floating_ip_pools": [{"name": "public"}]}
    made = (await whole.post("/os-floating-ips", {"pool": "public"})).json()["floating_ip"]
    assert (made["pool"], made["instance_id"], made["fixed_ip"]) == ("public", None, None)
    assert (await whole.get("/os-floating-ips")).json() == {"floating_ips": [made]}
    assert (await whole.get(f"/os-floating-ips/{made['id']}")).json() == {"floating_ip": made}
    assert (await whole.post("/os-floating-ips", {"pool": "nope"})).status_code == 404
    assert (await whole.delete(f"/os-floating-ips/{made['id']}")).status_code == 202
    assert (await whole.delete(f"/os-floating-ips/{made['id']}")).status_code == 404
    assert (await whole.get("/os-floating-ips/x")).json()["itemNotFound"]["message"] == (
        "Floating IP not found for ID x"
    )


async def test_servers_get_and_lose_addresses(whole: Cloud) -> None:
    (server_id,) = await put_servers(whole.db, {})
    path = f"/servers/{server_id}/action"
    token = MEMBER
    network = await make_network(whole)
    public = await make_network(whole, OUTER, ADMIN, name="public", router__external=True)
    (subnet,) = await whole.world.network.subnets(token, network_id=network["id"])
    gateway = {"network_id": public["id"]}
    router = await _neutron(whole, "routers", name="r", external_gateway_info=gateway)
    rest = whole.world.network._rest
    await rest.json(
        "PUT", f"/v2.0/routers/{router['id']}/add_router_interface", token=token, json={"subnet_id": subnet.id}
    )
    floating = (await whole.post("/os-floating-ips", {"pool": "public"})).json()["floating_ip"]
    add = {"addFloatingIp": {"address": floating["ip"]}}
    assert (await whole.post(path, add)).json()["badRequest"]["message"] == "No fixed IPs associated to instance"
    port = await whole.world.network.create_port(token, {"network_id": network["id"], "device_id": server_id})
    assert (await whole.post(path, {"removeFloatingIp": {"address": floating["ip"]}})).status_code == 409
    assert (await whole.post(path, add)).status_code == 202
    assert (await whole.post(path, add)).status_code == 202
    shown = (await whole.get(f"/os-floating-ips/{floating['id']}")).json()["floating_ip"]
    assert (shown["instance_id"], shown["fixed_ip"]) == (server_id, port.fixed_ips[0].ip_address)
    other = {"addFloatingIp": {"address": floating["ip"], "fixed_address": "10.9.9.9"}}
    assert (await whole.post(path, other)).status_code == 400
    assert (await whole.post(path, {"removeFloatingIp": {"address": floating["ip"]}})).status_code == 202
    assert (await whole.post(path, {"addFloatingIp": {"address": "192.0.2.77"}})).status_code == 404
    assert (await whole.post(path, {"addFixedIp": {"networkId": network["id"]}})).status_code == 202
    addresses = [fixed.ip_address for fixed in (await whole.world.network.port(token, port.id)).fixed_ips]
    assert len(addresses) == 2
    remove = {"removeFixedIp": {"address": addresses[1]}}
    assert (await whole.post(path, remove)).status_code == 202
    assert (await whole.post(path, remove)).status_code == 400
    assert (await whole.post(path, {"addFixedIp": {"networkId": UNKNOWN}})).status_code == 404
    assert (await whole.post(path, remove, version="2.44")).status_code == 404


async def test_security_groups_and_their_rules(whole: Cloud) -> None:
    body = {"security_group": {"name": "web", "description": "for web"}}
    made = (await whole.post("/os-security-groups", body)).json()["security_group"]
    assert (made["name"], made["tenant_id"], made["rules"]) == ("web", PROJECT, [])
    path = f"/os-security-groups/{made['id']}"
    rule = {"parent_group_id": made["id"], "ip_protocol": "tcp", "from_port": 22, "to_port": "22", "cidr": "10.0.0.0/8"}
    added = (await whole.post("/os-security-group-rules", {"security_group_rule": rule})).json()["security_group_rule"]
    assert (added["ip_range"], added["group"], added["from_port"]) == ({"cidr": "10.0.0.0/8"}, {}, 22)
    inner = {"parent_group_id": made["id"], "group_id": made["id"]}
    answer = await whole.post("/os-security-group-rules", {"security_group_rule": inner})
    assert answer.json()["security_group_rule"]["group"] == {"name": "web", "tenant_id": PROJECT}
    shown = (await whole.get(path)).json()["security_group"]
    assert len(shown["rules"]) == 2
    listed = (await whole.get("/os-security-groups")).json()["security_groups"]
    assert [one["name"] for one in listed] == ["default", "web"]
    assert (await whole.delete(f"/os-security-group-rules/{added['id']}")).status_code == 202
    assert (await whole.delete(f"/os-security-group-rules/{added['id']}")).status_code == 404
    changed = await whole.put(path, {"security_group": {"name": "ssh", "description": "now ssh"}})
    assert changed.json()["security_group"]["name"] == "ssh"
    assert (await whole.delete(path)).status_code == 202
    assert (await whole.get(path)).json()["itemNotFound"]["message"] == f"Security group {made['id']} not found."


@pytest.mark.parametrize(
    "rule",
    [
        {"ip_protocol": "tcp"},
        {"ip_protocol": "tcp", "from_port": 5, "to_port": 4},
        {"ip_protocol": "tcp", "from_port": 0, "to_port": 4},
        {"ip_protocol": "tcp", "from_port": "a", "to_port": 4},
        {"ip_protocol": "icmp", "from_port": 256, "to_port": 0},
        {"ip_protocol": "gre", "from_port": 1, "to_port": 2},
        {"ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr": "10.0.0.0/99"},
        {},
    ],
)
async def test_rules_that_will_not_do(whole: Cloud, rule: dict[str, Any]) -> None:
    (default,) = (await whole.get("/os-security-groups")).json()["security_groups"]
    body = {"security_group_rule": {"parent_group_id": default["id"], **rule}}
    assert (await whole.post("/os-security-group-rules", body)).status_code == 400


# -- volumes -----------------------------------------------------------------------------------------------------------


async def settled(cloud: Cloud, path: str, member: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            shown: dict[str, Any] = (await cloud.get(path)).json()[member]
            if shown["status"] != "creating":
                return shown
            await asyncio.sleep(0.01)


async def test_volumes_and_snapshots_are_made_and_deleted(whole: Cloud) -> None:
    body = {"volume": {"size": "1", "display_name": "disk", "display_description": "mine", "metadata": {"a": "b"}}}
    answer = await whole.post("/os-volumes", body)
    assert answer.status_code == 200, answer.text
    made = answer.json()["volume"]
    path = f"/os-volumes/{made['id']}"
    assert answer.headers["location"].endswith(path)
    shown = await settled(whole, path, "volume")
    assert (shown["displayName"], shown["displayDescription"], shown["metadata"], shown["attachments"]) == (
        "disk", "mine", {"a": "b"}, [{}],
    )  # fmt: skip
    for listing in ("/os-volumes", "/os-volumes/detail"):
        assert (await whole.get(listing)).json() == {"volumes": [shown]}
        assert (await whole.get(f"{listing}?offset=1")).json() == {"volumes": []}
    wanted = {"snapshot": {"volume_id": made["id"], "display_name": "s", "display_description": "d"}}
    taken = (await whole.post("/os-snapshots", wanted)).json()["snapshot"]
    snapshot = await settled(whole, f"/os-snapshots/{taken['id']}", "snapshot")
    assert (snapshot["displayName"], snapshot["displayDescription"], snapshot["volumeId"]) == ("s", "d", made["id"])
    assert (await whole.get("/os-snapshots/detail")).json() == {"snapshots": [snapshot]}
    assert (await whole.get("/os-snapshots", project=OTHER_PROJECT)).json() == {"snapshots": []}
    assert (await whole.delete(path)).status_code == 400
    assert (await whole.delete(f"/os-snapshots/{taken['id']}")).status_code == 202
    unknown = {"snapshot": {"volume_id": UNKNOWN}}
    assert (await whole.post("/os-snapshots", unknown)).status_code == 400
    for missing in (f"/os-volumes/{UNKNOWN}", "/os-volumes/x", f"/os-snapshots/{UNKNOWN}", "/os-snapshots/x"):
        assert (await whole.get(missing)).status_code == 404
        assert (await whole.delete(missing)).status_code == 404


async def test_nobody_manages_bare_metal_from_here(whole: Cloud) -> None:
    assert (await whole.get("/os-baremetal-nodes", role="admin")).status_code == 501
    assert (await whole.get("/os-baremetal-nodes/1", role="admin")).status_code == 501
    assert (await whole.get("/os-baremetal-nodes")).status_code == 403
    assert (await whole.post("/os-baremetal-nodes", {}, role="admin")).status_code == 400
    for action in ("add_interface", "remove_interface"):
        assert (await whole.post("/os-baremetal-nodes/1/action", {action: {}}, role="admin")).status_code == 400


async def test_the_old_name_for_servers_still_leads_to_them(whole: Cloud) -> None:
    (server_id,) = await put_servers(whole.db, {})
    shown = (await whole.get(f"/os-volumes_boot/{server_id}")).json()["server"]
    assert shown == (await whole.get(f"/servers/{server_id}")).json()["server"]
    assert (await whole.get(f"/os-volumes_boot/{server_id}", version="2.103")).status_code == 404
