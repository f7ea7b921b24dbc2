"""DHCP for one network: a namespace with a cable to the bridge, and a dnsmasq that knows every port. Blocking.

dnsmasq outlives the agent and is found again by its pid file, so that leases are renewed while the cloud is down.
"""

import os
import select
import shutil
import signal
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

from kilonova.contract.network_agent import DhcpEntry, NetworkState, SubnetState
from kilonova.model.ids import PortId
from kilonova.network.agent.commands import inside, ip_batch, run
from kilonova.network.agent.dhcp_release import release
from kilonova.network.agent.links import addressed, read_links
from kilonova.network.agent.names import METADATA_ADDRESS

DEVICE = "eth0"
_LEASE_S = 86400
_STOP_S = 5.0
_RESOLVERS = Path("/etc/resolv.conf")


class DhcpServer:
    """The DHCP server of one network; its files are in `directory`."""

    def __init__(self, directory: Path, namespace: str) -> None:
        self._directory = directory
        self._namespace = namespace
        self._config = directory / "dnsmasq.conf"
        self._pid_file = directory / "dnsmasq.pid"
        self._entries: dict[PortId, DhcpEntry] = {}

    def converge(self, network: NetworkState) -> None:
        """The namespace with its cable must exist. Errors: NetworkUnavailable."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._address(network)
        served = [subnet for subnet in network.subnets if subnet.dhcp_address]
        # dnsmasq 2.86 to 2.90 die at SIGHUP when a leased entry has a tag (they free its list past its end).
        tagged = "set:" in _read(self._directory / "hosts")
        fresh = _write(self._config, "\n".join(self._configuration(network, served)) + "\n")
        changed = _write(self._directory / "hosts", "".join(host_lines(network)))
        changed |= _write(self._directory / "options", "".join(option_lines(network)))
        gone = self._departed(network)
        pid = self.pid()
        if pid is None or fresh or (changed and tagged):
            self._restart()
        elif changed:
            os.kill(pid, signal.SIGHUP)
        self._release(gone, network)

    def pid(self) -> int | None:
        """The running dnsmasq of ours, if any."""
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        # A zombie has no command line; a stranger with a recycled number has another.
        return pid if f"--conf-file={self._config}".encode() in command else None

    def stop(self) -> None:
        """Happy to find nothing running."""
        pid = self.pid()
        if pid is None:
            return
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(process, signal.SIGTERM)
            # Its pid file goes before its sockets do, so wait for the process itself.
            select.select([process], [], [], _STOP_S)
        finally:
            os.close(process)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

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
        yield f"pid-file={self._pid_file}"
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

    def _restart(self) -> None:
        self.stop()
        with inside(self._namespace):
            run("dnsmasq", f"--conf-file={self._config}")

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


def _write(path: Path, text: str) -> bool:
    """True when the file was not like that before."""
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    return True
