"""A running cloud of simulated hosts in which anything an operation wants can be had: servers in any state, volumes …

Texts name what they want in braces (`/servers/{paused}/action`); each name is a method below, called anew for each.
"""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from kilonova.contract.console import ConsoleTarget
from kilonova.db.repository import servers
from kilonova.model.ids import ServerId
from tests.api.hosts import LONG_AGO, put_service
from tests.api.test_migrations import put as put_migration
from tests.cloud.running import RunningCloud, running_cloud
from tests.conformance.calls import PUBLIC_KEY

_NAMES = re.compile(r"\{([a-z_0-9]+)\}")
_FULL = {"OpenStack-API-Version": "compute 2.96"}
_API = "/compute/v2.1"
# What makes a running server one in this state: actions, one after the other.
_INTO: dict[str, tuple[tuple[str, Any], ...]] = {
    "shutoff": (("os-stop", None),),
    "paused": (("pause", None),),
    "suspended": (("suspend", None),),
    "rescued": (("rescue", None),),
    "resized": (("resize", {"flavorRef": "2"}),),
    "broken": (("os-resetState", {"state": "error"}),),
    "locked": (("lock", None),),
}
_SETTINGS: dict[str, dict[str, Any]] = {
    "spice": {"enabled": True},
    "serial_console": {"enabled": True},
}


class Place:
    """`call` asks the Compute API as the administrator."""

    def __init__(self, cloud: RunningCloud, project: str, member_token: str) -> None:
        self.cloud = cloud
        self.member_token = member_token
        self.project_id = project
        self._numbers = itertools.count(1)
        self._shared: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def call(
        self, method: str, path: str, version: int, body: Any = None, *, member: bool = False
    ) -> httpx.Response:
        """As the administrator, or as a `member` of the same project."""
        headers = {"OpenStack-API-Version": f"compute 2.{version}"}
        if member:
            headers["X-Auth-Token"] = self.member_token
        more = {} if body is None else {"json": body}
        return await self.cloud.admin.request(method, _API + path, headers=headers, **more)

    async def filled(self, text: str) -> str:
        """`text` with what it names; the same name twice is the same thing."""
        for name in dict.fromkeys(_NAMES.findall(text)):
            text = text.replace("{" + name + "}", await self.thing(name))
        return text

    async def filled_body(self, body: Any) -> Any:
        if body is None:
            return None
        text = json.dumps(body)
        for name in dict.fromkeys(re.findall(r'"\{([a-z_0-9]+)\}"', text)):
            text = text.replace(f'"{{{name}}}"', json.dumps(await self.thing(name)))
        return json.loads(text)

    async def thing(self, name: str) -> str:
        if name in _INTO:
            return await self._server_that_is(name)
        make = getattr(self, name)
        return str(await make())

    async def once(self, name: str) -> str:
        """The same each time."""
        if name not in self._shared:
            self._shared[name] = await self.thing(name)
        return self._shared[name]

    def fresh_name(self, kind: str = "thing") -> str:
        return f"{kind}{next(self._numbers)}"

    # -- made over the API -----------------------------------------------------------------------------------------

    async def made(self, path: str, body: Any, member: str = "", key: str = "id") -> Any:
        answer = await self.cloud.admin.post(_API + path, json=body, headers=_FULL)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json()[member][key] if member else None

    async def acted(self, server_id: str, action: str, value: Any = None) -> None:
        await self.made(f"/servers/{server_id}/action", {action: value})
        if action not in ("lock", "os-resetState"):
            await self.settled(server_id)

    async def settled(self, server_id: str) -> dict[str, Any]:
        """The server once nothing happens to it."""
        async with asyncio.timeout(60):
            while True:
                answer = await self.call("GET", f"/servers/{server_id}", 96)
                assert answer.status_code == 200, answer.text
                shown: dict[str, Any] = answer.json()["server"]
                if shown["OS-EXT-STS:task_state"] is None and shown["status"] != "BUILD":
                    return shown
                await asyncio.sleep(0.01)

    async def built(self, **more: Any) -> str:
        server = {"name": self.fresh_name("server"), "flavorRef": "1", "networks": "none", **more}
        if "block_device_mapping_v2" not in server:
            server["imageRef"] = await self.once("image")
        made: str = await self.made("/servers", {"server": server}, "server")
        shown = await self.settled(made)
        assert shown["status"] == "ACTIVE", shown
        return made

    async def active(self) -> str:
        return await self.built()

    async def _server_that_is(self, state: str) -> str:
        server = await self.built()
        for action, value in _INTO[state]:
            await self.acted(server, action, value)
        return server

    async def wired(self) -> str:
        """On a network, with all that a server may have."""
        network = await self.once("network")
        made = await self.built(
            networks=[{"uuid": network}], config_drive=True, metadata={"foo": "Foo Value"}, tags=["tag1", "tag2"],
            key_name=await self.once("keypair"), accessIPv4="192.0.2.1", user_data="YQ==", description="d",
            host=(await self.once("host")),
        )  # fmt: skip
        listed = (await self.call("GET", f"/servers/{made}/ips", 1)).json()["addresses"]
        self._shared["last_wired_address"] = next(iter(listed.values()))[0]["addr"]
        return made

    async def last_wired_address(self) -> str:
        return self._shared["last_wired_address"]

    async def server(self) -> str:
        """One that runs and is there for all who only look: on a network, with volumes."""
        return await self.once("furnished")

    async def server_name(self) -> str:
        return str((await self.call("GET", f"/servers/{await self.server()}", 1)).json()["server"]["name"])

    async def furnished(self) -> str:
        server = await self.wired()
        await self._attached(server)
        return server

    async def rescued_and_wired(self) -> str:
        if "rescued_for_good" not in self._shared:
            server = await self.furnished()
            await self.acted(server, "rescue")
            self._shared["rescued_for_good"] = server
        return self._shared["rescued_for_good"]

    async def stopped_once(self) -> str:
        """What is asked of its actions finds a stop, and its create before that."""
        if "stopper" not in self._shared:
            server = self._shared["stopper"] = await self.shutoff_()
            listed = (await self.call("GET", f"/servers/{server}/os-instance-actions", 21)).json()["instanceActions"]
            self._shared["stop_request"] = listed[0]["request_id"]
        return self._shared["stopper"]

    async def shutoff_(self) -> str:
        return await self._server_that_is("shutoff")

    async def stop_request(self) -> str:
        await self.stopped_once()
        return self._shared["stop_request"]

    async def their_server(self) -> str:
        """Seen by a member of the project."""
        return await self.stopped_once()

    async def their_request(self) -> str:
        return await self.stop_request()

    async def offloaded(self) -> str:
        server = await self.active()
        await self.acted(server, "shelve")
        return server

    async def shelved(self) -> str:
        """Shelved servers leave their host at once here, so this one is so by its record."""
        server = await self.active()
        await self._recorded(server, vm_state="shelved")
        return server

    async def deleted(self) -> str:
        """Softly: it can be restored."""
        server = await self.active()
        await self._recorded(server, vm_state="soft-delete")
        return server

    async def _recorded(self, server: str, **columns: Any) -> None:
        cloud = self.cloud.cloud
        assert cloud.db is not None
        async with cloud.db.begin() as tx:
            await servers.change(tx, ServerId(server), cloud.clock.now(), **columns)

    async def secured(self) -> str:
        """On a network, in a group that it can leave."""
        server = await self.wired()
        return server

    async def moving(self) -> str:
        """One whose live migration runs, by the record."""
        server = await self.active()
        live = {"server_id": server, "migration_type": "live-migration", "status": "running"}
        amounts = {f"{what}_{part}": 1 for what in ("memory", "disk") for part in ("total", "processed", "remaining")}
        host = await self.host_of(server)
        self._shared["migration_uuid"] = await put_migration(
            self.cloud.cloud, **live, **amounts, source_compute=host, updated_at=LONG_AGO,  # type: ignore[arg-type]
        )  # fmt: skip
        await self._recorded(server, task_state="migrating")
        listed = (await self.call("GET", f"/servers/{server}/migrations", 80)).json()["migrations"]
        self._shared["last_migration"] = str(listed[0]["id"])
        return server

    async def migration(self) -> str:
        """Of the server that `moving` made last."""
        return self._shared["last_migration"]

    async def host_of(self, server: str) -> str:
        shown = (await self.call("GET", f"/servers/{server}", 96)).json()["server"]
        return str(shown["OS-EXT-SRV-ATTR:host"])

    async def refuge(self) -> str:
        """A host that is not that of the server `stranded` made last."""
        hosts = {await self.host(), await self.other_host()} - {self._shared["last_stranded"]}
        return hosts.pop()

    async def stranded(self) -> str:
        """One whose host is said to be down; `rescued_hosts` brings hosts back."""
        server = await self.active()
        self._shared["last_stranded"] = await self.host_of(server)
        await self._force(self._shared["last_stranded"], down=True)
        return server

    async def _force(self, host: str, *, down: bool) -> None:
        listed = (await self.call("GET", f"/os-services?host={host}&binary=nova-compute", 53)).json()["services"]
        answer = await self.call("PUT", f"/os-services/{listed[0]['id']}", 53, {"forced_down": down})
        assert answer.status_code == 200, answer.text

    async def hosts_up(self) -> None:
        listed = (await self.call("GET", "/os-services?binary=nova-compute", 53)).json()["services"]
        for service in listed:
            if service["forced_down"] or service["status"] == "disabled":
                body = {"forced_down": False, "status": "enabled"}
                await self.call("PUT", f"/os-services/{service['id']}", 53, body)

    # -- volumes and what hangs on them ----------------------------------------------------------------------------

    async def volume(self) -> str:
        body = {"volume": {"size": 1, "name": self.fresh_name("volume")}}
        made = await self.cloud.admin.post("/volume/v3/volumes", json=body)
        volume_id = made.json()["volume"]["id"]
        await self.volume_is(volume_id, "available")
        return str(volume_id)

    async def volume_is(self, volume_id: str, status: str) -> None:
        async with asyncio.timeout(30):
            while True:
                shown = (await self.cloud.admin.get(f"/volume/v3/volumes/{volume_id}")).json()["volume"]
                if shown["status"] == status:
                    return
                await asyncio.sleep(0.01)

    async def holder(self) -> str:
        """A server with a volume: `held` is that volume."""
        server = await self.active()
        self._shared["last_held"] = await self._attached(server)
        self._shared["last_holder"] = server
        return server

    async def double_holder(self) -> str:
        if "double" not in self._shared:
            server = self._shared["double"] = await self.holder()
            await self._attached(server)
        return self._shared["double"]

    async def _attached(self, server: str) -> str:
        volume = await self.volume()
        body = {"volumeAttachment": {"volumeId": volume, "tag": "foo"}}
        answer = await self.call("POST", f"/servers/{server}/os-volume_attachments", 49, body)
        assert answer.status_code == 200, answer.text
        await self.volume_is(volume, "in-use")
        await self.settled(server)
        return volume

    async def last_holder(self) -> str:
        return self._shared["last_holder"]

    async def held_device(self) -> str:
        path = f"/servers/{self._shared['last_holder']}/os-volume_attachments/{self._shared['last_held']}"
        return str((await self.call("GET", path, 89)).json()["volumeAttachment"]["device"])

    async def attached_volume(self) -> str:
        await self.holder()
        return await self.held()

    async def held(self) -> str:
        return self._shared["last_held"]

    async def snapshot(self) -> str:
        body = {"snapshot": {"volume_id": await self.volume(), "force": False, "display_name": "s"}}
        made = await self._old("/os-snapshots", body, "snapshot")
        async with asyncio.timeout(30):
            while (await self.call("GET", f"/os-snapshots/{made}", 1)).json()["snapshot"]["status"] != "available":
                await asyncio.sleep(0.01)
        return made

    async def _old(self, path: str, body: Any, member: str) -> str:
        answer = await self.call("POST", path, 1, body)
        assert answer.status_code < 300, answer.text
        return str(answer.json()[member]["id"])

    # -- networks --------------------------------------------------------------------------------------------------

    async def network(self) -> str:
        """The first one that is there."""
        listed = (await self.cloud.admin.get("/network/v2.0/networks", params={"router:external": "false"})).json()
        return str(listed["networks"][0]["id"])

    async def port(self) -> str:
        made = await self.cloud.admin.post("/network/v2.0/ports", json={"port": {"network_id": await self.network()}})
        assert made.status_code == 201, made.text
        return str(made.json()["port"]["id"])

    async def port_of_wired(self) -> str:
        """A port that the server `server` has."""
        listed = (await self.call("GET", f"/servers/{await self.server()}/os-interface", 1)).json()
        return str(listed["interfaceAttachments"][0]["port_id"])

    async def twice_wired(self) -> str:
        server = await self.wired()
        listed = (await self.call("GET", f"/servers/{server}/os-interface", 1)).json()
        self._shared["last_port"] = listed["interfaceAttachments"][0]["port_id"]
        return server

    async def its_port(self) -> str:
        """Of the server that `twice_wired` made last."""
        return self._shared["last_port"]

    async def addressed(self) -> str:
        return await self.wired()

    async def its_address(self) -> str:
        """The fixed one of the server that `addressed` made last."""
        return self._shared["last_wired_address"]

    async def free_address(self) -> str:
        return f"10.11.0.{100 + next(self._numbers) % 100}"

    async def default_group(self) -> str:
        return "default"

    async def event(self) -> str:
        return "network-changed"

    async def other_project(self) -> str:
        if "other_project" not in self._shared:
            made = await self.cloud.admin.post("/identity/v3/projects", json={"project": {"name": "other"}})
            self._shared["other_project"] = made.json()["project"]["id"]
        return self._shared["other_project"]

    async def zone(self) -> str:
        return "nova"

    async def elsewhere(self) -> str:
        """A host that is not that of the server built last."""
        shown = (await self.call("GET", "/servers/detail?limit=1", 1)).json()["servers"][0]
        hosts = {await self.host(), await self.other_host()} - {shown["OS-EXT-SRV-ATTR:host"]}
        return hosts.pop()

    async def delete_info(self) -> str:
        return json.dumps({"volume_id": await self.attached_volume()})

    async def floating_ip(self) -> str:
        return await self._old("/os-floating-ips", {"pool": "public"}, "floating_ip")

    async def floating_address(self) -> str:
        shown = (await self.call("GET", f"/os-floating-ips/{await self.floating_ip()}", 1)).json()
        return str(shown["floating_ip"]["ip"])

    async def floated(self) -> str:
        """A server with a floating address."""
        server, address = await self.wired(), await self.floating_address()
        answer = await self.call("POST", f"/servers/{server}/action", 1, {"addFloatingIp": {"address": address}})
        assert answer.status_code == 202, answer.text
        self._shared["last_floating"] = address
        return server

    async def its_floating_address(self) -> str:
        return self._shared["last_floating"]

    async def security_group(self) -> str:
        body = {"security_group": {"name": self.fresh_name("sg"), "description": "d"}}
        return await self._old("/os-security-groups", body, "security_group")

    async def security_rule(self) -> str:
        rule = {
            "parent_group_id": await self.security_group(), "ip_protocol": "tcp", "from_port": 22, "to_port": 22,
            "cidr": "10.0.0.0/24",
        }  # fmt: skip
        return await self._old("/os-security-group-rules", {"security_group_rule": rule}, "security_group_rule")

    # -- all else --------------------------------------------------------------------------------------------------

    async def image(self) -> str:
        body = {
            "name": self.fresh_name("image"), "disk_format": "raw", "container_format": "bare", "kernel_id": "nokernel",
            "auto_disk_config": "True",
        }  # fmt: skip
        made = (await self.cloud.admin.post("/image/v2/images", json=body)).json()
        sent = await self.cloud.admin.put(
            f"/image/v2/images/{made['id']}/file",
            content=bytes(1 << 16),
            headers={"Content-Type": "application/octet-stream"},
        )
        assert sent.status_code == 204, sent.text
        return str(made["id"])

    async def shared_image(self) -> str:
        return await self.once("image")

    async def flavor(self) -> str:
        name = self.fresh_name("flavor")
        body = {"name": name, "id": name, "ram": 64, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}
        await self.made("/flavors", {"flavor": body})
        await self.made(f"/flavors/{name}/os-extra_specs", {"extra_specs": {"hw:numa_nodes": "1"}})
        return name

    async def granted_flavor(self) -> str:
        flavor = await self.flavor()
        await self.made(f"/flavors/{flavor}/action", {"addTenantAccess": {"tenant": self.project_id}})
        return flavor

    async def keypair(self) -> str:
        name = self.fresh_name("key")
        answer = await self.call("POST", "/os-keypairs", 1, {"keypair": {"name": name}})
        assert answer.status_code == 200, answer.text
        return name

    async def aggregate(self) -> str:
        return str(await self.made("/os-aggregates", {"aggregate": {"name": self.fresh_name("agg")}}, "aggregate"))

    async def aggregate_with_host(self) -> str:
        made = await self.aggregate()
        await self.made(f"/os-aggregates/{made}/action", {"add_host": {"host": await self.host()}})
        return made

    async def group(self) -> str:
        body = {"name": self.fresh_name("group"), "policy": "anti-affinity", "rules": {"max_server_per_host": 3}}
        return str(await self.made("/os-server-groups", {"server_group": body}, "server_group"))

    async def host(self) -> str:
        listed = (await self.call("GET", "/os-services?binary=nova-compute", 53)).json()["services"]
        return str(min(service["host"] for service in listed))

    async def other_host(self) -> str:
        listed = (await self.call("GET", "/os-services?binary=nova-compute", 53)).json()["services"]
        return str(max(service["host"] for service in listed))

    async def node(self) -> str:
        shown = (await self.call("GET", f"/os-hypervisors/{await self.hypervisor()}", 53)).json()
        return str(shown["hypervisor"]["hypervisor_hostname"])

    async def hypervisor(self) -> str:
        return str((await self.call("GET", "/os-hypervisors", 53)).json()["hypervisors"][0]["id"])

    async def hypervisor_number(self) -> str:
        return str((await self.call("GET", "/os-hypervisors", 1)).json()["hypervisors"][0]["id"])

    async def service(self) -> str:
        listed = (await self.call("GET", "/os-services?binary=nova-compute", 53)).json()["services"]
        return str(listed[-1]["id"])

    async def dead_service(self) -> str:
        """The record of a scheduler that is no more."""
        return await self._dead("id", 53)

    async def dead_service_number(self) -> str:
        return await self._dead("id", 1)

    async def _dead(self, key: str, version: int) -> str:
        name = self.fresh_name("dead")
        await put_service(self.cloud.cloud.db, "nova-scheduler", name, last_seen_at=LONG_AGO)  # type: ignore[arg-type]
        return str((await self.call("GET", f"/os-services?host={name}", version)).json()["services"][0][key])

    async def token(self) -> str:
        body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
        answer = await self.call("POST", f"/servers/{await self.server()}/remote-consoles", 6, body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["remote_console"]["url"].split("token%3D")[1])

    async def rdp_token(self) -> str:
        """Consoles of that type are not given out, but what may be known of one is still told."""
        server = ServerId(await self.server())
        target = ConsoleTarget(server_id=server, console_type="rdp-html5", host="host1", port=3389)
        return await self.cloud.cloud.consoleauth.authorize(target)

    async def spice_token(self) -> str:
        body = {"remote_console": {"protocol": "spice", "type": "spice-direct"}}
        answer = await self.call("POST", f"/servers/{await self.server()}/remote-consoles", 99, body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["remote_console"]["url"].split("token=")[1])

    async def action_request(self) -> str:
        listed = (await self.call("GET", f"/servers/{await self.server()}/os-instance-actions", 21)).json()
        return str(listed["instanceActions"][0]["request_id"])

    async def project(self) -> str:
        return self.project_id

    async def fresh(self) -> str:
        return self.fresh_name("name")


async def _member(cloud: RunningCloud, project: str) -> str:
    """A token of a new user of that project who is a member, no more."""
    user = {"name": "somebody", "password": "secret", "default_project_id": project}
    made = (await cloud.admin.post("/identity/v3/users", json={"user": user})).json()["user"]
    listed = (await cloud.admin.get("/identity/v3/roles", params={"name": "member"})).json()["roles"]
    await cloud.admin.put(f"/identity/v3/projects/{project}/users/{made['id']}/roles/{listed[0]['id']}")
    methods = {"methods": ["password"], "password": {"user": {"id": made["id"], "password": "secret"}}}
    asked = {"auth": {"identity": methods, "scope": {"project": {"id": project}}}}
    answer = await cloud.admin.post("/identity/v3/auth/tokens", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


@asynccontextmanager
async def place(state_dir: Path) -> AsyncIterator[Place]:
    async with running_cloud(state_dir, hosts=2, sections=_SETTINGS) as cloud:
        shown = await cloud.admin.get("/identity/v3/projects", params={"name": "admin"})
        project = shown.json()["projects"][0]["id"]
        here = Place(cloud, project, await _member(cloud, project))
        limits = dict.fromkeys(("security_group", "security_group_rule", "port", "floatingip"), -1)
        volumes = {"volumes": -1, "gigabytes": -1, "snapshots": -1}
        await cloud.admin.put(f"/volume/v3/os-quota-sets/{here.project_id}", json={"quota_set": volumes})
        await cloud.admin.put(f"/network/v2.0/quotas/{here.project_id}", json={"quota": limits})
        await cloud.admin.post("/volume/v3/types", json={"volume_type": {"name": "lvm-1"}})
        await here.made("/os-keypairs", {"keypair": {"name": "new-key", "public_key": PUBLIC_KEY}})
        yield here
