"""Agent and service together: what a user asks for over REST is real on the host; guests are namespaces."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.bus.proxy import proxy, serve
from kilonova.contract.network_agent import NETWORK, NetworkAgent, NetworkDirectory, agent_topic
from kilonova.model.ids import HostName, NetworkId, PortId
from kilonova.network.agent.agent import Agent
from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.links import read_links
from kilonova.network.errors import PortNotWanted

from .cloud import NetworkCloud
from .conftest import ADVERTISED_S, StandIn, leftovers, wait_for

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

HOST = HostName("host-1")


class Sockets:
    """contract.MetadataSockets that keep what they are given."""

    def __init__(self) -> None:
        self.open: dict[str, socket.socket] = {}

    async def opened(self, network_id: NetworkId, listening: socket.socket) -> None:
        self.open[network_id] = listening

    async def closed(self, network_id: NetworkId) -> None:
        self.open.pop(network_id).close()


class Host:
    """A host of the cloud with its agent; `tmp_path` is its state directory."""

    def __init__(self, cloud: NetworkCloud, network: HostNetwork, tmp_path: Path) -> None:
        self.cloud = cloud
        self.network = network
        self.sockets = Sockets()
        self._path = tmp_path
        self._guests: list[StandIn] = []
        directory = proxy(NetworkDirectory, cloud.bus, NETWORK)
        self.agent = Agent(host=HOST, network=network, directory=directory, metadata=self.sockets, clock=SystemClock())

    async def start(self) -> None:
        await serve(self.cloud.bus, agent_topic(HOST), NetworkAgent, self.agent)
        await self.agent.start()
        while not await self.cloud.list("agents", who="admin"):
            await asyncio.sleep(0.01)

    async def guest(self, network_id: str, **body: Any) -> tuple[dict[str, Any], StandIn]:
        """A server's port as compute makes it, plugged, and the guest on it with its lease."""
        sent = {"network_id": network_id, "project_id": "red", "device_id": "server", "device_owner": "compute:nova"}
        port = await self.cloud.make("ports", "nova", **sent, binding__host_id=HOST, **body)
        guest = await asyncio.to_thread(StandIn, self.network, PortId(port["id"]), port["mac_address"], self._path)
        self._guests.append(guest)
        await self.agent.changed(networks=[network_id], routers=[], groups=[])
        await self.agent.converge()
        await self.agent.plug(PortId(port["id"]), NetworkId(network_id))
        (four,) = [one["ip_address"] for one in port["fixed_ips"] if ":" not in one["ip_address"]]
        assert await asyncio.to_thread(guest.lease) == four
        return port, guest

    async def stop(self) -> None:
        await self.agent.close()
        for listening in self.sockets.open.values():
            listening.close()
        await asyncio.to_thread(self.network.remove_all)
        for guest in self._guests:
            guest.remove()


@pytest.fixture
async def host(cloud: NetworkCloud, host_network: HostNetwork, tmp_path: Path) -> AsyncIterator[Host]:
    started = Host(cloud, host_network, tmp_path)
    await started.start()
    yield started
    await started.stop()


async def soon(condition: Callable[[], Awaitable[bool]]) -> bool:
    """Whether `condition` comes true within ten seconds: the agent works when it is rung for."""
    for _ in range(200):
        if await condition():
            return True
        await asyncio.sleep(0.05)
    return False


async def pings(guest: StandIn, address: str) -> bool:
    return await asyncio.to_thread(guest.pings, address)


async def reaches(address: str, port: int) -> bool:
    def connect() -> bool:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            return False
        return True

    return await asyncio.to_thread(connect)


async def test_a_bound_port_becomes_active_when_it_is_wired(cloud: NetworkCloud, host: Host) -> None:
    network, _ = await cloud.network()
    body = {"network_id": network["id"], "binding__host_id": HOST}
    port = await cloud.make("ports", "nova", **body)
    assert port["status"] == "DOWN"
    assert port["binding:vif_type"] == "bridge"

    tap = await host.agent.plug(PortId(port["id"]), NetworkId(network["id"]))

    assert tap == host.network.names.tap(port["id"])
    assert (await cloud.show("ports", port["id"], "nova"))["status"] == "ACTIVE"


async def test_a_port_switched_off_is_down_and_on_again_active(cloud: NetworkCloud, host: Host) -> None:
    network, _ = await cloud.network()
    port, guest = await host.guest(network["id"])

    off = await cloud.change("ports", port["id"], admin_state_up=False)
    assert off["status"] == "DOWN"

    async def silent() -> bool:
        return not await pings(guest, "10.211.7.2")

    assert await soon(silent)

    await cloud.change("ports", port["id"], admin_state_up=True)

    async def active() -> bool:
        return str((await cloud.show("ports", port["id"]))["status"]) == "ACTIVE"

    assert await soon(active)
    assert await pings(guest, "10.211.7.2")


async def test_a_port_of_another_host_is_not_plugged(cloud: NetworkCloud, host: Host) -> None:
    network, _ = await cloud.network()
    port = await cloud.make("ports", "nova", network_id=network["id"], binding__host_id="elsewhere")

    with pytest.raises(PortNotWanted):
        await host.agent.plug(PortId(port["id"]), NetworkId(network["id"]))


async def test_a_port_whose_guest_is_about_to_come_is_plugged_and_active_once_it_is_bound_here(
    cloud: NetworkCloud, host: Host
) -> None:
    network, _ = await cloud.network()
    port = await cloud.make("ports", "nova", network_id=network["id"], binding__host_id="elsewhere")
    await cloud.change("ports", port["id"], "nova", binding__profile={"migrating_to": HOST})

    tap = await host.agent.plug(PortId(port["id"]), NetworkId(network["id"]))
    assert tap == host.network.names.tap(port["id"])
    await host.agent.changed(networks=[network["id"]], routers=[], groups=[])
    await host.agent.converge()
    assert tap in read_links()

    await cloud.change("ports", port["id"], "nova", binding__host_id=HOST, binding__profile={})

    async def active() -> bool:
        return str((await cloud.show("ports", port["id"], "nova"))["status"]) == "ACTIVE"

    assert await soon(active)
    await cloud.change("ports", port["id"], "nova", binding__host_id="elsewhere")

    async def gone() -> bool:
        return tap not in read_links()

    assert await soon(gone)


async def test_a_floating_address_and_a_rule_open_the_way_to_a_running_guest(cloud: NetworkCloud, host: Host) -> None:
    network, _, _, public = await cloud.routed()
    port, guest = await host.guest(network["id"])
    floating = await cloud.make("floatingips", floating_network_id=public["id"], port_id=port["id"])
    address = floating["floating_ip_address"]

    async def opened() -> bool:
        return await reaches(address, 22)

    async def closed() -> bool:
        return not await opened()

    with guest.listen(22):
        assert await closed()

        rule: dict[str, Any] = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
        group = port["security_groups"][0]
        made = await cloud.make("security-group-rules", security_group_id=group, **rule)
        assert await soon(opened)

        assert await cloud.delete("security-group-rules", made["id"]) == 204
        assert await soon(closed)


async def test_members_of_the_default_group_reach_each_other(cloud: NetworkCloud, host: Host) -> None:
    network, _ = await cloud.network()
    first_port, _ = await host.guest(network["id"])
    _, second = await host.guest(network["id"])
    address = first_port["fixed_ips"][0]["ip_address"]

    async def heard() -> bool:
        return await pings(second, address)

    async def unheard() -> bool:
        return not await heard()

    assert await soon(heard)

    other = await cloud.make("security-groups", name="other")
    await cloud.change("ports", first_port["id"], security_groups=[other["id"]])
    assert await soon(unheard)


async def test_the_metadata_address_answers_on_each_network_by_itself(cloud: NetworkCloud, host: Host) -> None:
    (one, _), (two, _) = await cloud.network(), await cloud.network()
    # The same address on two networks: only the socket tells them apart.
    _, first = await host.guest(one["id"])
    _, second = await host.guest(two["id"])

    def heard(guest: StandIn, network_id: str) -> str:
        listening = host.sockets.open[network_id]
        listening.settimeout(2)
        guest.connect("169.254.169.254", 80).close()
        accepted, (address, _) = listening.accept()
        accepted.close()
        return str(address)

    assert await asyncio.to_thread(heard, first, one["id"]) == "10.211.7.3"
    assert await asyncio.to_thread(heard, second, two["id"]) == "10.211.7.3"


async def test_a_guest_makes_the_address_the_service_expects_and_finds_its_router(
    cloud: NetworkCloud, host: Host
) -> None:
    network, _, router, _ = await cloud.routed()
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    six = await cloud.make("subnets", network_id=network["id"], cidr="fd00:211:8::/64", ip_version=6, **modes)
    path = f"/routers/{router['id']}/add_router_interface"
    assert (await cloud.call("PUT", path, json={"subnet_id": six["id"]})).status_code == 200

    port, guest = await host.guest(network["id"])

    (own,) = [one["ip_address"] for one in port["fixed_ips"] if one["subnet_id"] == six["id"]]
    assert wait_for(lambda: f"{own}/64" in guest.run("ip", "-6", "addr", "show", "dev", "eth0").stdout)
    assert wait_for(lambda: "default via fe80:" in guest.run("ip", "-6", "route").stdout, ADVERTISED_S)


async def test_nothing_is_left_on_the_host_when_the_last_guest_has_gone(
    cloud: NetworkCloud, host: Host, prefix: str, tmp_path: Path
) -> None:
    network, _, _, public = await cloud.routed()
    port, _ = await host.guest(network["id"])
    await cloud.make("floatingips", floating_network_id=public["id"], port_id=port["id"])

    async def routed() -> bool:
        return any("-router-" in one for one in leftovers(prefix, tmp_path))

    assert await soon(routed)

    await host.agent.unplug(PortId(port["id"]))
    assert await cloud.delete("ports", port["id"], "nova") == 204

    async def clean() -> bool:
        # The tables of rules stay, with nobody in them.
        return set(leftovers(prefix, tmp_path)) == {f"table bridge {prefix}", f"table inet {prefix}"}

    assert await soon(clean)

    async def closed() -> bool:
        return host.sockets.open == {}

    assert await soon(closed)


async def test_a_new_agent_takes_over_running_guests(
    cloud: NetworkCloud, host: Host, prefix: str, tmp_path: Path
) -> None:
    network, _, _, public = await cloud.routed()
    port, guest = await host.guest(network["id"])
    group = port["security_groups"][0]
    await cloud.make("security-group-rules", security_group_id=group, direction="ingress", protocol="tcp",
                     port_range_min=22, port_range_max=22)  # fmt: skip
    floating = await cloud.make("floatingips", floating_network_id=public["id"], port_id=port["id"])
    address = floating["floating_ip_address"]

    async def served() -> bool:
        return await reaches(address, 22)

    with guest.listen(22):
        assert await soon(served)
    before = leftovers(prefix, tmp_path)
    await host.agent.close()
    host.sockets.open.popitem()[1].close()

    second = Host(cloud, HostNetwork(prefix=prefix, state_dir=tmp_path), tmp_path)
    await second.agent.start()
    tap = await second.agent.plug(PortId(port["id"]), NetworkId(network["id"]))

    assert tap == host.network.names.tap(port["id"])
    assert leftovers(prefix, tmp_path) == before
    with guest.listen(22):
        assert await served()
    assert list(second.sockets.open) == [network["id"]]
    await second.stop()
