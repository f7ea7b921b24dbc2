"""A router's legs on inner networks: added and removed by subnet or by port."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import msgspec

from kilonova.network import addresses
from kilonova.network.errors import (
    HTTPBadRequest,
    PortInUse,
    PortNotFound,
    RouterInterfaceInUseByFloatingIP,
    RouterInterfaceNotFound,
    RouterInterfaceNotFoundForSubnet,
    SubnetNotFound,
)
from kilonova.network.nouns import port_rows
from kilonova.network.nouns.noun import Row
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work


async def add(work: Work, router: Row, body: Any, project: str | None) -> dict[str, Any]:
    """The interface as Neutron's answer shows it. `project`: whose subnets and ports may be used; None: anybody's."""
    subnet_id, port_id = _asked(body)
    if port_id is not None and subnet_id is not None:
        raise HTTPBadRequest("Bad router request: Cannot specify both subnet-id and port-id.")
    if port_id is not None:
        port = await _by_port(work, router, port_id, project)
    else:
        port = await _by_subnet(work, router, str(subnet_id), project)
    work.routers.add(router["id"])
    work.networks.add(port["network_id"])
    return _shown(router, port)


async def remove(work: Work, router: Row, body: Any) -> dict[str, Any]:
    """Errors: RouterInterfaceNotFound, RouterInterfaceInUseByFloatingIP."""
    subnet_id, port_id = _asked(body)
    legs = await _legs(work, router)
    if port_id is not None:
        port = next((leg for leg in legs if leg["id"] == port_id), None)
        if port is None or (subnet_id is not None and not _is_on(port, subnet_id)):
            raise RouterInterfaceNotFound(router["id"], port_id)
    else:
        assert subnet_id is not None
        port = next((leg for leg in legs if _is_on(leg, subnet_id)), None)
        if port is None:
            raise RouterInterfaceNotFoundForSubnet(router["id"], subnet_id)
    await _check_unneeded(work, router, port)
    await port_rows.remove(work, port)
    work.routers.add(router["id"])
    return _shown(router, port)


def _asked(body: Any) -> tuple[str | None, str | None]:
    if not isinstance(body, dict):
        raise HTTPBadRequest("Bad router request: Either subnet_id or port_id must be specified.")
    subnet_id, port_id = body.get("subnet_id"), body.get("port_id")
    if subnet_id is None and port_id is None:
        raise HTTPBadRequest("Bad router request: Either subnet_id or port_id must be specified.")
    for one in (subnet_id, port_id):
        if one is not None and not isinstance(one, str):
            raise HTTPBadRequest(f"Bad router request: '{one}' is not a valid UUID.")
    return subnet_id, port_id


async def _by_subnet(work: Work, router: Row, subnet_id: str, project: str | None) -> Row:
    subnet = await work.tx.row(rows.by_id(t.subnets), id=subnet_id)
    if subnet is None or not await _may_use(work, subnet["project_id"], subnet["network_id"], project):
        raise SubnetNotFound(subnet_id)
    if subnet["gateway_ip"] is None:
        raise HTTPBadRequest("Bad router request: Subnet for router interface must have a gateway IP.")
    await _check_overlap(work, router, [subnet])
    mac = port_rows.new_mac(work)
    wanted = [{"subnet_id": subnet_id, "ip_address": subnet["gateway_ip"]}]
    given = await addresses.choose(work, subnet["network_id"], [subnet], wanted, mac)
    return await port_rows.insert(
        work,
        subnet["network_id"],
        given,
        project_id=router["project_id"],
        mac_address=mac,
        device_id=router["id"],
        device_owner=port_rows.INTERFACE,
        status="ACTIVE",
        port_security_enabled=0,
    )


async def _may_use(work: Work, owner: str, network_id: str, project: str | None) -> bool:
    if project is None or owner == project:
        return True
    network = await work.tx.row(rows.by_id(t.networks), id=network_id)
    return network is not None and bool(network["shared"])


async def _by_port(work: Work, router: Row, port_id: str, project: str | None) -> Row:
    port = await work.tx.row(rows.by_id(t.ports), id=port_id)
    if port is None or (project is not None and port["project_id"] != project):
        raise PortNotFound(port_id)
    if port["device_id"]:
        raise PortInUse(port_id, port["network_id"], port["device_id"])
    fixed = port_rows.fixed_ips(port)
    if not fixed:
        raise HTTPBadRequest("Bad router request: Router port must have at least one fixed IP.")
    subnets = await rows.rows_among(work.tx, t.subnets, "id", [one["subnet_id"] for one in fixed])
    await _check_overlap(work, router, subnets)
    # A router forwards for others, so it is not guarded as a guest is.
    await port_rows.leave(work, port)
    columns = {
        "device_id": router["id"],
        "device_owner": port_rows.INTERFACE,
        "status": "ACTIVE",
        "security_groups": "[]",
        "port_security_enabled": 0,
    }
    return await rows.change(work.tx, t.ports, port, columns, work.now)


async def _check_overlap(work: Work, router: Row, new: Sequence[Row]) -> None:
    ids = {one["subnet_id"] for leg in await _legs(work, router) for one in port_rows.fixed_ips(leg)}
    for there in await rows.rows_among(work.tx, t.subnets, "id", sorted(ids)):
        for subnet in new:
            if subnet["id"] == there["id"]:
                raise HTTPBadRequest(f"Bad router request: Router already has a port on subnet {subnet['id']}.")
            if subnet["ip_version"] == there["ip_version"] and ip_network(subnet["cidr"]).overlaps(
                ip_network(there["cidr"])
            ):
                raise HTTPBadRequest(
                    f"Bad router request: Cidr {subnet['cidr']} of subnet {subnet['id']} overlaps with cidr "
                    f"{there['cidr']} of subnet {there['id']}."
                )


async def _legs(work: Work, router: Row) -> list[Row]:
    ports = await work.tx.rows(rows.PORTS_OF_DEVICE, device_id=router["id"])
    return [port for port in ports if port["device_owner"] == port_rows.INTERFACE]


def _is_on(port: Row, subnet_id: str) -> bool:
    return any(one["subnet_id"] == subnet_id for one in port_rows.fixed_ips(port))


async def _check_unneeded(work: Work, router: Row, port: Row) -> None:
    mine = {one["subnet_id"] for one in port_rows.fixed_ips(port)}
    floating = await rows.rows_among(work.tx, t.floating_ips, "router_id", [router["id"]])
    guests = await rows.rows_among(work.tx, t.ports, "id", [one["port_id"] for one in floating if one["port_id"]])
    for guest in guests:
        for one in port_rows.fixed_ips(guest):
            if one["subnet_id"] in mine:
                raise RouterInterfaceInUseByFloatingIP(router["id"], one["subnet_id"])


def _shown(router: Row, port: Row) -> dict[str, Any]:
    subnet_ids = [one["subnet_id"] for one in port_rows.fixed_ips(port)]
    return {
        "id": router["id"],
        "tenant_id": router["project_id"],
        "project_id": router["project_id"],
        "network_id": port["network_id"],
        "port_id": port["id"],
        "subnet_id": subnet_ids[0] if subnet_ids else None,
        "subnet_ids": subnet_ids,
        "tags": msgspec.Raw(b"[]"),
    }
