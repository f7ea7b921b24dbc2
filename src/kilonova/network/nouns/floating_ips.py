"""Floating addresses: taken from an external network, led to a port's fixed address by the router between them."""

from collections.abc import Sequence
from typing import Any

from kilonova.db.database import Reader
from kilonova.db.statement import delete_by, insert_into
from kilonova.network import addresses, checks, usage
from kilonova.network.attributes import REQUIRED, Attribute, Resource
from kilonova.network.errors import (
    ExternalGatewayForFloatingIPNotFound,
    FloatingIPNotFound,
    FloatingIPPortAlreadyAssociated,
    HTTPBadRequest,
    InvalidInput,
    NetworkNotFound,
    PolicyNotAuthorized,
    PortNotFound,
)
from kilonova.network.nouns import port_rows
from kilonova.network.nouns.common import COMMON
from kilonova.network.nouns.noun import Noun, Row, Values, shown_common
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, new_id

RESOURCE = Resource(
    "floatingip",
    "floatingips",
    "floatingips",
    {
        **{name: attribute for name, attribute in COMMON.items() if name != "name"},
        "floating_network_id": Attribute(checks.identifier, default=REQUIRED, put=False),
        "floating_ip_address": Attribute(checks.nullable(checks.address), put=False, privileged=True),
        "subnet_id": Attribute(checks.nullable(checks.identifier), put=False, column=None),
        "port_id": Attribute(checks.nullable(checks.identifier)),
        "fixed_ip_address": Attribute(checks.nullable(checks.address)),
        "router_id": Attribute(checks.string(), post=False, put=False),
        "status": Attribute(checks.string(), post=False, put=False),
    },
)
_FREE: dict[str, Any] = {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}


async def views(reader: Reader, found: Sequence[Row]) -> list[dict[str, Any]]:
    wanted = [row["port_id"] for row in found if row["port_id"]]
    ports = {port["id"]: port for port in await rows.rows_among(reader, t.ports, "id", wanted)}
    return [_view(row, ports.get(row["port_id"])) for row in found]


def _view(row: Row, port: Row | None) -> dict[str, Any]:
    shown = shown_common(row)
    del shown["name"]
    return {
        **shown,
        "floating_network_id": row["floating_network_id"],
        "floating_ip_address": row["floating_ip_address"],
        "port_id": row["port_id"],
        "fixed_ip_address": row["fixed_ip_address"],
        "router_id": row["router_id"],
        "status": row["status"],
        "port_details": _details(port) if port else None,
        "port_forwardings": [],
        "dns_name": "",
        "dns_domain": "",
        "qos_policy_id": None,
        "tags": [],
    }


def _details(port: Row) -> dict[str, Any]:
    return {
        "name": port["name"],
        "network_id": port["network_id"],
        "mac_address": port["mac_address"],
        "admin_state_up": bool(port["admin_state_up"]),
        "status": port["status"],
        "device_id": port["device_id"],
        "device_owner": port["device_owner"],
    }


async def create(work: Work, values: Values) -> Row:
    network_id = values["floating_network_id"]
    network = await work.tx.row(rows.by_id(t.networks), id=network_id)
    if network is None:
        raise NetworkNotFound(network_id)
    if not network["external"]:
        raise HTTPBadRequest(f"Bad floatingip request: Network {network_id} is not a valid external network.")
    await usage.take(work, "floatingip", values["project_id"])
    id = new_id(work.world.rng)
    port = await _outer_port(work, id, network_id, values)
    row = work.new_row(
        {"id": id, "project_id": values["project_id"], "name": "", "description": values["description"], **_FREE},
        floating_network_id=network_id,
        floating_ip_address=port_rows.fixed_ips(port)[0]["ip_address"],
        floating_port_id=port["id"],
    )
    if values["port_id"]:
        row |= await _association(work, row, values["port_id"], values["fixed_ip_address"])
    await work.tx.execute(insert_into(t.floating_ips), **row)
    return row


async def _outer_port(work: Work, id: str, network_id: str, values: Values) -> Row:
    """The port that holds the address on the external network."""
    subnets = await rows.rows_among(work.tx, t.subnets, "network_id", [network_id])
    fours = [subnet for subnet in subnets if subnet["ip_version"] == 4]
    if not fours:
        raise HTTPBadRequest(f"Bad floatingip request: Network {network_id} does not contain any IPv4 subnet.")
    wanted: dict[str, str] | None = None
    if values["floating_ip_address"]:
        wanted = {"ip_address": values["floating_ip_address"]}
    if values["subnet_id"]:
        wanted = {**(wanted or {}), "subnet_id": values["subnet_id"]}
    mac = port_rows.new_mac(work)
    given = await addresses.choose(work, network_id, fours, [wanted] if wanted else None, mac)
    return await port_rows.insert(
        work,
        network_id,
        given,
        mac_address=mac,
        device_id=id,
        device_owner=port_rows.FLOATING,
        status="N/A",
        port_security_enabled=0,
    )


async def _association(work: Work, row: Row, port_id: str, fixed: str | None) -> dict[str, Any]:
    """The columns that lead the address to the port. Errors: those of Neutron's for ways that cannot be."""
    port = await work.tx.row(rows.by_id(t.ports), id=port_id)
    if port is None:
        raise PortNotFound(port_id)
    if not work.privileged and port["project_id"] != row["project_id"]:
        raise PolicyNotAuthorized("rule:update_floatingip")
    subnet_id, address = _inner_address(port, fixed)
    network_id = row["floating_network_id"]
    for peer in await work.tx.rows(rows.FLOATING_PEERS, port_id=port_id, fixed=address):
        if peer["id"] != row["id"]:
            raise FloatingIPPortAlreadyAssociated(
                address=row["floating_ip_address"], port_id=port_id, fixed=address, network_id=network_id
            )
    router = await work.tx.row(rows.ROUTER_ON_SUBNET, external=network_id, subnet_id=subnet_id)
    if router is None:
        raise ExternalGatewayForFloatingIPNotFound(network_id=network_id, subnet_id=subnet_id, port_id=port_id)
    work.routers.add(router["id"])
    work.readdressed(port)
    return {"port_id": port_id, "fixed_ip_address": address, "router_id": router["id"], "status": "ACTIVE"}


def _inner_address(port: Row, fixed: str | None) -> tuple[str, str]:
    """The port's subnet and IPv4 address that is meant."""
    fours = [one for one in port_rows.fixed_ips(port) if ":" not in one["ip_address"]]
    if fixed is not None:
        fours = [one for one in fours if one["ip_address"] == fixed]
        if not fours:
            raise InvalidInput(f"Port {port['id']} does not have fixed ip {fixed}")
    if not fours:
        raise InvalidInput(f"Cannot add floating IP to port {port['id']} that has no fixed IPv4 addresses")
    if len(fours) > 1:
        raise InvalidInput(f"Port {port['id']} has multiple fixed IPv4 addresses. Must provide a specific IPv4 address")
    return fours[0]["subnet_id"], fours[0]["ip_address"]


async def update(work: Work, row: Row, values: Values) -> Row:
    columns: dict[str, Any] = {"description": values["description"]} if "description" in values else {}
    # A PUT that names no port lets go, as Neutron's does; one that changes the description only does not.
    if "port_id" in values or "fixed_ip_address" in values:
        await _let_go(work, row)
        port_id = values.get("port_id", row["port_id"] if "port_id" not in values else None)
        if port_id:
            columns |= await _association(work, row, port_id, values.get("fixed_ip_address"))
        else:
            if values.get("fixed_ip_address"):
                raise InvalidInput("fixed_ip_address cannot be specified without a port_id")
            columns |= _FREE
    return await rows.change(work.tx, t.floating_ips, row, columns, work.now)


async def delete(work: Work, row: Row) -> None:
    for port in await rows.rows_among(work.tx, t.ports, "id", [row["floating_port_id"]]):
        await port_rows.remove(work, port)
    await work.tx.execute(delete_by(t.floating_ips), id=row["id"])
    await usage.give_back(work, "floatingip", row["project_id"])
    await _let_go(work, row)


async def _let_go(work: Work, row: Row) -> None:
    """The router and the server that had the address learn that it goes."""
    if row["router_id"]:
        work.routers.add(row["router_id"])
    if row["port_id"]:
        port = await work.tx.row(rows.by_id(t.ports), id=row["port_id"])
        if port is not None:
            work.readdressed(port)


FLOATING_IPS = Noun(RESOURCE, t.floating_ips, FloatingIPNotFound, views, create, update, delete)
