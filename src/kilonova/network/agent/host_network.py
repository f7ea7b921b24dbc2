"""All of a host's network, brought to what is wanted. Blocking: for one thread at a time, the agent's own.

Only what differs is touched, so converging twice does nothing the second time. Order: devices, then guards, then
devices go on their bridges, so that no packet of a guest passes unguarded.
"""

import logging
import os
from collections.abc import Collection, Iterator
from ipaddress import ip_network
from itertools import chain
from pathlib import Path

from kilonova.contract.network_agent import HostState, NetworkState, PortState, RouterState
from kilonova.network.agent import conntrack, firewall, nft, router
from kilonova.network.agent.advertise import Advertiser
from kilonova.network.agent.commands import ip_batch, namespaces, run, set_sysctl
from kilonova.network.agent.dhcp import DEVICE, DhcpServer
from kilonova.network.agent.links import Bridge, Cable, Link, Tap, addressed, enslaved, read_links
from kilonova.network.agent.names import Names
from kilonova.network.agent.verdicts import forbidden, tightened
from kilonova.network.errors import NetworkUnavailable

log = logging.getLogger(__name__)

_HOST_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    # Bridged packets pass the inet hooks: without it there are no stateful security groups.
    "net/bridge/bridge-nf-call-iptables": "1",
    "net/bridge/bridge-nf-call-ip6tables": "1",
}
_ADVERTISED = "advertised"
_BRIDGE_FILTER = Path("/proc/sys/net/bridge")


class HostNetwork:
    """Everything of one cloud on this host. `state_dir` keeps dnsmasq's files."""

    def __init__(self, *, prefix: str, state_dir: Path) -> None:
        self.names = Names(prefix)
        self._state_dir = state_dir
        self._bridge_table: nft.Table | None = None
        self._inet_table: nft.Table | None = None
        self._dhcp: dict[str, tuple[DhcpServer, NetworkState | None]] = {}
        self._routers: dict[str, tuple[router.RouterNamespace, RouterState | None]] = {}
        self._guarded: HostState | None = None
        self._started = False

    def converge(self, state: HostState) -> None:
        """Make `state` (complete) so, and remove what is ours and not in it. Errors: NetworkUnavailable."""
        if not self._started:
            self._prepare()
        self._make_namespaces(state)
        present = self._make_devices(state)
        self._guard(state, present)
        ip_batch(self._connections(state, present))
        self._end_forbidden(state, present)
        self._serve_dhcp(state)
        self._route(state)
        self._sweep(state, present)

    def remove_port(self, port_id: str) -> None:
        """Take a guest's device away at once. Happy to find nothing."""
        device = self.names.tap(port_id)
        if device in read_links():
            ip_batch([f"link del dev {device}"])

    def remove_all(self) -> None:
        """Leave nothing of this cloud's network on the host."""
        self._sweep(HostState(), read_links())
        nft.load(nft.removal("bridge", self.names.prefix) + nft.removal("inet", self.names.prefix))
        self._bridge_table = self._inet_table = None

    def _prepare(self) -> None:
        if not _BRIDGE_FILTER.is_dir():
            run("modprobe", "br_netfilter")
        for name, value in _HOST_SYSCTLS.items():
            set_sysctl(name, value)
        self._started = True

    def _make_namespaces(self, state: HostState) -> None:
        for name in sorted(self._wanted_namespaces(state) - namespaces()):
            run("ip", "netns", "add", name)

    def _wanted_namespaces(self, state: HostState) -> set[str]:
        return {
            *(self.names.dhcp_namespace(network.id) for network in state.networks if _has_dhcp(network)),
            *(self.names.router_namespace(one.id) for one in state.routers),
        }

    def _make_devices(self, state: HostState) -> dict[str, Link]:
        present = read_links()
        lines = list(chain.from_iterable(device.missing(present) for device in self._devices(state)))
        if not lines:
            return present
        ip_batch(lines)
        return read_links()

    def _devices(self, state: HostState) -> Iterator[Bridge | Tap | Cable]:
        names, mtus = self.names, {network.id: network.mtu for network in state.networks}
        for network in state.networks:
            yield Bridge(names.bridge(network.id), network.mtu)
            yield from (Tap(names.tap(port.id), network.mtu) for port in network.ports)
            if network.external:
                yield Cable(names.host_port(network.id), names.host_end(network.id), None, network.mtu)
            if _has_dhcp(network):
                inside = names.dhcp_namespace(network.id)
                yield Cable(names.dhcp_port(network.id), DEVICE, inside, network.mtu, network.dhcp_mac)
        for one in state.routers:
            yield from router.cables(one, names, mtus)

    def _guard(self, state: HostState, present: dict[str, Link]) -> None:
        found = firewall.slots(state, self.names, {name: link.index for name, link in present.items()})
        bridge, inet = firewall.bridge_table(found, self.names), firewall.inet_table(state, found, self.names)
        try:
            nft.load(nft.transaction(self._bridge_table, bridge) + nft.transaction(self._inet_table, inet))
        except NetworkUnavailable as error:
            if self._bridge_table is None:
                raise
            # Somebody else touched our tables: make them anew, whole.
            log.warning("guards made anew", extra={"reason": str(error)})
            nft.load(nft.transaction(None, bridge) + nft.transaction(None, inet))
        self._bridge_table, self._inet_table = bridge, inet

    def _end_forbidden(self, state: HostState, present: dict[str, Link]) -> None:
        """End connections that the rules allow no longer; the first time, whatever was changed while nobody looked."""
        before, self._guarded = self._guarded, state
        if before is not None and not tightened(before, state):
            return
        zones = {firewall.zone(present[self.names.bridge(one.id)].index): one.id for one in state.networks}
        groups = {group.id: group for group in state.groups}
        ports = {network.id: _by_address(network) for network in state.networks}
        past = {network.id: set(_by_address(network)) for network in (before.networks if before else ())}
        for flow in conntrack.flows(frozenset(zones)):
            network_id = zones[flow.zone]
            now = ports.get(network_id, {})
            if forbidden(flow, now, groups, gone=past.get(network_id, set()) - set(now)):
                conntrack.end(flow)

    def _connections(self, state: HostState, present: dict[str, Link]) -> Iterator[str]:
        for network in state.networks:
            bridge = self.names.bridge(network.id)
            for port in network.ports:
                yield from enslaved(self.names.tap(port.id), bridge, present, up=port.up)
            for name in firewall.cables(state, network, self.names):
                yield from enslaved(name, bridge, present)
            if network.external:
                yield from addressed(present[self.names.host_end(network.id)], _host_addresses(network))

    def _serve_dhcp(self, state: HostState) -> None:
        for network in state.networks:
            if not _has_dhcp(network):
                continue
            directory = self._state_dir / "dhcp" / network.id
            server, done = self._dhcp.get(network.id) or (
                DhcpServer(directory, self.names.dhcp_namespace(network.id)),
                None,
            )
            # What dnsmasq serves does not depend on where the ports are.
            if done is None or _served(done) != _served(network) or server.pid() is None:
                server.converge(network)
            self._dhcp[network.id] = (server, network)

    def _route(self, state: HostState) -> None:
        for wanted in state.routers:
            namespace, done = self._routers.get(wanted.id) or (router.RouterNamespace(self.names, wanted.id), None)
            if done != wanted:
                namespace.converge(wanted)
            if done != wanted or any(one.prefixes for one in wanted.interfaces):
                self._advertiser(wanted.id).converge(wanted, self.names)
            self._routers[wanted.id] = (namespace, wanted)

    def _advertiser(self, router_id: str) -> Advertiser:
        return Advertiser(self._state_dir / _ADVERTISED / router_id, self.names.router_namespace(router_id))

    def _sweep(self, state: HostState, present: dict[str, Link]) -> None:
        """Remove what is ours and wanted no more, known to this process or left by an earlier one."""
        served = {network.id for network in state.networks if _has_dhcp(network)}
        self._remove_dhcp(served)
        routers = {one.id for one in state.routers}
        for router_id in _entries(self._state_dir / _ADVERTISED) - routers:
            self._advertiser(router_id).remove()
        for router_id in self._routers.keys() - routers:
            del self._routers[router_id]
        mine = {name for name in namespaces() if self.names.owns_namespace(name)}
        for name in sorted(mine - self._wanted_namespaces(state)):
            run("ip", "netns", "delete", name)
        wanted = set(self._wanted_devices(state))
        # The other end of a cable goes with it; a namespace's cables go with the namespace, a little later.
        _delete_devices([name for name in present if self.names.owns_device(name) and name not in wanted])

    def _wanted_devices(self, state: HostState) -> Iterator[str]:
        for device in self._devices(state):
            yield device.name
            if isinstance(device, Cable) and device.namespace is None:
                yield device.inner

    def _remove_dhcp(self, served: Collection[str]) -> None:
        root = self._state_dir / "dhcp"
        for network_id in _entries(root) - set(served):
            DhcpServer(root / network_id, self.names.dhcp_namespace(network_id)).remove()
            self._dhcp.pop(network_id, None)


def _entries(directory: Path) -> set[str]:
    return set(os.listdir(directory)) if directory.is_dir() else set()


def _has_dhcp(network: NetworkState) -> bool:
    return any(subnet.dhcp_address for subnet in network.subnets)


def _served(network: NetworkState) -> tuple[object, ...]:
    return (network.subnets, network.leases, network.mtu, network.dhcp_mac)


def _by_address(network: NetworkState) -> dict[str, PortState]:
    return {address: port for port in network.ports for address in port.addresses}


def _host_addresses(network: NetworkState) -> Iterator[str]:
    for subnet in network.subnets:
        if subnet.gateway is not None:
            yield f"{subnet.gateway}/{ip_network(subnet.cidr).prefixlen}"


def _delete_devices(names: Collection[str]) -> None:
    if not names:
        return
    try:
        run("ip", "-force", "-batch", "-", feed="".join(f"link delete dev {name}\n" for name in names))
    except NetworkUnavailable:
        # A cable goes with its other end, or a little later with its namespace: those are no failures.
        if set(names) & set(read_links()):
            raise
