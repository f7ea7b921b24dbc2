"""Router advertisements (IPv6): a dnsmasq in a router's namespace tells guests their prefix and way out. Blocking."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

from kilonova.contract.network_agent import RouterState
from kilonova.network.agent.dnsmasq import Dnsmasq
from kilonova.network.agent.names import Names

# Seconds between advertisements nobody asked for, and how long guests believe one.
_EVERY_S, _VALID_S = 60, 1800
_LEASE_S = 86400
# dnsmasq's words: guests make their addresses themselves, and may ask for the rest; or DHCPv6 gives all.
_HOW = {"slaac": "ra-only", "dhcpv6-stateless": "ra-stateless", "dhcpv6-stateful": "static"}


class Advertiser:
    """Of one router; its files are in `directory`."""

    def __init__(self, directory: Path, namespace: str) -> None:
        self._dnsmasq = Dnsmasq(directory, namespace)

    def converge(self, router: RouterState, names: Names) -> None:
        """The router's addresses must be set. Errors: NetworkUnavailable."""
        lines = tuple(advertised(router, names))
        if not lines:
            self._dnsmasq.remove()
        elif self._dnsmasq.configure(lines) or self._dnsmasq.pid() is None:
            self._dnsmasq.restart()

    def remove(self) -> None:
        """Happy to find nothing."""
        self._dnsmasq.remove()


def advertised(router: RouterState, names: Names) -> Iterator[str]:
    """dnsmasq's configuration; nothing where there is nothing to advertise. Pure."""
    legs = [one for one in router.interfaces if one.prefixes]
    if not legs:
        return
    yield from ("port=0", "except-interface=lo", "bind-dynamic", "user=root", "leasefile-ro", "enable-ra")
    # Addresses are given by the network's own server: this one only advertises.
    yield "dhcp-ignore=tag:!known"
    for leg in legs:
        device = names.router_inner(leg.port_id, gateway=False)
        yield f"interface={device}"
        yield f"ra-param={device},mtu:{leg.mtu},{_EVERY_S},{_VALID_S}"
        for number, prefix in enumerate(leg.prefixes):
            tag = f"{device}-{number}"
            network = ip_network(prefix.cidr)
            yield (
                f"dhcp-range=set:{tag},{network.network_address},{_HOW[prefix.mode]},"
                f"{max(network.prefixlen, 64)},{_LEASE_S}s"
            )
            if prefix.dns:
                yield f"dhcp-option=tag:{tag},option6:dns-server,{','.join(f'[{one}]' for one in prefix.dns)}"
