"""From rows to what an agent wants to know."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Literal

import msgspec

from kilonova.contract.network_agent import (
    AddressPair,
    DhcpEntry,
    FloatingState,
    GroupRule,
    GroupState,
    NetworkState,
    PortState,
    Prefix,
    Route,
    RouterGateway,
    RouterInterface,
    RouterState,
    SubnetState,
)
from kilonova.db.database import Reader
from kilonova.network.nouns import port_rows
from kilonova.network.nouns.noun import Row
from kilonova.network.pools import makes_own_address
from kilonova.network.store import rows
from kilonova.network.store import tables as t

_decode = msgspec.json.decode
# Ports that are the cloud's own: nobody asks for their address by DHCP.
_OWN = (port_rows.DHCP, port_rows.INTERFACE, port_rows.GATEWAY, port_rows.FLOATING)


async def network_states(reader: Reader, ids: Sequence[str], *, host: str, local: set[str]) -> tuple[NetworkState, ...]:
    """Networks `ids` for `host`; those not in `local` are there for a router's sake and serve no DHCP."""
    networks = await rows.rows_among(reader, t.networks, "id", ids)
    subnets = _by_network(await rows.rows_among(reader, t.subnets, "network_id", ids))
    ports = _by_network(await rows.rows_among(reader, t.ports, "network_id", ids))
    return tuple(
        _network(row, subnets.get(row["id"], []), ports.get(row["id"], []), host=host, serves=row["id"] in local)
        for row in networks
    )


def _by_network(found: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in found:
        grouped.setdefault(row["network_id"], []).append(row)
    return grouped


def _network(row: Row, subnets: Sequence[Row], ports: Sequence[Row], *, host: str, serves: bool) -> NetworkState:
    dhcp = next((port for port in ports if port["device_owner"] == port_rows.DHCP), None) if serves else None
    own = {one["subnet_id"]: one["ip_address"] for one in port_rows.fixed_ips(dhcp)} if dhcp else {}
    return NetworkState(
        id=row["id"],
        segment=row["segment"],
        mtu=row["mtu"],
        external=bool(row["external"]),
        subnets=tuple(_subnet(subnet, own.get(subnet["id"])) for subnet in _ordered(subnets)),
        dhcp_mac=dhcp["mac_address"] if dhcp else None,
        ports=tuple(
            _port(port, expected=port["host"] != host)
            for port in _ordered(ports)
            if host in (port["host"], _next_host(port))
        ),
        leases=tuple(_lease(port) for port in _ordered(ports) if port["device_owner"] not in _OWN) if dhcp else (),
    )


def _ordered(found: Sequence[Row]) -> list[Row]:
    return sorted(found, key=lambda row: (row["created_at"], row["id"]))


def _subnet(row: Row, dhcp_address: str | None) -> SubnetState:
    return SubnetState(
        id=row["id"],
        cidr=row["cidr"],
        gateway=row["gateway_ip"],
        dns=tuple(_decode(row["dns_nameservers"])),
        routes=tuple(Route(one["destination"], one["nexthop"]) for one in _decode(row["host_routes"])),
        dhcp_address=dhcp_address if row["enable_dhcp"] else None,
        slaac=makes_own_address(row),
    )


def _next_host(row: Row) -> object:
    """Where the port's guest is about to go, as it runs."""
    return _decode(row["profile"]).get("migrating_to") if "migrating_to" in row["profile"] else None


def _port(row: Row, *, expected: bool) -> PortState:
    return PortState(
        id=row["id"],
        mac=row["mac_address"],
        addresses=tuple(one["ip_address"] for one in port_rows.fixed_ips(row)),
        pairs=tuple(
            AddressPair(one["ip_address"], one["mac_address"]) for one in _decode(row["allowed_address_pairs"])
        ),
        groups=tuple(sorted(_decode(row["security_groups"]))),
        secured=bool(row["port_security_enabled"]),
        up=bool(row["admin_state_up"]),
        expected=expected,
    )


def _lease(row: Row) -> DhcpEntry:
    addresses = tuple(one["ip_address"] for one in port_rows.fixed_ips(row))
    name = row["dns_name"] or (f"host-{addresses[0].replace('.', '-').replace(':', '-')}" if addresses else "host")
    options = _decode(row["extra_dhcp_opts"])
    return DhcpEntry(
        port_id=row["id"],
        mac=row["mac_address"],
        addresses=addresses,
        hostname=name,
        options=tuple((one["opt_name"], one["opt_value"]) for one in options if one.get("opt_value") is not None),
    )


async def router_states(reader: Reader, ids: Sequence[str]) -> tuple[RouterState, ...]:
    routers = [row for row in await rows.rows_among(reader, t.routers, "id", ids) if row["admin_state_up"]]
    ports = await rows.rows_among(reader, t.ports, "device_id", [row["id"] for row in routers])
    ids_ = sorted({one["subnet_id"] for port in ports for one in port_rows.fixed_ips(port)})
    subnets = {row["id"]: row for row in await rows.rows_among(reader, t.subnets, "id", ids_)}
    floating = await rows.rows_among(reader, t.floating_ips, "router_id", [row["id"] for row in routers])
    networks = await rows.rows_among(reader, t.networks, "id", sorted({port["network_id"] for port in ports}))
    mtus = {network["id"]: int(network["mtu"]) for network in networks}
    return tuple(_router(row, ports, subnets, floating, mtus) for row in routers)


def _router(
    row: Row, ports: Sequence[Row], subnets: dict[str, Row], floating: Sequence[Row], mtus: Mapping[str, int]
) -> RouterState:
    legs = [port for port in _ordered(ports) if port["device_id"] == row["id"]]
    gateway = next((port for port in legs if port["device_owner"] == port_rows.GATEWAY), None)
    return RouterState(
        id=row["id"],
        interfaces=tuple(
            RouterInterface(
                port_id=port["id"],
                network_id=port["network_id"],
                mac=port["mac_address"],
                addresses=_with_length(port, subnets),
                prefixes=_prefixes(port, subnets),
                mtu=mtus.get(port["network_id"], 1500),
            )
            for port in legs
            if port["device_owner"] == port_rows.INTERFACE
        ),
        gateway=_gateway(row, gateway, subnets) if gateway else None,
        floating=tuple(
            FloatingState(one["id"], one["floating_ip_address"], one["fixed_ip_address"])
            for one in _ordered(floating)
            if one["router_id"] == row["id"] and one["fixed_ip_address"]
        ),
        routes=tuple(Route(one["destination"], one["nexthop"]) for one in _decode(row["routes"])),
    )


def _gateway(router: Row, port: Row, subnets: dict[str, Row]) -> RouterGateway:
    on = [subnets[one["subnet_id"]] for one in port_rows.fixed_ips(port) if one["subnet_id"] in subnets]
    return RouterGateway(
        port_id=port["id"],
        network_id=port["network_id"],
        mac=port["mac_address"],
        addresses=_with_length(port, subnets),
        nexthops=tuple(subnet["gateway_ip"] for subnet in on if subnet["gateway_ip"]),
        snat=bool(router["enable_snat"]),
    )


def _with_length(port: Row, subnets: dict[str, Row]) -> tuple[str, ...]:
    fixed = [one for one in port_rows.fixed_ips(port) if one["subnet_id"] in subnets]
    return tuple(f"{one['ip_address']}/{ip_network(subnets[one['subnet_id']]['cidr']).prefixlen}" for one in fixed)


def _prefixes(port: Row, subnets: dict[str, Row]) -> tuple[Prefix, ...]:
    """Of the port's IPv6 subnets those whose guests look to this router."""
    on = [subnets[one["subnet_id"]] for one in port_rows.fixed_ips(port) if one["subnet_id"] in subnets]
    modes = [(subnet, _advertised_mode(subnet)) for subnet in on if ":" in subnet["cidr"]]
    return tuple(
        Prefix(cidr=subnet["cidr"], mode=mode, dns=tuple(_decode(subnet["dns_nameservers"])))
        for subnet, mode in modes
        if mode is not None
    )


def _advertised_mode(subnet: Row) -> Any:
    """None where somebody else advertises. Without any mode we serve DHCPv6, so guests must be told to ask for it."""
    if subnet["ipv6_ra_mode"] is None and subnet["ipv6_address_mode"] is None and subnet["enable_dhcp"]:
        return "dhcpv6-stateful"
    return subnet["ipv6_ra_mode"]


async def groups_of(reader: Reader, wanted: set[str]) -> tuple[GroupState, ...]:
    """The `wanted` groups and those their rules name; whole, since an answer replaces what an agent knows."""
    rules = await rows.rows_among(reader, t.security_group_rules, "security_group_id", sorted(wanted))
    named = {rule["remote_group_id"] for rule in rules if rule["remote_group_id"]} - wanted
    rules += await rows.rows_among(reader, t.security_group_rules, "security_group_id", sorted(named))
    there = await rows.rows_among(reader, t.security_groups, "id", sorted(wanted | named))
    members = await rows.members_of(reader, [row["id"] for row in there])
    return tuple(
        GroupState(
            id=group["id"],
            rules=tuple(_rule(rule) for rule in _ordered(rules) if rule["security_group_id"] == group["id"]),
            members=tuple(sorted(members.get(group["id"], []))),
        )
        for group in there
    )


def _rule(row: dict[str, Any]) -> GroupRule:
    direction: Literal["ingress", "egress"] = "ingress" if row["direction"] == "ingress" else "egress"
    return GroupRule(
        direction=direction,
        version=4 if row["ethertype"] == "IPv4" else 6,
        protocol=row["protocol"],
        low=row["port_range_min"],
        high=row["port_range_max"],
        remote_cidr=row["remote_ip_prefix"] and str(ip_network(row["remote_ip_prefix"], strict=False)),
        remote_group=row["remote_group_id"],
    )
