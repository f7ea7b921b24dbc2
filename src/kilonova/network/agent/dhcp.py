"""DHCP for one network: a namespace with a cable to the bridge, and a dnsmasq that knows every port. Blocking.

It outlives the agent, so that leases are renewed while the cloud is down.
"""

import os
import signal
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

from kilonova.contract.network_agent import DhcpEntry, NetworkState, SubnetState
from kilonova.model.ids import PortId
from kilonova.network.agent.commands import inside, ip_batch
from kilonova.network.agent.dhcp_release import release
from kilonova.network.agent.dnsmasq import Dnsmasq, written
from kilonova.network.agent.links import addressed, read_links
from kilonova.network.agent.names import METADATA_ADDRESS

DEVICE = "eth0"
_LEASE_S = 86400
_RESOLVERS = Path("/etc/resolv.conf")


class DhcpServer:
    """The DHCP server of one network; its files are in `directory`."""

    def __init__(self, directory: Path, namespace: str) -> None:
        self._directory = directory
        self._namespace = namespace
        self._dnsmasq = Dnsmasq(directory, namespace)
        self._entries: dict[PortId, DhcpEntry] = {}

    def converge(self, network: NetworkState) -> None:
        """The namespace with its cable must exist. Errors: NetworkUnavailable."""
        self._address(network)
        served = [subnet for subnet in network.subnets if subnet.dhcp_address]
        # dnsmasq 2.86 to 2.90 die at SIGHUP when a leased entry has a tag (they free its list past its end).
        tagged = "set:" in _read(self._directory / "hosts")
        fresh = self._dnsmasq.configure(self._configuration(network, served))
        changed = written(self._directory / "hosts", "".join(host_lines(network)))
        changed |= written(self._directory / "options", "".join(option_lines(network)))
        gone = self._departed(network)
        pid = self.pid()
        if pid is None or fresh or (changed and tagged):
            self._dnsmasq.restart()
        elif changed:
            os.kill(pid, signal.SIGHUP)
        self._release(gone, network)

    def pid(self) -> int | None:
        """The running dnsmasq of ours, if any."""
        return self._dnsmasq.pid()

    def remove(self) -> None:
        """Stop serving and forget all leases. Happy to find nothing."""
        self._dnsmasq.remove()

    def _address(self, network: NetworkState) -> None:
        wanted = [f"{METADATA_ADDRESS}/32"]
        gateways: list[str] = []
        for subnet in network.subnets:
            if subnet.dhcp_address:
                wanted.append(f"{subnet.dhcp_address}/{ip_network(subnet.cidr).prefixlen}")
                gateways += [subnet.gateway] if subnet.gateway else []
        link = read_links(self._namespace)[DEVICE]
        lines = list(addressed(link, wanted))
        if lines:
            # By way of the router dnsmasq reaches the resolvers outside.
            lines += [f"route replace default via {gateways[0]} dev {DEVICE}"] if gateways else []
            ip_batch(["link set dev lo up", *lines], namespace=self._namespace)

    def _configuration(self, network: NetworkState, served: list[SubnetState]) -> Iterator[str]:
        yield f"interface={DEVICE}"
        yield "except-interface=lo"
        yield "bind-dynamic"
        yield f"dhcp-hostsfile={self._directory / 'hosts'}"
        yield f"dhcp-optsfile={self._directory / 'options'}"
        yield f"dhcp-leasefile={self._directory / 'leases'}"
        yield "dhcp-authoritative"
        yield "no-ping"
        yield "no-hosts"
        yield "user=root"
        yield f"resolv-file={_RESOLVERS}" if _outside_resolvers() else "no-resolv"
        for subnet in served:
            network_ = ip_network(subnet.cidr)
            if network_.version == 4:
                yield f"dhcp-range=set:{tag(subnet)},{network_.network_address},static,{network_.netmask},{_LEASE_S}s"
            else:
                first, bits = network_.network_address, max(network_.prefixlen, 64)
                how = "slaac" if subnet.slaac else "static"
                yield f"dhcp-range=set:{tag(subnet)},{first},{how},{bits},{_LEASE_S}s"
                # Advertise the prefix, but never as a router: this namespace leads nowhere.
                yield "enable-ra"
                yield f"ra-param={DEVICE},0,0"

    def _departed(self, network: NetworkState) -> list[DhcpEntry]:
        now = {entry.port_id: entry for entry in network.leases}
        gone = [entry for port, entry in self._entries.items() if now.get(port) != entry]
        self._entries = {entry.port_id: entry for entry in network.leases}
        return gone

    def _release(self, gone: list[DhcpEntry], network: NetworkState) -> None:
        """Else dnsmasq would keep an address from its next owner until the lease runs out."""
        served = [subnet for subnet in network.subnets if subnet.dhcp_address]
        for entry in gone:
            for address in entry.addresses:
                server = next((s.dhcp_address for s in served if ip_address(address) in ip_network(s.cidr)), None)
                if server is not None and ":" not in address:
                    with inside(self._namespace):
                        release(device=DEVICE, server=server, address=address, mac=entry.mac)


def tag(subnet: SubnetState) -> str:
    return f"s{subnet.id.replace('-', '')[:12]}"


def _port_tag(entry: DhcpEntry) -> str:
    return f"p{entry.port_id.replace('-', '')[:12]}"


def host_lines(network: NetworkState) -> Iterator[str]:
    """dnsmasq's `dhcp-hostsfile`: who gets what."""
    for entry in network.leases:
        addresses = [f"[{address}]" if ":" in address else address for address in entry.addresses]
        first_four = [address for address in addresses if not address.startswith("[")][:1]
        wanted = [*first_four, *(address for address in addresses if address.startswith("["))]
        if wanted:
            mark = f",set:{_port_tag(entry)}" if entry.options else ""
            yield f"{entry.mac}{mark},{','.join(wanted)},{entry.hostname}\n"


def option_lines(network: NetworkState) -> Iterator[str]:
    """dnsmasq's `dhcp-optsfile`: routers, resolvers, routes (with the way to the metadata address), MTU."""
    for subnet in network.subnets:
        if subnet.dhcp_address is None:
            continue
        if ":" in subnet.cidr:
            if subnet.dns:
                yield f"tag:{tag(subnet)},option6:dns-server,{','.join(f'[{one}]' for one in subnet.dns)}\n"
            continue
        yield from _options_four(subnet)
        yield f"tag:{tag(subnet)},option:mtu,{network.mtu}\n"
    for entry in network.leases:
        for name, value in entry.options:
            yield f"tag:{_port_tag(entry)},{_option(name)},{value}\n"


def _options_four(subnet: SubnetState) -> Iterator[str]:
    assert subnet.dhcp_address is not None
    mine = f"tag:{tag(subnet)}"
    routes = [(f"{METADATA_ADDRESS}/32", subnet.dhcp_address)]
    routes += [(route.destination, route.nexthop) for route in subnet.routes]
    # A client that takes option 121 must ignore the router option (RFC 3442), so the default route is in both.
    routes += [("0.0.0.0/0", subnet.gateway)] if subnet.gateway else []
    text = ",".join(f"{destination},{nexthop}" for destination, nexthop in routes)
    yield f"{mine},option:classless-static-route,{text}\n"
    yield f"{mine},249,{text}\n"
    yield f"{mine},option:router{f',{subnet.gateway}' if subnet.gateway else ''}\n"
    yield f"{mine},option:dns-server,{','.join(subnet.dns or (subnet.dhcp_address,))}\n"


def _option(name: str) -> str:
    return name if name.isdigit() else f"option:{name}"


def _outside_resolvers() -> bool:
    """Whether the host names a resolver that a namespace can reach: not one on its own loopback."""
    try:
        lines = _RESOLVERS.read_text().splitlines()
    except OSError:
        return False
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ") and len(line.split()) > 1]
    return any(not server.startswith("127.") and server != "::1" for server in servers)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
