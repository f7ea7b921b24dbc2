"""Subnets, and the DHCP port of a network: one port with an address on each subnet that serves DHCP."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from kilonova.db.database import Reader
from kilonova.db.statement import delete_by, insert_into
from kilonova.network import addresses, checks, usage
from kilonova.network.attributes import REQUIRED, Attribute, Resource
from kilonova.network.errors import (
    HTTPBadRequest,
    InvalidInput,
    NetworkNotFound,
    PolicyNotAuthorized,
    SubnetInUse,
    SubnetNotFound,
)
from kilonova.network.nouns import port_rows
from kilonova.network.nouns.common import COMMON, NETWORK
from kilonova.network.nouns.noun import Noun, Row, Values, shown_common
from kilonova.network.pools import Net, check_pools, default_gateway, default_pools, makes_own_address
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, new_id

_encode, _decode = msgspec.json.encode, msgspec.json.decode
# Told from null, which means no gateway.
_UNSAID = "unsaid"
_MODES = (None, "slaac", "dhcpv6-stateful", "dhcpv6-stateless")
_ROUTE = checks.record({"destination": checks.cidr, "nexthop": checks.address})
_POOL = checks.record({"start": checks.address, "end": checks.address})

RESOURCE = Resource(
    "subnet",
    "subnets",
    "subnets",
    {
        **COMMON,
        "network_id": NETWORK,
        "ip_version": Attribute(checks.number(4, 6), default=None, put=False),
        "cidr": Attribute(checks.prefix, default=REQUIRED, put=False),
        "gateway_ip": Attribute(checks.nullable(checks.address), default=_UNSAID),
        "enable_dhcp": Attribute(checks.flag, default=True),
        "allocation_pools": Attribute(checks.nullable(checks.list_of(_POOL)), filters=False),
        "dns_nameservers": Attribute(checks.distinct(checks.address), default=[], filters=False),
        "host_routes": Attribute(checks.distinct(_ROUTE), default=[], filters=False),
        "service_types": Attribute(checks.list_of(checks.string()), default=[], filters=False),
        "ipv6_address_mode": Attribute(checks.one_of(*_MODES), put=False),
        "ipv6_ra_mode": Attribute(checks.one_of(*_MODES), put=False),
        "subnetpool_id": Attribute(checks.one_of(None), put=False, column=None),
    },
)


async def views(reader: Reader, found: Sequence[Row]) -> list[dict[str, Any]]:
    return [_view(row) for row in found]


def _view(row: Row) -> dict[str, Any]:
    return {
        **shown_common(row),
        "network_id": row["network_id"],
        "ip_version": row["ip_version"],
        "cidr": row["cidr"],
        "gateway_ip": row["gateway_ip"],
        "enable_dhcp": bool(row["enable_dhcp"]),
        "allocation_pools": msgspec.Raw(row["allocation_pools"].encode()),
        "dns_nameservers": msgspec.Raw(row["dns_nameservers"].encode()),
        "host_routes": msgspec.Raw(row["host_routes"].encode()),
        "service_types": msgspec.Raw(row["service_types"].encode()),
        "ipv6_address_mode": row["ipv6_address_mode"],
        "ipv6_ra_mode": row["ipv6_ra_mode"],
        "subnetpool_id": None,
        "tags": [],
    }


async def create(work: Work, values: Values) -> Row:
    network = await work.tx.row(rows.by_id(t.networks), id=values["network_id"])
    if network is None or not (work.privileged or network["project_id"] == values["project_id"] or network["shared"]):
        raise NetworkNotFound(values["network_id"])
    if not work.privileged and network["project_id"] != values["project_id"]:
        raise PolicyNotAuthorized("rule:create_subnet")
    net = ip_network(values["cidr"])
    _check_version(values, net)
    siblings = await rows.rows_among(work.tx, t.subnets, "network_id", [network["id"]])
    _check_overlap(net, network["id"], siblings)
    await usage.take(work, "subnet", network["project_id"])
    row = _new_row(work, values, net, network)
    await work.tx.execute(insert_into(t.subnets), **row)
    await serve_dhcp(work, network["id"], [*siblings, row])
    work.networks.add(network["id"])
    return row


def _new_row(work: Work, values: Values, net: Net, network: Row) -> Row:
    gateway = default_gateway(net) if values["gateway_ip"] == _UNSAID else values["gateway_ip"]
    pools = values["allocation_pools"]
    if pools is None:
        pools = default_pools(net, gateway)
    else:
        check_pools(net, pools, gateway)
    _check_gateway(net, gateway)
    _check_routes(values["host_routes"])
    return work.new_row(
        {name: values[name] for name in ("network_id", "name", "description", "ipv6_address_mode", "ipv6_ra_mode")},
        id=new_id(work.world.rng),
        project_id=network["project_id"],
        ip_version=net.version,
        cidr=str(net),
        gateway_ip=gateway,
        enable_dhcp=int(values["enable_dhcp"]),
        **_lists(values, pools),
    )


def _lists(values: Values, pools: Sequence[dict[str, str]]) -> dict[str, str]:
    names = ("dns_nameservers", "host_routes", "service_types")
    return {"allocation_pools": _text(pools), **{name: _text(values[name]) for name in names}}


def _text(value: object) -> str:
    return _encode(value).decode()


def _check_version(values: Values, net: Net) -> None:
    if values["ip_version"] not in (None, net.version):
        raise InvalidInput(f"cidr '{net}' does not match the ip_version '{values['ip_version']}'")
    modes = (values["ipv6_address_mode"], values["ipv6_ra_mode"])
    if net.version == 4 and any(modes):
        raise InvalidInput("ipv6_address_mode and ipv6_ra_mode are for IPv6 subnets only")
    if all(modes) and modes[0] != modes[1]:
        raise InvalidInput(f"ipv6_ra_mode set to '{modes[1]}' with ipv6_address_mode set to '{modes[0]}' is not valid")
    if values["enable_dhcp"] and net.num_addresses < 4:
        # Neutron's words: nobody could be served.
        raise InvalidInput(f"Subnet has a prefix length that is incompatible with DHCP service enabled: {net}")


def _check_overlap(net: Net, network_id: str, siblings: Sequence[Row]) -> None:
    for sibling in siblings:
        if sibling["ip_version"] == net.version and net.overlaps(ip_network(sibling["cidr"])):
            raise InvalidInput(
                f"Requested subnet with cidr: {net} for network: {network_id} overlaps with another subnet"
            )


def _check_gateway(net: Net, gateway: str | None) -> None:
    if gateway is None:
        return
    found = ip_address(gateway)
    if found.version != net.version:
        raise InvalidInput(f"gateway_ip '{gateway}' does not match the ip_version '{net.version}'")
    edges = (net.network_address, net.broadcast_address)
    if found in net and net.version == 4 and net.prefixlen < 31 and found in edges:
        raise InvalidInput(f"Gateway is not valid on subnet: {gateway}")


def _check_routes(routes: Sequence[dict[str, str]]) -> None:
    for route in routes:
        if ip_network(route["destination"]).version != ip_address(route["nexthop"]).version:
            raise HTTPBadRequest(f"Invalid input for host_routes. Reason: '{route}' mixes IP versions.")


async def serve_dhcp(work: Work, network_id: str, subnets: Sequence[Row]) -> None:
    """Bring the network's DHCP port to an address on each of the `subnets` that serve DHCP; none: no port."""
    served = [subnet for subnet in subnets if subnet["enable_dhcp"]]
    port = await dhcp_port(work.tx, network_id)
    if port is None and not served:
        return
    if port is None:
        # Known first: on some IPv6 subnets the address is made of it.
        mac = port_rows.new_mac(work)
        given = await addresses.choose(work, network_id, served, [{"subnet_id": one["id"]} for one in served], mac)
        device = f"dhcp-{network_id}"
        await port_rows.insert(
            work,
            network_id,
            given,
            project_id=served[0]["project_id"],
            mac_address=mac,
            device_owner=port_rows.DHCP,
            device_id=device,
            status="ACTIVE",
            port_security_enabled=0,
        )
        return
    if not served:
        await port_rows.remove(work, port)
        return
    ids = {subnet["id"] for subnet in served}
    kept = [one for one in port_rows.as_given(port) if one.subnet_id in ids]
    new = [{"subnet_id": subnet_id} for subnet_id in sorted(ids - {one.subnet_id for one in kept})]
    added = await addresses.choose(work, network_id, served, new, port["mac_address"])
    if added or len(kept) != len(port_rows.as_given(port)):
        await port_rows.readdress(work, port, [*kept, *added])


async def dhcp_port(reader: Reader, network_id: str) -> Row | None:
    found = await reader.rows(rows.PORTS_OF_DEVICE, device_id=f"dhcp-{network_id}")
    return next((port for port in found if port["device_owner"] == port_rows.DHCP), None)


async def update(work: Work, row: Row, values: Values) -> Row:
    net = ip_network(row["cidr"])
    gateway = values.get("gateway_ip", row["gateway_ip"])
    pools = values.get("allocation_pools")
    pools = _decode(row["allocation_pools"]) if pools is None else pools
    if "gateway_ip" in values or "allocation_pools" in values:
        _check_gateway(net, gateway)
        check_pools(net, pools, gateway)
    _check_routes(values.get("host_routes", []))
    columns = {
        name: _text(value) if isinstance(value, list) else int(value) if isinstance(value, bool) else value
        for name, value in values.items()
        if name != "allocation_pools"
    }
    if "allocation_pools" in values:
        columns["allocation_pools"] = _text(pools)
    changed = await rows.change(work.tx, t.subnets, row, columns, work.now)
    if "enable_dhcp" in values:
        siblings = await rows.rows_among(work.tx, t.subnets, "network_id", [row["network_id"]])
        await serve_dhcp(work, row["network_id"], siblings)
    work.networks.add(row["network_id"])
    return changed


async def delete(work: Work, row: Row) -> None:
    """Ports whose guests make their addresses on it by themselves lose them. Errors: SubnetInUse."""
    ports = await work.tx.rows(rows.PORTS_ON_SUBNET, subnet_id=row["id"])
    users = [port for port in ports if port["device_owner"] != port_rows.DHCP]
    if (users and not makes_own_address(row)) or any(port["device_owner"] == port_rows.INTERFACE for port in users):
        raise SubnetInUse(row["id"])
    for port in users:
        kept = [one for one in port_rows.as_given(port) if one.subnet_id != row["id"]]
        work.readdressed(await port_rows.readdress(work, port, kept))
    siblings = await rows.rows_among(work.tx, t.subnets, "network_id", [row["network_id"]])
    await serve_dhcp(work, row["network_id"], [one for one in siblings if one["id"] != row["id"]])
    await work.tx.execute(delete_by(t.subnets), id=row["id"])
    await usage.give_back(work, "subnet", row["project_id"])
    work.world.places.pop(row["id"], None)
    work.networks.add(row["network_id"])


SUBNETS = Noun(RESOURCE, t.subnets, SubnetNotFound, views, create, update, delete)
