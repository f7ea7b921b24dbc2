"""`up --boot`: a first server, made over the public REST API as any client would, every step shown as it happens."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

from kilonova.cli.steps import is_shown, line_of
from kilonova.launch.cloud import Cloud
from kilonova.model.errors import KilonovaError
from kilonova.observe import trace
from kilonova.observe.trace import Span
from kilonova.web.client import RestClient

# The newest microversion whose create and show we read.
_VERSION = {"OpenStack-API-Version": "compute 2.100"}
_FLAVOR = "m1.nano"
_WAIT_S = 600.0


async def boot(cloud: Cloud, name: str) -> None:
    """Create a server and tell its way until it is ACTIVE (or why it is not), then its console."""
    if cloud.furnishing is not None and not cloud.furnishing.done():
        print(f"{name} waits for the image tiny", flush=True)
        await asyncio.wait([cloud.furnishing])
    try:
        await _boot(cloud, name)
    except KilonovaError as error:
        print(f"could not boot {name}: {error.message}", flush=True)


async def _boot(cloud: Cloud, name: str) -> None:
    clients = {service: RestClient(service, cloud.base_url + prefix) for service, prefix in _PREFIXES.items()}
    token = trace.begin_trace()
    try:
        with trace.serving("client", trace.header()):
            async with _shown(cloud):
                auth = await _login(cloud, clients["identity"])
                server_id = await _create(clients, auth, name)
                server = await _wait(clients["compute"], auth, server_id)
    finally:
        trace.end_trace(token)
    try:
        await _tell(clients["compute"], auth, server)
    finally:
        for client in clients.values():
            await client.close()


_PREFIXES = {"identity": "/identity", "compute": "/compute/v2.1", "image": "/image", "network": "/network"}


@contextlib.asynccontextmanager
async def _shown(cloud: Cloud) -> AsyncIterator[None]:
    """Print the spans of this trace as they end."""
    here = trace.trace_id()
    first: list[int] = []

    def show(span: Span) -> None:
        if span.trace_id == here and is_shown(span):
            first.append(span.started_us)
            print(line_of(span, first[0]), flush=True)

    cloud.spans.also = show
    try:
        yield
    finally:
        # The last ones end just after the server is ACTIVE.
        await asyncio.sleep(0.3)
        cloud.spans.also = None


async def _login(cloud: Cloud, identity: RestClient) -> str:
    user = {"name": "demo", "domain": {"name": "Default"}, "password": cloud.passwords["demo"]}
    scope = {"project": {"name": "demo", "domain": {"name": "Default"}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    answer = await identity.request("POST", "/v3/auth/tokens", token=None, json=body, step="1-2")
    return str(answer.headers["x-subject-token"])


async def _create(clients: dict[str, RestClient], token: str, name: str) -> str:
    images = await clients["image"].json("GET", "/v2/images?name=tiny", token=token)
    networks = await clients["network"].json("GET", "/v2.0/networks?name=private", token=token)
    flavors = await clients["compute"].json("GET", "/flavors", token=token)
    if not images["images"]:
        raise KilonovaError("there is no image `tiny`; `kilonova doctor` tells what is missing to make it")
    flavor = next(flavor["id"] for flavor in flavors["flavors"] if flavor["name"] == _FLAVOR)
    server: dict[str, Any] = {"name": name, "flavorRef": flavor, "imageRef": images["images"][0]["id"]}
    server["networks"] = [{"uuid": networks["networks"][0]["id"]}] if networks["networks"] else "none"
    made = await clients["compute"].json(
        "POST", "/servers", token=token, json={"server": server}, headers=_VERSION, step="3"
    )
    return str(made["server"]["id"])


async def _wait(compute: RestClient, token: str, server_id: str) -> dict[str, Any]:
    async with asyncio.timeout(_WAIT_S):
        while True:
            # Looking is no part of the way.
            with trace.serving("client", None):
                found = await compute.json("GET", f"/servers/{server_id}", token=token, headers=_VERSION)
            server: dict[str, Any] = found["server"]
            if server["status"] not in ("BUILD",):
                return server
            await asyncio.sleep(0.1)


async def _tell(compute: RestClient, token: str, server: dict[str, Any]) -> None:
    addresses = [entry["addr"] for entries in server["addresses"].values() for entry in entries]
    print(f"{server['name']} is {server['status']}  {', '.join(addresses)}  {server['id']}", flush=True)
    if server["status"] != "ACTIVE":
        print(f"  {server.get('fault', {}).get('message', '')}", flush=True)
        return
    print(f"  screen: {await _screen(compute, token, server)}", flush=True)
    print(f"  way:    kilonova trace {server['name']}", flush=True)


async def _screen(compute: RestClient, token: str, server: dict[str, Any]) -> str:
    if not sys.stdout.isatty():
        # A URL is a key to the guest: a log is no place for it.
        return f"openstack console url show {server['name']}"
    asked = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    path = f"/servers/{server['id']}/remote-consoles"
    console = await compute.json("POST", path, token=token, headers=_VERSION, json=asked)
    return str(console["remote_console"]["url"])
