"""A whole cloud in the test's own process, on a port of its own, driven over its REST APIs; and its ledger."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from kilonova.config.load import load
from kilonova.launch.cloud import Cloud
from kilonova.launch.furniture import furnish
from kilonova.launch.process import base_url_of
from kilonova.launch.roles import ALL
from kilonova.launch.state_dir import StateDir
from tests.cloud.stored import GuestJournal, busy_volumes
from tests.leftovers import named
from tests.servers.process import free_port, memory

VERSION = {"OpenStack-API-Version": "compute 2.100"}

ENDED = {"ACTIVE", "SHUTOFF", "ERROR", "VERIFY_RESIZE", "PAUSED", "SUSPENDED", "RESCUE"}


class RunningCloud:
    """`http` speaks to the cloud as the user demo, `admin` as the administrator."""

    def __init__(self, cloud: Cloud, http: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
        self.cloud = cloud
        self.http = http
        self.admin = admin
        self.url = cloud.base_url
        self._journal = GuestJournal(cloud.state.simulated)

    # -- what users do ---------------------------------------------------------------------------------------------

    async def flavor(self, name: str) -> str:
        found = (await self.http.get("/compute/v2.1/flavors")).json()["flavors"]
        return str(next(flavor["id"] for flavor in found if flavor["name"] == name))

    async def image(self, name: str = "blank") -> str:
        """An image of that name, made (a small empty raw disk) where there is none."""
        found = (await self.http.get("/image/v2/images", params={"name": name})).json()["images"]
        if found:
            return str(found[0]["id"])
        body = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"}
        made = (await self.http.post("/image/v2/images", json=body)).json()
        sent = await self.http.put(
            f"/image/v2/images/{made['id']}/file",
            content=bytes(1 << 20),
            headers={"Content-Type": "application/octet-stream"},
        )
        assert sent.status_code == 204, sent.text
        return str(made["id"])

    async def network(self, name: str = "private") -> str:
        found = (await self.http.get("/network/v2.0/networks", params={"name": name})).json()["networks"]
        return str(found[0]["id"])

    async def create(self, name: str = "one", *, flavor: str = "m1.nano", **more: Any) -> dict[str, Any]:
        """Ask for a server (networks `none` unless said); the answer's `server`."""
        server = {"name": name, "flavorRef": await self.flavor(flavor), "networks": "none", **more}
        if "imageRef" not in server:
            server["imageRef"] = await self.image()
        answer = await self.http.post("/compute/v2.1/servers", json={"server": server}, headers=VERSION)
        assert answer.status_code == 202, answer.text
        return dict(answer.json()["server"])

    async def show(self, server_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/compute/v2.1/servers/{server_id}", headers=VERSION)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["server"])

    async def active(self, name: str = "one", **more: Any) -> dict[str, Any]:
        made = await self.create(name, **more)
        server = await self.until(made["id"], {"ACTIVE", "ERROR"})
        assert server["status"] == "ACTIVE", server.get("fault")
        return server

    async def until(self, server_id: str, statuses: set[str], *, within_s: float = 60.0) -> dict[str, Any]:
        """The server once it has one of `statuses` and no task."""
        async with asyncio.timeout(within_s):
            while True:
                server = await self.show(server_id)
                if server["status"] in statuses and server["OS-EXT-STS:task_state"] is None:
                    return server
                await asyncio.sleep(0.02)

    async def act(self, server_id: str, action: str, value: Any = None, *, ok: int = 202) -> httpx.Response:
        path = f"/compute/v2.1/servers/{server_id}/action"
        answer = await self.http.post(path, json={action: value}, headers=VERSION)
        assert answer.status_code == ok, answer.text
        return answer

    async def delete(self, server_id: str) -> None:
        answer = await self.http.delete(f"/compute/v2.1/servers/{server_id}")
        assert answer.status_code == 204, answer.text

    async def gone(self, server_id: str, *, within_s: float = 60.0) -> None:
        async with asyncio.timeout(within_s):
            while (await self.http.get(f"/compute/v2.1/servers/{server_id}")).status_code != 404:
                await asyncio.sleep(0.02)

    # -- what is left ----------------------------------------------------------------------------------------------

    async def ledger(self) -> dict[str, Any]:
        """Who owns what: claims, ports and their addresses, volumes, attachments, images, guests and their devices.

        Volumes that are being made or removed are waited for.
        """
        while self.cloud.state.simulated.exists() and busy_volumes(self.cloud.state.root):
            await asyncio.sleep(0.005)
        ports = (await self.admin.get("/network/v2.0/ports")).json()["ports"]
        of_all = {"all_tenants": "1"}
        volumes = (await self.admin.get("/volume/v3/volumes/detail", params=of_all)).json()["volumes"]
        attachments = (await self.admin.get("/volume/v3/attachments", params=of_all)).json()["attachments"]
        images = (await self.admin.get("/image/v2/images")).json()["images"]
        return {
            "claims": await self.cloud.placement.consumers(),
            "ports": sorted(
                (port["id"], port["device_id"], port["binding:host_id"], port["fixed_ips"][0]["ip_address"])
                for port in ports
                if not port["device_owner"].startswith("network:")
            ),
            "volumes": sorted((volume["id"], volume["status"]) for volume in volumes),
            "attachments": sorted((one["id"], one["volume_id"], one["instance"]) for one in attachments),
            "images": sorted((image["id"], image["status"]) for image in images),
            "guests": self._devices() if self.cloud.state.simulated.exists() else await self.guests(),
        }

    def _devices(self) -> list[tuple[str, int, list[str], list[str]]]:
        """Of the simulated hosts: id, power state, cards and volumes of each guest."""
        return sorted(
            (
                guest,
                record.get("state", 4),
                sorted(nic["port_id"] for nic in record["spec"].get("nics", ())),
                sorted(disk["volume_id"] for disk in record["spec"]["disks"] if "volume_id" in disk),
            )
            for (_, guest), record in self._journal.guests().items()
        )

    async def guests(self) -> list[str]:
        hosts = self.cloud.hosts
        assert hosts is not None
        found = [await agent.host.hypervisor.guests() for agent in hosts.agents]
        return sorted(str(info.id) for guests in found for info in guests)


@contextmanager
def state_in_memory(name: str) -> Iterator[Path]:
    """A state directory that survives processes but costs no disk, where the machine has such a place."""
    with tempfile.TemporaryDirectory(prefix=named(name), dir=memory()) as made:
        yield Path(made) / "state"


@asynccontextmanager
async def running_cloud(
    state_dir: Path, *, driver: str = "simulated", hosts: int = 1, furnished: tuple[str, ...] = ("flavors", "network"),
    quota: int = -1, sections: Mapping[str, Mapping[str, Any]] | None = None, **default: Any,
) -> AsyncIterator[RunningCloud]:  # fmt: skip
    """Start one, and stop it again; on the same `state_dir` it is the same cloud."""
    port = free_port()
    above: dict[str, dict[str, Any]] = {
        "DEFAULT": {
            "state_path": str(state_dir),
            "osapi_compute_listen_port": port,
            "compute_driver": driver,
            **default,
        },
        "simulated": {"hosts": hosts},
        "quota": {"instances": quota, "cores": quota, "ram": quota},
        **{name: dict(section) for name, section in (sections or {}).items()},
    }
    config = load(None, given=above)
    cloud = Cloud(config, StateDir(state_dir), ALL, base_url=base_url_of(config))
    await cloud.start()
    server = uvicorn.Server(
        uvicorn.Config(cloud.app, port=port, log_level="warning", lifespan="off", ws="websockets-sansio")
    )
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        await furnish(cloud, only=furnished)
        async with await _client(cloud, "demo") as http, await _client(cloud, "admin") as admin:
            yield RunningCloud(cloud, http, admin)
    finally:
        server.should_exit = True
        await serving
        await cloud.close()


async def _client(cloud: Cloud, user: str) -> httpx.AsyncClient:
    session = cloud.neighbours.session(user, cloud.passwords, cloud.clock, project=user)
    token = await session.token()
    return httpx.AsyncClient(base_url=cloud.base_url, headers={"X-Auth-Token": token}, timeout=60, trust_env=False)
