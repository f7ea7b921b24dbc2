"""The URLs users get, opened as the pages behind them do: on the whole cloud's one port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from kilonova.model.ids import GuestId
from tests.cloud.running import RunningCloud, running_cloud
from tests.console.conftest import Guest
from tests.console.test_proxy import opened, refused


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    sections = {"spice": {"enabled": True}}
    async with running_cloud(tmp_path / "state", furnished=("flavors",), sections=sections) as started:
        yield started


async def url_of(cloud: RunningCloud, server_id: str, protocol: str, kind: str) -> str:
    path = f"/compute/v2.1/servers/{server_id}/remote-consoles"
    asked = {"remote_console": {"protocol": protocol, "type": kind}}
    answer = await cloud.http.post(path, json=asked, headers={"OpenStack-API-Version": "compute 2.6"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["remote_console"]["url"])


@asynccontextmanager
async def answering(cloud: RunningCloud, server_id: str, kind: str) -> AsyncIterator[Guest]:
    """Somebody where the simulated host says the guest's console is."""
    assert cloud.cloud.hosts is not None
    reached = await cloud.cloud.hosts.agents[0].host.hypervisor.console(GuestId(server_id), kind)
    guest = Guest(Path("unused"))
    server = await asyncio.start_server(guest.serve, reached.host, reached.port)
    async with server:
        yield guest


def as_novnc(url: str) -> str:
    """The page takes the path of its WebSocket from its query, on the host it came from."""
    parts = urlsplit(url)
    return f"ws://{parts.netloc}/{parse_qs(parts.query)['path'][0]}"


async def test_a_novnc_url_is_a_page_that_finds_the_guest(cloud: RunningCloud) -> None:
    server = await cloud.active()
    url = await url_of(cloud, server["id"], "vnc", "novnc")

    assert "<title>noVNC</title>" in (await cloud.http.get(url)).text
    browser = await opened(as_novnc(url), origin=cloud.url)
    # The simulated guest's own screen.
    assert await browser.recv() == b"RFB 003.008\n"
    await browser.close()
    assert await refused(as_novnc(url), origin=cloud.url) == 403


async def test_a_serial_url_is_the_websocket_itself(cloud: RunningCloud) -> None:
    server = await cloud.active()
    url = await url_of(cloud, server["id"], "serial", "serial")

    assert url.startswith("ws://")
    console = await opened(url)
    await console.send("root\r")
    said = b""
    async with asyncio.timeout(5):
        while said != b"login: root\r\nlogin: ":
            said += await console.recv()
    await console.close()


async def test_a_spice_url_is_a_page_whose_channels_share_a_cookie(cloud: RunningCloud) -> None:
    server = await cloud.active()
    url = await url_of(cloud, server["id"], "spice", "spice-html5")

    (token,) = parse_qs(urlsplit(url).query)["token"]
    assert "spice" in (await cloud.http.get(url)).text.lower()
    async with answering(cloud, server["id"], "spice"):
        for _ in range(2):
            channel = await opened(
                f"ws://{urlsplit(url).netloc}/websockify", additional_headers={"Cookie": f"token={token}"}
            )
            assert await channel.recv() == Guest.greeting
            await channel.close()


async def test_a_deleted_servers_urls_are_good_no_more(cloud: RunningCloud) -> None:
    server = await cloud.active()
    url = as_novnc(await url_of(cloud, server["id"], "vnc", "novnc"))
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])

    assert await refused(url) == 403


async def test_websockets_elsewhere_are_refused(cloud: RunningCloud) -> None:
    host = urlsplit(cloud.url).netloc

    paths = ("identity/v3", "compute/v2.1/servers", "metadata", "healthcheck", "console", "elsewhere")
    assert {path: await refused(f"ws://{host}/{path}") for path in paths} == dict.fromkeys(paths, 403)
