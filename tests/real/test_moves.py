"""Real guests go between two compute hosts: this process's, and one that is a process of its own over RabbitMQ.

Both are this machine; each has its own libvirt, bridges and taps. Guests are reached from their host's network.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from kilonova.launch.removal import remove_all
from kilonova.launch.running import running_cloud
from kilonova.launch.state_dir import StateDir
from kilonova.network.agent.names import Names, prefix_for
from kilonova.virt.libvirt.daemon import PrivateDaemon
from tests.cloud.moved import ANY_HOST, act, change_service, host_of, live_moves
from tests.loopback import own_loopback
from tests.real.cloud import BOOT_S, Guest, RealCloud, real_cloud, run, until

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

HERE, THERE = "here", "there"


class Elsewhere:
    """The other compute host, a process that can be killed."""

    def __init__(self, state_dir: Path, conf: Path) -> None:
        self.state = StateDir(state_dir)
        self._conf = conf
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._process = self._served()
        await until(self._is_up)

    def _served(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "kilonova.cli.main", "serve", "--state-dir", str(self.state.root)]
        with (self.state.root / "out").open("ab") as out:
            return subprocess.Popen([*command, "--config-file", str(self._conf), "compute"], stdout=out, stderr=out)

    async def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.state.root / "out").read_text()
        running = running_cloud(self.state.root)
        return running is not None and running.pid == self._process.pid

    def end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None


class Hosts:
    """Both, as one sees them from the machine below them."""

    def __init__(self, cloud: RealCloud, elsewhere: Elsewhere) -> None:
        self.cloud = cloud
        self.elsewhere = elsewhere
        self._states = {HERE: cloud.state, THERE: elsewhere.state}

    async def running(self, guest: Guest) -> list[str]:
        """The hosts on which it runs."""
        return [name for name in self._states if await self._domain(name, guest) == "running"]

    async def known(self, guest: Guest) -> list[str]:
        """The hosts that have it, running or not."""
        return [name for name in self._states if await self._domain(name, guest) is not None]

    async def _domain(self, host: str, guest: Guest) -> str | None:
        uri = PrivateDaemon(self._states[host].compute / "libvirt", session=False).uri
        said = await run("virsh", "-q", "-c", uri, "domstate", guest.id, ok=False)
        return None if "error" in said else said.strip()

    async def inside(self, guest: Guest, command: str) -> str:
        """What `command` prints in the guest."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=5", "LogLevel=ERROR")
        words = [word for option in options for word in ("-o", option)]
        address = await guest.fixed_address()
        ssh = ("ssh", *words, "-i", str(self.cloud.key), f"root@{address}", command)
        return (await run("ip", "netns", "exec", await self._network_of(guest), *ssh)).strip()

    async def answers(self, guest: Guest) -> bool:
        """To pings, from the end of its network where it is said to be."""
        ping = ("busybox", "ping", "-c", "2", "-w", "2", await guest.fixed_address())
        return "bytes from" in await run("ip", "netns", "exec", await self._network_of(guest), *ping, ok=False)

    async def _network_of(self, guest: Guest) -> str:
        state = self._states[await host_of(self.cloud.api, guest.id)]
        return Names(prefix_for(state.root)).dhcp_namespace(await self.cloud.api.network())

    async def booted(self, guest: Guest) -> None:
        """The guest's SSH server answers."""
        async with asyncio.timeout(BOOT_S):
            while "Connection" in await self._try(guest):
                await asyncio.sleep(0.2)

    async def _try(self, guest: Guest) -> str:
        address = await guest.fixed_address()
        netcat = ("busybox", "nc", "-w", "1", address, "22")
        said = await run("ip", "netns", "exec", await self._network_of(guest), *netcat, ok=False)
        return said if "SSH" in said else "Connection refused"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts(tmp_path_factory: pytest.TempPathFactory, rabbitmq_url: str) -> AsyncIterator[Hosts]:
    if os.geteuid() != 0:
        pytest.skip("bridges, namespaces and a private libvirtd need root")
    directory = tmp_path_factory.mktemp("moves")
    conf = directory / "there.conf"
    elsewhere = Elsewhere(directory / "there", conf)
    reached = {"libvirt": {"live_migration_inbound_addr": own_loopback()}}
    try:
        async with real_cloud(
            directory,
            sections=reached,
            host=HERE,
            transport_url=rabbitmq_url,
            allow_resize_to_same_host=False,
            shutdown_timeout=10,
        ) as cloud:
            conf.write_text(_configuration(cloud, rabbitmq_url))
            await elsewhere.start()
            await cloud.open_to("icmp")
            await cloud.allow_ssh()
            yield Hosts(cloud, elsewhere)
            elsewhere.end(signal.SIGTERM)
    finally:
        elsewhere.end(signal.SIGKILL)
        await remove_all(elsewhere.state.root)


def _configuration(cloud: RealCloud, rabbitmq_url: str) -> str:
    password = json.loads((cloud.state.root / "passwords.json").read_text())["nova"]
    port = cloud.api.url.rpartition(":")[2].partition("/")[0]
    return f"""\
[DEFAULT]
host = {THERE}
transport_url = {rabbitmq_url}
osapi_compute_listen_port = {port}
compute_driver = libvirt
[service_user]
username = nova
password = {password}
[libvirt]
live_migration_inbound_addr = {own_loopback()}
"""


async def on_this_host(hosts: Hosts, name: str, **more: Any) -> Guest:
    """Told all it must know by its config drive: no metadata service need follow it."""
    await change_service(hosts.cloud.api, THERE, status="disabled")
    guest = await hosts.cloud.guest(name, config_drive=True, **more)
    await change_service(hosts.cloud.api, THERE, status="enabled")
    assert await host_of(hosts.cloud.api, guest.id) == HERE
    return guest


async def live(hosts: Hosts, guest: Guest, to: str) -> None:
    await act(hosts.cloud.api, guest.id, "os-migrateLive", ANY_HOST)
    await settled(hosts, guest, to)


async def settled(hosts: Hosts, guest: Guest, host: str) -> None:
    server = await hosts.cloud.api.until(guest.id, {"ACTIVE", "ERROR"}, within_s=120)
    assert server["status"] == "ACTIVE", server.get("fault")
    assert await host_of(hosts.cloud.api, guest.id) == host
    assert await hosts.running(guest) == [host]


async def test_a_guest_has_what_it_wrote_wherever_it_moves_and_goes_on_where_it_moves_live(hosts: Hosts) -> None:
    guest = await on_this_host(hosts, "mover")
    await hosts.inside(guest, "dd if=/dev/urandom of=/root/data bs=64k count=64 2>/dev/null; sync; date >/run/boot")
    told = "md5sum /root/data; cat /run/boot"
    before = await hosts.inside(guest, told)

    await live(hosts, guest, THERE)
    assert await hosts.known(guest) == [THERE]
    assert await hosts.answers(guest)
    # The same boot, and the same disk: what was cached is forgotten first.
    assert (
        await hosts.inside(guest, f"echo 3 >/proc/sys/vm/drop_caches; {told}; echo first >/root/mark; sync") == before
    )

    await act(hosts.cloud.api, guest.id, "resize", {"flavorRef": await hosts.cloud.api.flavor("m1.micro")})
    await moved(hosts, guest, HERE)
    await hosts.booted(guest)
    seen = await hosts.inside(guest, "md5sum /root/data; cat /root/mark; echo second >/root/mark; sync")
    assert seen.splitlines() == [before.splitlines()[0], "first"]

    await act(hosts.cloud.api, guest.id, "revertResize")
    await settled(hosts, guest, THERE)
    assert await hosts.known(guest) == [THERE]
    await hosts.booted(guest)
    assert await hosts.inside(guest, "cat /root/mark") == "first"
    await guest.delete()


async def moved(hosts: Hosts, guest: Guest, to: str) -> None:
    """It waits there to be confirmed or reverted; the other host has it still."""
    server = await hosts.cloud.api.until(guest.id, {"VERIFY_RESIZE", "ERROR"}, within_s=120)
    assert server["status"] == "VERIFY_RESIZE", server.get("fault")
    assert await host_of(hosts.cloud.api, guest.id) == to
    assert (await hosts.running(guest), await hosts.known(guest)) == ([to], [HERE, THERE])


@pytest.mark.parametrize("source", [HERE, THERE])
async def test_a_host_killed_under_a_live_migration_ends_it_with_one_guest(hosts: Hosts, source: str) -> None:
    guest = await on_this_host(hosts, "survivor", booted=False)
    if source == THERE:
        await live(hosts, guest, THERE)
    await act(hosts.cloud.api, guest.id, "os-migrateLive", ANY_HOST)
    async with asyncio.timeout(60):
        while not await live_moves(hosts.cloud.api, guest.id, status="running"):
            await asyncio.sleep(0.01)
    hosts.elsewhere.end(signal.SIGKILL)
    await hosts.elsewhere.start()

    await settled(hosts, guest, HERE if source == THERE else THERE)
    await until(lambda: known_once(hosts, guest))
    await guest.delete()


async def known_once(hosts: Hosts, guest: Guest) -> bool:
    return len(await hosts.known(guest)) == 1


async def test_a_lost_hosts_guest_is_made_anew_and_its_old_one_goes_when_the_host_is_back(hosts: Hosts) -> None:
    guest = await on_this_host(hosts, "refugee", booted=False)
    await act(hosts.cloud.api, guest.id, "migrate")
    await moved(hosts, guest, THERE)
    await act(hosts.cloud.api, guest.id, "confirmResize", ok=204)
    await settled(hosts, guest, THERE)
    assert await hosts.known(guest) == [THERE]

    hosts.elsewhere.end(signal.SIGKILL)
    await change_service(hosts.cloud.api, THERE, forced_down=True)
    await act(hosts.cloud.api, guest.id, "evacuate", {}, ok=200, version="2.94")
    server = await hosts.cloud.api.until(guest.id, {"ACTIVE", "ERROR"}, within_s=120)
    assert server["status"] == "ACTIVE", server.get("fault")
    assert await host_of(hosts.cloud.api, guest.id) == HERE
    # As far as anybody can tell; it was only its agent that was lost.
    assert await hosts.running(guest) == [HERE, THERE]

    await hosts.elsewhere.start()
    await change_service(hosts.cloud.api, THERE, forced_down=False)
    await until(lambda: known_once(hosts, guest))
    assert await hosts.running(guest) == [HERE]
    await guest.delete()
