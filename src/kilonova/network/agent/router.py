"""A router: a namespace with a cable to each of its networks, forwarding, NAT and floating addresses. Blocking."""

from collections.abc import Iterator, Mapping

from kilonova.contract.network_agent import RouterState, router_ports
from kilonova.model.ids import NetworkId
from kilonova.network.agent.arp import announce
from kilonova.network.agent.commands import inside, ip_batch, set_sysctl
from kilonova.network.agent.links import Cable, addressed, read_links
from kilonova.network.agent.names import Names
from kilonova.network.agent.nft import Chain, Collection, Table, load, transaction

_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    # Answer for an address only on the device that has it.
    "net/ipv4/conf/all/arp_ignore": "1",
    "net/ipv4/conf/all/arp_announce": "2",
}


def cables(router: RouterState, names: Names, mtus: Mapping[NetworkId, int]) -> Iterator[Cable]:
    """The router's cables; `mtus` by network id."""
    namespace = names.router_namespace(router.id)
    for port in router_ports(router):
        inner = names.router_inner(port.port_id, gateway=port is router.gateway)
        mtu = mtus.get(port.network_id, 1500)
        yield Cable(names.router_port(port.port_id), inner, namespace, mtu, port.mac)


class RouterNamespace:
    """The inside of one router; its namespace and cables must exist before `converge`."""

    def __init__(self, names: Names, router_id: str) -> None:
        self._names = names
        self._namespace = names.router_namespace(router_id)
        self._table: Table | None = None
        self._routed: tuple[str, ...] = ()
        self._started = False

    def converge(self, router: RouterState) -> None:
        """Errors: NetworkUnavailable."""
        if not self._started:
            with inside(self._namespace):
                for name, value in _SYSCTLS.items():
                    set_sysctl(name, value)
        lines, fresh = self._address(router)
        routes = tuple(self._routes(router))
        ip_batch([*lines, *(routes if routes != self._routed else ())], namespace=self._namespace)
        table = nat_table(router, self._names)
        with inside(self._namespace):
            load(transaction(self._table, table))
            # Neighbours may remember another owner of the address.
            for device, address in fresh:
                announce(device, address)
        self._table, self._routed, self._started = table, routes, True

    def _address(self, router: RouterState) -> tuple[list[str], list[tuple[str, str]]]:
        """Commands that set all addresses; and those that are new, with their devices."""
        present = read_links(self._namespace)
        lines, fresh = [] if present["lo"].up else ["link set dev lo up"], []
        for port in router_ports(router):
            device = self._names.router_inner(port.port_id, gateway=port is router.gateway)
            wanted = {*port.addresses, *(_floating(router) if port is router.gateway else ())}
            lines += addressed(present[device], wanted)
            fresh += [(device, one.split("/")[0]) for one in wanted - present[device].addresses if ":" not in one]
        return lines, fresh

    def _routes(self, router: RouterState) -> Iterator[str]:
        """The default routes and the user's; flushed first, so that those taken away go."""
        yield "route flush proto static"
        for nexthop in router.gateway.nexthops if router.gateway else ():
            assert router.gateway is not None
            device = self._names.router_inner(router.gateway.port_id, gateway=True)
            yield f"route replace default via {nexthop} dev {device} proto static"
        for route in router.routes:
            yield f"route replace {route.destination} via {route.nexthop} proto static"


def _floating(router: RouterState) -> list[str]:
    return [f"{one.floating}/32" for one in router.floating]


def nat_table(router: RouterState, names: Names) -> Table:
    """Floating addresses both ways, then source NAT for everybody else. Pure."""
    inward = {one.floating: one.fixed for one in router.floating}
    outward = {one.fixed: one.floating for one in router.floating}
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    gateway = router.gateway
    if gateway is not None:
        outer = names.router_inner(gateway.port_id, gateway=True)
        own = next((one.split("/")[0] for one in gateway.addresses if ":" not in one), None)
        before = ("dnat to ip daddr map @inward",)
        after = (f'oifname "{outer}" snat to ip saddr map @outward',)
        if own is not None:
            # A guest that speaks to a neighbour's floating address must get the answer by way of us.
            after += (f'ct status dnat iifname != "{outer}" oifname != "{outer}" snat to {own}',)
            after += (f'oifname "{outer}" snat to {own}',) if gateway.snat else ()
    kind = "type ipv4_addr : ipv4_addr;"
    return Table(
        "ip",
        "nat",
        chains={
            "before": Chain(before, "type nat hook prerouting priority dstnat; policy accept;"),
            "after": Chain(after, "type nat hook postrouting priority srcnat; policy accept;"),
        },
        collections={"inward": Collection("map", kind, inward), "outward": Collection("map", kind, outward)},
    )
