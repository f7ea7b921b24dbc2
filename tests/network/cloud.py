"""A network service of its own for a test, spoken to by HTTP without a socket."""

import os
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from kilonova.aio.clock import SystemClock
from kilonova.bus.bus import Bus
from kilonova.bus.local import LocalBus
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.network.service import NetworkService, NetworkSettings
from kilonova.web.application import Mounts
from kilonova.web.asgi_transport import AsgiTransport
from tests.callers import check_token

# The external network of the tests: the host has a route to it, so every process of tests needs one of its own.
OUTER = f"10.{212 + os.getpid() % 40}.{os.getpid() // 40 % 250}"

_MEMBERS = {
    "networks": "network",
    "subnets": "subnet",
    "ports": "port",
    "routers": "router",
    "floatingips": "floatingip",
    "security-groups": "security_group",
    "security-group-rules": "security_group_rule",
}


@dataclass
class NetworkCloud:
    """`http` speaks to `/network` mounted as in the cloud."""

    db: Database
    bus: Bus
    service: NetworkService
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, who: str = "anna", **kwargs: Any) -> httpx.Response:
        headers = {"X-Auth-Token": who, **kwargs.pop("headers", {})}
        return await self.http.request(method, f"/network/v2.0{path}", headers=headers, **kwargs)

    async def make(self, collection: str, who: str = "anna", **body: Any) -> dict[str, Any]:
        answer = await self.try_make(collection, who, **body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()[_MEMBERS[collection]]
        return made

    async def try_make(self, collection: str, who: str = "anna", **body: Any) -> httpx.Response:
        sent = {name.replace("__", ":"): value for name, value in body.items()}
        return await self.call("POST", f"/{collection}", who, json={_MEMBERS[collection]: sent})

    async def change(self, collection: str, id: str, who: str = "anna", **body: Any) -> dict[str, Any]:
        answer = await self.try_change(collection, id, who, **body)
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()[_MEMBERS[collection]]
        return changed

    async def try_change(self, collection: str, id: str, who: str = "anna", **body: Any) -> httpx.Response:
        sent = {name.replace("__", ":"): value for name, value in body.items()}
        return await self.call("PUT", f"/{collection}/{id}", who, json={_MEMBERS[collection]: sent})

    async def show(self, collection: str, id: str, who: str = "anna") -> dict[str, Any]:
        answer = await self.call("GET", f"/{collection}/{id}", who)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()[_MEMBERS[collection]]
        return shown

    async def list(self, collection: str, query: str = "", who: str = "anna") -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/{collection}{query}", who)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()[collection.replace("-", "_")]
        return found

    async def delete(self, collection: str, id: str, who: str = "anna") -> int:
        return (await self.call("DELETE", f"/{collection}/{id}", who)).status_code

    async def network(self, cidr: str = "10.211.7.0/24", who: str = "anna", **body: Any) -> tuple[Any, Any]:
        """A network with a subnet."""
        network = await self.make("networks", who, name="net", **body)
        subnet = await self.make("subnets", who, network_id=network["id"], cidr=cidr, ip_version=4)
        return network, subnet

    async def external(self, cidr: str = f"{OUTER}.0/24") -> tuple[Any, Any]:
        network = await self.make("networks", "admin", name="public", router__external=True)
        body = {"network_id": network["id"], "cidr": cidr, "ip_version": 4, "enable_dhcp": False}
        return network, await self.make("subnets", "admin", **body)

    async def routed(self) -> tuple[Any, Any, Any, Any]:
        """Network, subnet, router, external network; the router between them."""
        (network, subnet), (public, _) = await self.network(), await self.external()
        gateway = {"network_id": public["id"]}
        router = await self.make("routers", name="router", external_gateway_info=gateway)
        path = f"/routers/{router['id']}/add_router_interface"
        answer = await self.call("PUT", path, json={"subnet_id": subnet["id"]})
        assert answer.status_code == 200, answer.text
        return network, subnet, router, public


async def start_network(url: str, settings: NetworkSettings | None = None) -> NetworkCloud:
    await create_all(url)
    db, bus = await connect(url), LocalBus()
    service = NetworkService(db, bus, check_token, SystemClock(), settings, rng=Random(7))
    await service.start()
    app = Mounts({"/network": service.app}, service.app)
    http = httpx.AsyncClient(transport=AsgiTransport(app), base_url="http://cloud")
    return NetworkCloud(db, bus, service, http)


async def stop_network(cloud: NetworkCloud) -> None:
    await cloud.http.aclose()
    await cloud.service.close()
    await cloud.bus.close()
    await cloud.db.close()
