"""What hangs on a server: metadata, tags, addresses, volumes, interfaces, consoles, groups, password."""

from typing import Any

import pytest

from kilonova.bus.local import LocalBus
from kilonova.bus.proxy import serve
from kilonova.contract.compute import Compute, GuestConsole
from kilonova.contract.console import ConsoleAuth, ConsoleTarget
from kilonova.db.statement import insert_into
from kilonova.db.tables.sagas import sagas
from kilonova.db.tables.servers import block_devices
from tests.api.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.api.neighbours import FREE_PORT, PRIVATE, Volume
from tests.api.rows import put_servers
from tests.api.test_server_create import rows

VOLUME = "77777777-7777-4777-8777-777777777777"


async def test_metadata_is_merged_replaced_and_taken_away(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"metadata": {"a": "1"}})
    path = f"/servers/{server_id}/metadata"
    assert (await cloud.post(path, {"metadata": {"b": "2"}})).json() == {"metadata": {"a": "1", "b": "2"}}
    assert (await cloud.put(f"{path}/b", {"meta": {"b": "3"}})).json() == {"meta": {"b": "3"}}
    assert (await cloud.put(f"{path}/b", {"meta": {"c": "3"}})).status_code == 400
    assert (await cloud.get(f"{path}/b")).json() == {"meta": {"b": "3"}}
    assert (await cloud.get(f"{path}/x")).json()["itemNotFound"]["message"] == "Metadata item was not found"
    assert (await cloud.delete(f"{path}/b")).status_code == 204
    assert (await cloud.put(path, {"metadata": {"z": "9"}})).json() == {"metadata": {"z": "9"}}
    assert (await cloud.get(path)).json() == {"metadata": {"z": "9"}}
    too_many = {f"k{n}": "v" for n in range(129)}
    answer = await cloud.put(path, {"metadata": too_many})
    assert answer.status_code == 403
    assert answer.json()["forbidden"]["message"] == "Maximum number of metadata items exceeds 128"


async def test_tags_come_and_go_one_by_one_and_together(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    path = f"/servers/{server_id}/tags"
    new = await cloud.put(f"{path}/red", version="2.26")
    assert new.status_code == 201
    assert new.headers["location"].endswith(f"{path}/red")
    assert (await cloud.put(f"{path}/red", version="2.26")).status_code == 204
    assert (await cloud.get(f"{path}/red", version="2.26")).status_code == 204
    assert (await cloud.get(f"{path}/blue", version="2.26")).status_code == 404
    assert (await cloud.put(path, {"tags": ["b", "a"]}, version="2.26")).json() == {"tags": ["a", "b"]}
    assert (await cloud.delete(f"{path}/a", version="2.26")).status_code == 204
    assert (await cloud.get(path, version="2.26")).json() == {"tags": ["b"]}
    assert (await cloud.delete(path, version="2.26")).status_code == 204
    assert (await cloud.put(f"{path}/{'x' * 61}", version="2.26")).status_code == 400
    assert (await cloud.get(path, version="2.25")).status_code == 404


async def test_tags_of_somebody_else_are_refused_not_hidden(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"project_id": OTHER_PROJECT})
    assert (await cloud.get(f"/servers/{server_id}/tags", version="2.26")).status_code == 403


async def test_tags_change_only_while_a_server_runs_or_rests(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"vm_state": "error"})
    assert (await cloud.put(f"/servers/{server_id}/tags/x", version="2.26")).status_code == 409


async def test_addresses_are_plain_below_ips(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    plain = {"private": [{"version": 4, "addr": "192.168.1.30"}]}
    assert (await cloud.get(f"/servers/{server_id}/ips")).json() == {"addresses": plain}
    assert (await cloud.get(f"/servers/{server_id}/ips/private")).json() == plain
    answer = await cloud.get(f"/servers/{server_id}/ips/public")
    assert answer.json()["itemNotFound"]["message"] == "Instance is not a member of specified network"


_ATTACHMENT = {"device", "serverId", "volumeId"}


@pytest.mark.parametrize(
    ("version", "members"),
    [
        ("2.1", _ATTACHMENT | {"id"}),
        ("2.70", _ATTACHMENT | {"id", "tag"}),
        ("2.79", _ATTACHMENT | {"id", "tag", "delete_on_termination"}),
        ("2.89", _ATTACHMENT | {"attachment_id", "bdm_uuid", "tag", "delete_on_termination"}),
    ],
)
async def test_attachments_have_the_members_of_their_version(cloud: Cloud, version: str, members: set[str]) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    cloud.volumes.known[VOLUME] = Volume(VOLUME)
    path = f"/servers/{server_id}/os-volume_attachments"
    answer = await cloud.post(path, {"volumeAttachment": {"volumeId": VOLUME}}, version=version)
    assert answer.status_code == 200, answer.text
    made = answer.json()["volumeAttachment"]
    assert made["device"] == "/dev/vdb"
    assert set(made) == (members - {"attachment_id", "bdm_uuid"}) | {"id"}
    (listed,) = (await cloud.get(path, version=version)).json()["volumeAttachments"]
    assert set(listed) == members
    shown = (await cloud.get(f"{path}/{VOLUME}", version=version)).json()["volumeAttachment"]
    assert set(shown) == members


async def test_attach_answers_nothing_from_2_101_and_refuses_what_is_wrong(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    path = f"/servers/{server_id}/os-volume_attachments"
    body = {"volumeAttachment": {"volumeId": VOLUME}}
    assert (await cloud.post(path, body)).status_code == 404
    cloud.volumes.known[VOLUME] = Volume(VOLUME, status="error")
    assert (await cloud.post(path, body)).status_code == 400
    cloud.volumes.known[VOLUME] = Volume(VOLUME)
    answer = await cloud.post(path, body, version="2.101")
    assert (answer.status_code, answer.content) == (202, b"")
    assert [row["name"] for row in await rows(cloud, sagas)] == ["volume_attach"]
    assert (await cloud.post(path, body)).status_code in (400, 409)
    shown = (await cloud.get(f"/servers/{server_id}", version="2.3")).json()["server"]
    assert {"id": VOLUME, "delete_on_termination": False} in shown["os-extended-volumes:volumes_attached"]


async def test_detach_of_the_root_volume_is_refused(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"image_id": None})
    async with cloud.db.begin() as tx:
        for volume, boot_index in ((VOLUME, 0), (FREE_PORT, None)):
            await tx.execute(
                insert_into(block_devices), id=volume, server_id=server_id, source_type="volume",
                destination_type="volume", volume_id=volume, boot_index=boot_index, created_at="2026",
            )  # fmt: skip
    path = f"/servers/{server_id}/os-volume_attachments"
    assert (await cloud.delete(f"{path}/{VOLUME}")).status_code == 400
    assert (await cloud.delete(f"{path}/{PRIVATE}")).status_code == 404
    cloud.volumes.known[FREE_PORT] = Volume(FREE_PORT, status="in-use")
    assert (await cloud.delete(f"{path}/{FREE_PORT}")).status_code == 202
    assert cloud.volumes.known[FREE_PORT].status == "detaching"
    flag = {"volumeAttachment": {"volumeId": VOLUME, "delete_on_termination": True}}
    assert (await cloud.put(f"{path}/{VOLUME}", flag, version="2.85")).status_code == 202
    shown = (await cloud.get(f"{path}/{VOLUME}", version="2.85")).json()["volumeAttachment"]
    assert shown["delete_on_termination"] is True


async def test_interfaces_are_the_server_s_ports(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    address = [{"ip_address": "10.0.0.9", "subnet_id": "s1"}]
    mine = {"id": VOLUME, "network_id": PRIVATE, "fixed_ips": address, "device_id": server_id, "mac_address": "m",
            "status": "ACTIVE"}  # fmt: skip
    free = {"id": FREE_PORT, "network_id": PRIVATE, "fixed_ips": address, "mac_address": "n", "status": "DOWN"}
    cloud.neutron.things["ports"] = [mine, free]
    path = f"/servers/{server_id}/os-interface"
    (listed,) = (await cloud.get(path)).json()["interfaceAttachments"]
    assert listed == {
        "port_id": VOLUME, "net_id": PRIVATE, "mac_addr": "m", "port_state": "ACTIVE", "fixed_ips": address,
    }  # fmt: skip
    assert set((await cloud.get(f"{path}/{VOLUME}", version="2.70")).json()["interfaceAttachment"]) == {*listed, "tag"}
    assert (await cloud.get(f"{path}/{FREE_PORT}")).status_code == 404
    answer = await cloud.post(path, {"interfaceAttachment": {"port_id": FREE_PORT}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["interfaceAttachment"]["port_id"] == FREE_PORT
    both = {"interfaceAttachment": {"port_id": FREE_PORT, "net_id": PRIVATE}}
    assert (await cloud.post(path, both)).status_code == 400
    assert (await cloud.delete(f"{path}/{FREE_PORT}")).status_code in (404, 409)


class Host:
    """A host's agent that answers questions about guests."""

    async def console_output(self, server_id: str, lines: int | None) -> str:
        return f"last {lines}\x1b\x00 lines\n"

    async def console(self, server_id: str, kind: str) -> GuestConsole:
        return GuestConsole(host="127.0.0.1", port=5900)

    async def diagnostics(self, server_id: str) -> dict[str, Any]:
        card = {f"{way}_{what}": 7 for way in ("rx", "tx") for what in ("octets", "errors", "drop", "packets", "rate")}
        disk = {"read_bytes": 1, "read_requests": 2, "write_bytes": 3, "write_requests": 4, "errors_count": 5}
        return {
            "state": "running",
            "cpu_details": [{"id": 0, "time": 9, "utilisation": 5}],
            "memory_details": {"maximum": 2, "used": 1},
            "disk_details": [disk],
            "nic_details": [{"mac_address": "00:00:5e:00:53:01", **card}],
        }


class Auth:
    async def authorize(self, target: ConsoleTarget) -> str:
        assert (target.host, target.port) == ("127.0.0.1", 5900)
        return "tok/en"


async def test_consoles_are_urls_with_a_token(cloud: Cloud, bus: LocalBus) -> None:
    await serve(bus, "compute.host1", Compute, Host())
    await serve(bus, "consoleauth", ConsoleAuth, Auth())
    (server_id,) = await put_servers(cloud.db, {})
    path = f"/servers/{server_id}/remote-consoles"
    asked = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    answer = await cloud.post(path, asked, version="2.6")
    assert answer.status_code == 200, answer.text
    console = answer.json()["remote_console"]
    assert console == {
        "protocol": "vnc",
        "type": "novnc",
        "url": "http://127.0.0.1:6080/vnc_auto.html?path=%3Ftoken%3Dtok%2Fen",
    }
    old = await cloud.post(f"/servers/{server_id}/action", {"os-getVNCConsole": {"type": "novnc"}}, version="2.5")
    assert old.json() == {"console": {"type": "novnc", "url": console["url"]}}
    spice = {"remote_console": {"protocol": "spice", "type": "spice-html5"}}
    refused = await cloud.post(path, spice, version="2.6")
    assert refused.json()["badRequest"]["message"] == "Unavailable console type spice-html5."
    assert (await cloud.post(path, asked, version="2.5")).status_code == 404
    (nowhere,) = await put_servers(cloud.db, {"host": None})
    assert (await cloud.post(f"/servers/{nowhere}/remote-consoles", asked, version="2.6")).status_code == 409


async def test_console_output_and_diagnostics_come_from_the_host(cloud: Cloud, bus: LocalBus) -> None:
    await serve(bus, "compute.host1", Compute, Host())
    (server_id,) = await put_servers(cloud.db, {})
    answer = await cloud.post(f"/servers/{server_id}/action", {"os-getConsoleOutput": {"length": "5"}})
    assert answer.status_code == 200
    assert answer.json() == {"output": "last 5 lines\n"}
    assert (await cloud.get(f"/servers/{server_id}/diagnostics")).status_code == 403
    new = (await cloud.get(f"/servers/{server_id}/diagnostics", role="admin", version="2.48")).json()
    assert new["state"] == "running"
    assert new["memory_details"] == {"maximum": 2, "used": 1}
    old = (await cloud.get(f"/servers/{server_id}/diagnostics", role="admin", version="2.47")).json()
    assert {name: old[name] for name in ("cpu0_time", "memory", "vda_read", "vda_errors", "vnet0_rx")} == {
        "cpu0_time": 9, "memory": 2048, "vda_read": 1, "vda_errors": 5, "vnet0_rx": 7,
    }  # fmt: skip


async def test_the_told_password_is_shown_and_cleared(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {"system_metadata": {"password": "sealed"}})
    path = f"/servers/{server_id}/os-server-password"
    assert (await cloud.get(path)).json() == {"password": "sealed"}
    assert (await cloud.delete(path)).status_code == 204
    assert (await cloud.get(path)).json() == {"password": ""}
    assert (await cloud.get(f"/servers/{server_id}/topology", version="2.78")).json() == {
        "nodes": [],
        "pagesize_kb": None,
    }


async def test_security_groups_of_a_server_are_those_of_its_ports(cloud: Cloud) -> None:
    (server_id,) = await put_servers(cloud.db, {})
    rule = {"id": "r1", "security_group_id": "g1", "direction": "ingress", "protocol": "tcp", "port_range_min": 22,
            "port_range_max": 22}  # fmt: skip
    cloud.neutron.things["security-groups"] = [
        {"id": "g1", "name": "web", "description": "", "project_id": PROJECT, "security_group_rules": [rule]}
    ]
    cloud.neutron.things["ports"] = [
        {"id": VOLUME, "network_id": PRIVATE, "device_id": server_id, "security_groups": ["g1"]}
    ]
    (group,) = (await cloud.get(f"/servers/{server_id}/os-security-groups")).json()["security_groups"]
    assert set(group) == {"id", "name", "description", "tenant_id", "rules"}
    assert group["rules"][0]["from_port"] == 22
    add = {"addSecurityGroup": {"name": "moon"}}
    assert (await cloud.post(f"/servers/{server_id}/action", add)).status_code == 404
    add = {"addSecurityGroup": {"name": "web"}}
    assert (await cloud.post(f"/servers/{server_id}/action", add)).status_code == 202
    shown = (await cloud.get(f"/servers/{server_id}")).json()["server"]
    assert {"name": "web"} in shown["security_groups"]
