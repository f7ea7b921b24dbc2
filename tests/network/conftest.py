"""Network services, and stand-in guests: namespaces on a cable whose host end bears the name of the guest's tap."""

import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from kilonova.model.ids import PortId
from kilonova.network.agent.commands import inside
from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.names import prefix_for
from tests.network.cloud import NetworkCloud, start_network, stop_network

_LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
[ -n "$mtu" ] && ip link set $interface mtu $mtu
set -- $staticroutes
while [ -n "$2" ]; do ip route add $1 via $2 dev $interface 2>/dev/null || ip route add $1 dev $interface; shift 2; done
"""


def shell(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=check, timeout=30)


# Guests ask at once, and routers tell by themselves every few seconds at first: one question may come too early.
ADVERTISED_S = 45.0


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """True as soon as `condition` holds; False when it did not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def plugged_in(tap: str, card: str) -> bool:
    shell("ip", "link", "delete", "dev", tap, check=False)
    return shell("ip", *card.split(), check=False).returncode == 0


class StandIn:
    """A guest without a machine: a namespace `name` with one card `eth0`."""

    def __init__(self, network: HostNetwork, port_id: PortId, mac: str, directory: Path) -> None:
        self.mac = mac
        self.name = f"netg-{network.names.prefix}-{port_id[:8]}"
        self._script = directory / "lease.sh"
        self._script.write_text(_LEASE_SCRIPT)
        self._script.chmod(0o755)
        shell("ip", "netns", "add", self.name)
        tap = network.names.tap(port_id)
        card = f"link add name {tap} type veth peer name eth0 netns {self.name} address {mac}"
        # The agent may have made the tap already, and may make it again.
        assert wait_for(lambda: plugged_in(tap, card))
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "eth0", "up")

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return shell("nsenter", f"--net=/run/netns/{self.name}", *arguments, check=check)

    def lease(self) -> str:
        """The address DHCP gives, set up as a guest would; '' when it gives none."""
        script = str(self._script)
        options = ("-O", "staticroutes", "-O", "mtu", "-t", "4", "-T", "1", "-n", "-q", "-f", "-s", script)
        self.run("busybox", "udhcpc", "-i", "eth0", *options, check=False)
        words = self.run("ip", "-4", "-o", "addr", "show", "eth0").stdout.split()
        return words[3].split("/")[0] if len(words) > 3 else ""

    def pings(self, address: str) -> bool:
        return self.run("busybox", "ping", "-c", "1", "-W", "1", address, check=False).returncode == 0

    def pings6(self, address: str) -> bool:
        return self.run("busybox", "ping", "-6", "-c", "1", "-W", "1", address, check=False).returncode == 0

    def listen(self, port: int) -> socket.socket:
        """A listening socket in the guest; `accept` waits two seconds at most."""
        with inside(self.name):
            listening = socket.create_server(("0.0.0.0", port))
        listening.settimeout(2)
        return listening

    def connect(self, address: str, port: int) -> socket.socket:
        """Errors: TimeoutError when nothing answers within a second."""
        with inside(self.name):
            return socket.create_connection((address, port), timeout=1)

    def remove(self) -> None:
        shell("ip", "netns", "delete", self.name, check=False)


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """A cloud of its own per test, found again by its directory should the test be killed."""
    return prefix_for(tmp_path)


@pytest.fixture
def host_network(prefix: str, tmp_path: Path) -> Iterator[HostNetwork]:
    network = HostNetwork(prefix=prefix, state_dir=tmp_path)
    yield network
    network.remove_all()


@pytest.fixture
def stand_in(host_network: HostNetwork, tmp_path: Path) -> Iterator[Callable[[PortId, str], StandIn]]:
    made: list[StandIn] = []

    def make(port_id: PortId, mac: str) -> StandIn:
        made.append(StandIn(host_network, port_id, mac, tmp_path))
        return made[-1]

    yield make
    for guest in made:
        guest.remove()


def leftovers(prefix: str, state_dir: Path) -> list[str]:
    """Everything on the machine that belongs to the cloud `prefix`."""
    links = [line.split(":")[1].strip() for line in shell("ip", "-o", "link").stdout.splitlines()]
    spaces = [line.split()[0] for line in shell("ip", "netns", "list").stdout.splitlines()]
    tables = shell("nft", "list", "tables").stdout.splitlines()
    commands = [path.read_bytes().decode() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    servers = [command for command in commands if "dnsmasq" in command and str(state_dir) in command]
    ours = [one for one in [*links, *spaces, *tables] if prefix in one and not one.startswith("netg-")]
    return ours + servers


@pytest.fixture
async def cloud(sqlite_url: str) -> AsyncIterator[NetworkCloud]:
    started = await start_network(sqlite_url)
    yield started
    await stop_network(started)
