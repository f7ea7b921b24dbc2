"""Routers: their gateway on an external network. Interfaces on inner networks are in `router_interfaces`."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from kilonova.db.database import Reader
from kilonova.db.statement import delete_by, insert_into
from kilonova.network import addresses, checks, usage
from kilonova.network.attributes import Attribute, Resource
from kilonova.network.errors import (
    HTTPBadRequest,
    InvalidRoutes,
    NetworkNotFound,
    PolicyNotAuthorized,
    RouterExternalGatewayInUseByFloatingIp,
    RouterInUse,
    RouterNotFound,
)
from kilonova.network.nouns import port_rows
from kilonova.network.nouns.common import ADMIN_STATE, COMMON
from kilonova.network.nouns.noun import Noun, Row, Values, shown_common
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, new_id

_encode = msgspec.json.encode
_ROUTE = checks.record({"destination": checks.cidr, "nexthop": checks.address})
_FIXED = checks.record({}, {"subnet_id": checks.identifier, "ip_address": checks.address})
_GATEWAY = checks.record(
    {}, {"network_id": checks.identifier, "enable_snat": checks.flag, "external_fixed_ips": checks.list_of(_FIXED)}
)

RESOURCE = Resource(
    "router",
    "routers",
    "routers",
    {
        **COMMON,
        "admin_state_up": ADMIN_STATE,
        "external_gateway_info": Attribute(checks.nullable(_GATEWAY), column=None),
        "routes": Attribute(checks.distinct(_ROUTE), default=[], filters=False),
        "availability_zone_hints": Attribute(
            checks.list_of(checks.string()), default=[], column="zone_hints", put=False
        ),
        "distributed": Attribute(checks.one_of(False, None), column=None, privileged=True),
        "ha": Attribute(checks.one_of(False, None), column=None, privileged=True),
        "status": Attribute(checks.string(), post=False, put=False, column=None),
    },
)


async def views(reader: Reader, found: Sequence[Row]) -> list[dict[str, Any]]:
    wanted = [row["gateway_port_id"] for row in found if row["gateway_port_id"]]
    ports = {port["id"]: port for port in await rows.rows_among(reader, t.ports, "id", wanted)}
    return [_view(row, ports.get(row["gateway_port_id"])) for row in found]


def _view(row: Row, gateway: Row | None) -> dict[str, Any]:
    return {
        **shown_common(row),
        "status": "ACTIVE",
        "admin_state_up": bool(row["admin_state_up"]),
        "external_gateway_info": gateway_info(row, gateway),
        "routes": msgspec.Raw(row["routes"].encode()),
        "availability_zones": ["nova"],
        "availability_zone_hints": msgspec.Raw(row["zone_hints"].encode()),
        "distributed": False,
        "ha": False,
        "flavor_id": None,
        "tags": [],
    }


def gateway_info(row: Row, gateway: Row | None) -> dict[str, Any] | None:
    if gateway is None:
        return None
    return {
        "network_id": row["gateway_network_id"],
        "enable_snat": bool(row["enable_snat"]),
        "external_fixed_ips": port_rows.fixed_ips(gateway),
    }


async def create(work: Work, values: Values) -> Row:
    await usage.take(work, "router", values["project_id"])
    row = work.new_row(
        {name: values[name] for name in ("project_id", "name", "description")},
        id=new_id(work.world.rng),
        admin_state_up=int(values["admin_state_up"]),
        gateway_network_id=None,
        gateway_port_id=None,
        enable_snat=1,
        routes=_encode(values["routes"]).decode(),
        zone_hints=_encode(values["availability_zone_hints"]).decode(),
    )
    info = values["external_gateway_info"]
    if info:
        row |= await _make_gateway(work, row, info)
    await work.tx.execute(insert_into(t.routers), **row)
    work.routers.add(row["id"])
    return row


async def _make_gateway(work: Work, router: Row, info: Values) -> dict[str, Any]:
    """The router's port on the external network; the router's columns that name it."""
    network_id = info.get("network_id")
    if network_id is None:
        raise HTTPBadRequest("Invalid input for external_gateway_info. Reason: 'network_id' is required.")
    network = await work.tx.row(rows.by_id(t.networks), id=network_id)
    if network is None:
        raise NetworkNotFound(network_id)
    if not network["external"]:
        raise HTTPBadRequest(f"Bad router request: Network {network_id} is not an external network.")
    if not work.privileged and ("external_fixed_ips" in info or "enable_snat" in info):
        raise PolicyNotAuthorized("rule:create_router:external_gateway_info")
    mac = port_rows.new_mac(work)
    subnets = await rows.rows_among(work.tx, t.subnets, "network_id", [network_id])
    given = await addresses.choose(work, network_id, subnets, info.get("external_fixed_ips") or None, mac)
    port = await port_rows.insert(
        work,
        network_id,
        given,
        mac_address=mac,
        device_id=router["id"],
        device_owner=port_rows.GATEWAY,
        status="ACTIVE",
        port_security_enabled=0,
    )
    work.networks.add(network_id)
    snat = int(info.get("enable_snat", True))
    return {"gateway_network_id": network_id, "gateway_port_id": port["id"], "enable_snat": snat}


async def update(work: Work, row: Row, values: Values) -> Row:
    columns: dict[str, Any] = {name: values[name] for name in ("name", "description") if name in values}
    if "admin_state_up" in values:
        columns["admin_state_up"] = int(values["admin_state_up"])
    if "routes" in values:
        await _check_routes(work, row, values["routes"])
        columns["routes"] = _encode(values["routes"]).decode()
    if "external_gateway_info" in values:
        columns |= await _change_gateway(work, row, values["external_gateway_info"] or {})
    work.routers.add(row["id"])
    return await rows.change(work.tx, t.routers, row, columns, work.now)


async def _change_gateway(work: Work, row: Row, info: Values) -> dict[str, Any]:
    same = info.get("network_id") is not None and info["network_id"] == row["gateway_network_id"]
    if same and not info.get("external_fixed_ips"):
        if "enable_snat" in info and not work.privileged:
            raise PolicyNotAuthorized("rule:update_router:external_gateway_info:enable_snat")
        return {"enable_snat": int(info["enable_snat"])} if "enable_snat" in info else {}
    if not same:
        await _check_no_floating(work, row)
    await _remove_gateway(work, row)
    if not info:
        return {"gateway_network_id": None, "gateway_port_id": None, "enable_snat": 1}
    return await _make_gateway(work, row, info)


async def _check_no_floating(work: Work, row: Row) -> None:
    if row["gateway_network_id"] and await rows.rows_among(work.tx, t.floating_ips, "router_id", [row["id"]]):
        raise RouterExternalGatewayInUseByFloatingIp(row["id"], row["gateway_network_id"])


async def _remove_gateway(work: Work, row: Row) -> None:
    for port in await rows.rows_among(
        work.tx, t.ports, "id", [row["gateway_port_id"]] if row["gateway_port_id"] else []
    ):
        await port_rows.remove(work, port)


async def _check_routes(work: Work, row: Row, routes: Sequence[dict[str, str]]) -> None:
    """A next hop must be on a network the router is on. Errors: InvalidRoutes."""
    ports = await work.tx.rows(rows.PORTS_OF_DEVICE, device_id=row["id"])
    ids = sorted({one["subnet_id"] for port in ports for one in port_rows.fixed_ips(port)})
    nets = [ip_network(subnet["cidr"]) for subnet in await rows.rows_among(work.tx, t.subnets, "id", ids)]
    own = {one["ip_address"] for port in ports for one in port_rows.fixed_ips(port)}
    for route in routes:
        if not any(ip_address(route["nexthop"]) in net for net in nets):
            raise InvalidRoutes(routes, "the nexthop is not connected with router")
        if route["nexthop"] in own:
            raise InvalidRoutes(routes, "the nexthop is used by router")


async def delete(work: Work, row: Row) -> None:
    """Errors: RouterInUse."""
    ports = await work.tx.rows(rows.PORTS_OF_DEVICE, device_id=row["id"])
    if any(port["device_owner"] == port_rows.INTERFACE for port in ports):
        raise RouterInUse(row["id"])
    await _check_no_floating(work, row)
    await _remove_gateway(work, row)
    await work.tx.execute(delete_by(t.routers), id=row["id"])
    await usage.give_back(work, "router", row["project_id"])
    work.routers.add(row["id"])


ROUTERS = Noun(RESOURCE, t.routers, RouterNotFound, views, create, update, delete)
