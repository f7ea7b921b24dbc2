"""The clients people have: openstacksdk and the openstack command, unmodified, over a socket."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openstack.connection
import pytest
import uvicorn

from kilonova.web.application import Mounts

from .cloud import NetworkCloud


@pytest.fixture
async def endpoint(cloud: NetworkCloud, free_port: int) -> AsyncIterator[str]:
    app = Mounts({"/network": cloud.service.app}, cloud.service.app)
    config = uvicorn.Config(app, "127.0.0.1", free_port, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{free_port}/network"
    server.should_exit = True
    await serving


def connect(endpoint: str, token: str) -> Any:
    auth = {"endpoint": endpoint, "token": token}
    return openstack.connection.Connection(
        auth_type="admin_token", auth=auth, network_endpoint_override=endpoint, region_name="r"
    )


def walk(endpoint: str) -> dict[str, Any]:
    """What a user of openstacksdk does, from a network to a floating address and back."""
    admin, anna = connect(endpoint, "admin").network, connect(endpoint, "anna").network
    public = admin.create_network(name="public", is_router_external=True)
    admin.create_subnet(network_id=public.id, ip_version=4, cidr="10.3.0.0/24", is_dhcp_enabled=False)
    network = anna.create_network(name="net")
    subnet = anna.create_subnet(network_id=network.id, ip_version=4, cidr="10.1.0.0/24", name="sub")
    router = anna.create_router(name="router", external_gateway_info={"network_id": public.id})
    anna.add_interface_to_router(router, subnet=subnet)
    group = anna.create_security_group(name="web")
    anna.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=80, port_range_max=80
    )
    port = anna.create_port(network_id=network.id, security_group_ids=[group.id], name="port")
    floating = anna.create_ip(floating_network_id=public.id, port_id=port.id)
    seen = {
        "port": anna.find_port("port").fixed_ips[0]["ip_address"],
        "floating": floating.fixed_ip_address,
        "external": [one.name for one in anna.networks(is_router_external=True)],
        "rules": len(list(anna.security_group_rules(security_group_id=group.id))),
        "gone": anna.find_network("nothing"),
        "extensions": {one.alias for one in anna.extensions()} >= {"router", "security-group", "binding"},
        "quota": anna.get_quota("red").networks,
        "page": [one.name for one in anna.networks(limit=1)],
    }
    anna.delete_ip(floating)
    anna.delete_port(port)
    anna.remove_interface_from_router(router, subnet=subnet)
    for delete, thing in (
        (anna.delete_router, router),
        (anna.delete_subnet, subnet),
        (anna.delete_network, network),
        (anna.delete_security_group, group),
    ):
        delete(thing, ignore_missing=False)
    return seen


async def test_openstacksdk_walks_from_a_network_to_a_floating_address(endpoint: str) -> None:
    seen = await asyncio.to_thread(walk, endpoint)

    assert seen == {
        "port": "10.1.0.3",
        "floating": "10.1.0.3",
        "external": ["public"],
        "rules": 3,
        "gone": None,
        "extensions": True,
        "quota": 100,
        "page": ["public", "net"],
    }


async def test_the_openstack_command_makes_and_shows_a_network(endpoint: str) -> None:
    async def command(*words: str) -> Any:
        program = [str(Path(sys.executable).with_name("openstack")), "--os-auth-type", "admin_token"]
        access = ["--os-endpoint", endpoint, "--os-token", "anna"]
        done = await asyncio.to_thread(
            subprocess.run,
            [*program, *access, *words],
            capture_output=True,
            text=True,
            check=False,
            env={"OS_NETWORK_ENDPOINT_OVERRIDE": endpoint, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if "json" in words else done.stdout

    await command("network", "create", "net", "-f", "json")
    made = await command("subnet", "create", "--network", "net", "--subnet-range", "10.1.0.0/24", "sub", "-f", "json")
    assert made["gateway_ip"] == "10.1.0.1"
    listed = await command("network", "list", "-f", "json")
    assert [(one["Name"], one["Subnets"]) for one in listed] == [("net", [made["id"]])]
