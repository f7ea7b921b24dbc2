"""A whole cloud with a simulated host, whose metadata service listens for guests on this machine's loopback range."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kilonova.model.ids import NetworkId
from tests.cloud.running import RunningCloud, running_cloud

# Every address of 127/8 is this machine's, so that a test can ask as any guest.
CIDR = "127.77.0.0/24"


class Guests:
    """Servers on one network, and what each hears when it asks."""

    def __init__(self, cloud: RunningCloud, network_id: str, port: int) -> None:
        self.cloud = cloud
        self.network_id = network_id
        self.url = f"http://127.77.0.1:{port}"

    async def boot(self, name: str = "one", address: str = "127.77.0.10", **more: Any) -> dict[str, Any]:
        """A server with that address, seen as the administrator sees it."""
        nets = more.pop("networks", [{"uuid": self.network_id, "fixed_ip": address}])
        server = await self.cloud.active(name, networks=nets, **more)
        found = await self.cloud.admin.get(
            f"/compute/v2.1/servers/{server['id']}", headers={"OpenStack-API-Version": "compute 2.100"}
        )
        return dict(found.json()["server"])

    async def ask(self, path: str, *, address: str = "127.77.0.10", method: str = "GET", **more: Any) -> httpx.Response:
        """What is answered to whoever sends from `address`."""
        transport = httpx.AsyncHTTPTransport(local_address=address)
        async with httpx.AsyncClient(transport=transport, base_url=self.url) as http:
            return await http.request(method, path, **more)

    async def told(self, path: str, **more: Any) -> str:
        answer = await self.ask(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state", furnished=("flavors",)) as started:
        yield started


@pytest.fixture
async def guests(cloud: RunningCloud) -> Guests:
    return await listening(cloud, CIDR)


async def listening(cloud: RunningCloud, cidr: str, **subnet: Any) -> Guests:
    """A network of the cloud whose metadata is asked for on a free port."""
    made = await cloud.http.post("/network/v2.0/networks", json={"network": {"name": "guests"}})
    network_id = made.json()["network"]["id"]
    wanted = {"network_id": network_id, "ip_version": 4, "cidr": cidr, **subnet}
    answer = await cloud.http.post("/network/v2.0/subnets", json={"subnet": wanted})
    assert answer.status_code == 201, answer.text
    bound = socket.create_server(("127.77.0.1", 0))
    assert cloud.cloud.metadata is not None
    await cloud.cloud.metadata.opened(NetworkId(network_id), bound)
    return Guests(cloud, network_id, bound.getsockname()[1])
