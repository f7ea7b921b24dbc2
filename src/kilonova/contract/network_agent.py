"""The network on a host: what the network service wants there, as frozen values, and who says what to whom.

The service keeps the truth and rings (`NetworkAgent.changed`); the agent asks what is wanted
(`NetworkDirectory.wanted`), makes it so, and reports which ports work. A lost bell loses nothing: an agent asks for
everything when it starts and now and then, and `plug` asks for a port it has not heard of.

Addresses are text, networks in CIDR notation.
"""

import socket
from typing import Literal, Protocol

import msgspec

from kilonova.contract.message import call, cast
from kilonova.model.ids import HostName, NetworkId, PortId


class Route(msgspec.Struct, frozen=True):
    """Packets for `destination` (CIDR) go to `nexthop` (an address)."""

    destination: str
    nexthop: str


class SubnetState(msgspec.Struct, frozen=True, kw_only=True):
    """`dhcp_address` is the DHCP server's own address; None means no DHCP on this subnet.

    `slaac`: guests make their (IPv6) addresses themselves, from what is advertised.
    """

    id: str
    cidr: str
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    dhcp_address: str | None = None
    slaac: bool = False


class AddressPair(msgspec.Struct, frozen=True):
    """An address (or CIDR) a port may use besides its own, from `mac`."""

    address: str
    mac: str


class PortState(msgspec.Struct, frozen=True, kw_only=True):
    """A guest's port on this host. `secured` off means neither anti-spoofing nor security groups.

    `expected`: its guest is about to come, as it runs, from the host the port is bound to.
    """

    id: PortId
    mac: str
    addresses: tuple[str, ...] = ()
    pairs: tuple[AddressPair, ...] = ()
    groups: tuple[str, ...] = ()
    secured: bool = True
    up: bool = True
    expected: bool = False


class DhcpEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets which address: one per port of the network, wherever its guest runs. `options` are (name, value)."""

    port_id: PortId
    mac: str
    addresses: tuple[str, ...]
    hostname: str
    options: tuple[tuple[str, str], ...] = ()


class NetworkState(msgspec.Struct, frozen=True, kw_only=True):
    """A network on this host. `segment` is its number on the wire between hosts; `mtu` in bytes.

    An `external` network gets the gateway address of its subnets on the host, so that the host reaches floating
    addresses and routers reach the world through the host.
    """

    id: NetworkId
    segment: int
    mtu: int = 1500
    external: bool = False
    subnets: tuple[SubnetState, ...] = ()
    dhcp_mac: str | None = None
    ports: tuple[PortState, ...] = ()
    leases: tuple[DhcpEntry, ...] = ()


class GroupRule(msgspec.Struct, frozen=True, kw_only=True):
    """One security group rule. `low` and `high` are ports, or ICMP type and code; `remote_*` None means anybody."""

    direction: Literal["ingress", "egress"]
    version: Literal[4, 6]
    protocol: str | None = None
    low: int | None = None
    high: int | None = None
    remote_cidr: str | None = None
    remote_group: str | None = None


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """A security group; `members` are the addresses of all ports in it, on any host."""

    id: str
    rules: tuple[GroupRule, ...] = ()
    members: tuple[str, ...] = ()


class Prefix(msgspec.Struct, frozen=True, kw_only=True):
    """An IPv6 subnet as a router advertises it: how its guests come to their addresses, and its resolvers."""

    cidr: str
    mode: Literal["slaac", "dhcpv6-stateless", "dhcpv6-stateful"]
    dns: tuple[str, ...] = ()


class RouterInterface(msgspec.Struct, frozen=True, kw_only=True):
    """A router's port on an inner network; `addresses` with prefix length (`192.168.50.1/24`)."""

    port_id: PortId
    network_id: NetworkId
    mac: str
    addresses: tuple[str, ...]
    prefixes: tuple[Prefix, ...] = ()
    mtu: int = 1500


class RouterGateway(msgspec.Struct, frozen=True, kw_only=True):
    """A router's port on the external network. `nexthops` are the external subnets' gateways."""

    port_id: PortId
    network_id: NetworkId
    mac: str
    addresses: tuple[str, ...]
    nexthops: tuple[str, ...] = ()
    snat: bool = True


class FloatingState(msgspec.Struct, frozen=True):
    """Packets to `floating` reach `fixed`, and what `fixed` sends outside bears `floating`."""

    id: str
    floating: str
    fixed: str


class RouterState(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    interfaces: tuple[RouterInterface, ...] = ()
    gateway: RouterGateway | None = None
    floating: tuple[FloatingState, ...] = ()
    routes: tuple[Route, ...] = ()


def router_ports(router: RouterState) -> list[RouterInterface | RouterGateway]:
    """Inner ones first, the gateway's last."""
    return [*router.interfaces, *((router.gateway,) if router.gateway else ())]


class HostState(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted on a host. Complete when answered to `Ask(everything=True)`, else only what was asked for."""

    networks: tuple[NetworkState, ...] = ()
    routers: tuple[RouterState, ...] = ()
    groups: tuple[GroupState, ...] = ()


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Which parts an agent wants to hear of; ids that the answer lacks are wanted on the host no more."""

    networks: tuple[str, ...] = ()
    routers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    everything: bool = False


class AgentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent introduces itself. `wires` is False where the host has no network of ours (no root, simulated)."""

    host: HostName
    wires: bool
    version: str = ""


# The service's topic, where agents ask.
NETWORK = "network"


def agent_topic(host: str) -> str:
    return f"network-agent.{host}"


class NetworkAgent(Protocol):
    """Topic `network-agent.HOST`, told by the network service."""

    @cast()
    async def changed(self, *, networks: list[str], routers: list[str], groups: list[str]) -> None:
        """A bell: these may differ from what you know."""


class NetworkDirectory(Protocol):
    """Topic `network`, asked by agents."""

    @call(timeout_s=30)
    async def enroll(self, facts: AgentFacts) -> None:
        """Make the agent known, or refresh when it was last heard of."""

    @call(timeout_s=30)
    async def wanted(self, host: HostName, ask: Ask) -> HostState: ...

    @call(timeout_s=30)
    async def wired(self, host: HostName, ports: list[PortId]) -> None:
        """These ports of the host carry packets now: their status becomes ACTIVE."""


class PortPlugger(Protocol):
    """What compute asks of the agent on its own host. Idempotent by port."""

    async def plug(self, port_id: PortId, network_id: NetworkId) -> str | None:
        """The tap device for the guest, wired, guarded and served by DHCP; None: use QEMU's user-mode network.

        Errors: PortNotWanted (the network service knows no such port on this host), NetworkUnavailable.
        """

    async def unplug(self, port_id: PortId) -> None:
        """Take the device away. Happy to find nothing."""


class MetadataSockets(Protocol):
    """Who serves 169.254.169.254: given a listening socket per network, tells guests apart by their source address."""

    async def opened(self, network_id: NetworkId, listening: socket.socket) -> None:
        """Serve HTTP on `listening` (bound inside the network's namespace); the receiver owns and closes it."""

    async def closed(self, network_id: NetworkId) -> None: ...
