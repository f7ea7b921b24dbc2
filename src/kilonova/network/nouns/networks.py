"""Networks. Each has a segment number of its own, which tells it apart on the wire between hosts."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.db.database import Reader
from kilonova.db.statement import delete_by, insert_into
from kilonova.network import usage
from kilonova.network.attributes import Attribute, Resource
from kilonova.network.checks import flag, list_of, nullable, number, one_of, string
from kilonova.network.errors import HTTPBadRequest, NetworkInUse, NetworkNotFound
from kilonova.network.nouns import default_group, floating_ips, port_rows
from kilonova.network.nouns.common import ADMIN_STATE, COMMON
from kilonova.network.nouns.noun import Noun, Row, Values, shown_common
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, new_id

# The header of VXLAN, should the network span hosts (RFC 7348).
_TUNNEL_HEADER = 50
_MTU_MIN, _MTU_MAX = 68, 65535
_encode = msgspec.json.encode

RESOURCE = Resource(
    "network",
    "networks",
    "networks",
    {
        **COMMON,
        "admin_state_up": ADMIN_STATE,
        "shared": Attribute(flag, default=False, privileged=True),
        "router:external": Attribute(flag, default=False, column="external", privileged=True),
        "is_default": Attribute(flag, default=False, privileged=True),
        "mtu": Attribute(number(0, _MTU_MAX), default=0),
        "port_security_enabled": Attribute(flag, default=True),
        "provider:network_type": Attribute(
            nullable(one_of("vxlan", "flat", "local")), column="network_type", put=False, privileged=True
        ),
        "provider:physical_network": Attribute(
            string(64, null=True), column="physical_network", put=False, privileged=True
        ),
        "provider:segmentation_id": Attribute(
            number(1, 2**24 - 1, null=True), column="segment", put=False, privileged=True
        ),
        "availability_zone_hints": Attribute(list_of(string()), default=[], column="zone_hints", put=False),
        "status": Attribute(string(), post=False, put=False, column=None),
        "subnets": Attribute(string(), post=False, put=False, column=None),
    },
)


async def views(reader: Reader, found: Sequence[Row]) -> list[dict[str, Any]]:
    subnets: dict[str, list[str]] = {row["id"]: [] for row in found}
    for subnet in await rows.rows_among(reader, t.subnets, "network_id", list(subnets)):
        subnets[subnet["network_id"]].append(subnet["id"])
    return [_view(row, subnets[row["id"]]) for row in found]


def _view(row: Row, subnets: list[str]) -> dict[str, Any]:
    return {
        **shown_common(row),
        "status": "ACTIVE",
        "admin_state_up": bool(row["admin_state_up"]),
        "shared": bool(row["shared"]),
        "router:external": bool(row["external"]),
        "is_default": bool(row["is_default"]),
        "mtu": row["mtu"],
        "port_security_enabled": bool(row["port_security_enabled"]),
        "subnets": subnets,
        "availability_zones": ["nova"],
        "availability_zone_hints": msgspec.Raw(row["zone_hints"].encode()),
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "tags": [],
        "provider:network_type": row["network_type"],
        "provider:physical_network": row["physical_network"] or None,
        "provider:segmentation_id": row["segment"] if row["network_type"] == "vxlan" else None,
    }


async def create(work: Work, values: Values) -> Row:
    project = values["project_id"]
    await usage.take(work, "network", project)
    await default_group.ensure(work, project)
    kind = values["provider:network_type"] or ("flat" if values["provider:physical_network"] else "vxlan")
    settings = work.world.settings
    row = work.new_row(
        {
            "id": new_id(work.world.rng),
            "project_id": project,
            "name": values["name"],
            "description": values["description"],
            "admin_state_up": int(values["admin_state_up"]),
            "shared": int(values["shared"]),
            "external": int(values["router:external"]),
            "is_default": int(values["is_default"]),
            "mtu": _mtu(values["mtu"], settings.mtu - (0 if values["router:external"] else _TUNNEL_HEADER)),
            "network_type": kind,
            "physical_network": values["provider:physical_network"] or "",
            "segment": values["provider:segmentation_id"] or await _next_segment(work, kind),
            "port_security_enabled": int(values["port_security_enabled"]),
            "zone_hints": _encode(values["availability_zone_hints"]).decode(),
        }
    )
    await work.tx.execute(insert_into(t.networks), **row)
    return row


def _mtu(wanted: int, usual: int) -> int:
    if wanted and wanted < _MTU_MIN:
        raise HTTPBadRequest(f"Invalid input for mtu. Reason: '{wanted}' is too small - must be at least '{_MTU_MIN}'.")
    return wanted or usual


async def _next_segment(work: Work, kind: str) -> int:
    return int(await work.tx.fetch_value(rows.LARGEST_SEGMENT, network_type=kind) or 0) + 1


async def update(work: Work, row: Row, values: Values) -> Row:
    columns = {
        RESOURCE.column(name) or name: int(value) if isinstance(value, bool) else value
        for name, value in values.items()
    }
    if "mtu" in columns:
        columns["mtu"] = _mtu(columns["mtu"], work.world.settings.mtu)
    if row["external"] and columns.get("external") == 0 and await _serves_outside(work, row["id"]):
        raise NetworkInUse(row["id"], [])
    work.networks.add(row["id"])
    return await rows.change(work.tx, t.networks, row, columns, work.now)


async def _serves_outside(work: Work, network_id: str) -> bool:
    return bool(await rows.rows_among(work.tx, t.routers, "gateway_network_id", [network_id]))


async def delete(work: Work, row: Row) -> None:
    """Its subnets, its DHCP port and floating addresses that lead nowhere go with it. Errors: NetworkInUse."""
    floating = await rows.rows_among(work.tx, t.floating_ips, "floating_network_id", [row["id"]])
    idle = {one["floating_port_id"]: one for one in floating if one["port_id"] is None}
    ports = await rows.rows_among(work.tx, t.ports, "network_id", [row["id"]])
    used = [port["id"] for port in ports if port["device_owner"] != port_rows.DHCP and port["id"] not in idle]
    if used:
        raise NetworkInUse(row["id"], used)
    for one in idle.values():
        await floating_ips.delete(work, one)
    for port in ports:
        if port["id"] not in idle:
            await port_rows.remove(work, port)
    for subnet in await rows.rows_among(work.tx, t.subnets, "network_id", [row["id"]]):
        await work.tx.execute(delete_by(t.subnets), id=subnet["id"])
        await usage.give_back(work, "subnet", subnet["project_id"])
    await work.tx.execute(delete_by(t.networks), id=row["id"])
    await usage.give_back(work, "network", row["project_id"])
    work.networks.add(row["id"])


NETWORKS = Noun(RESOURCE, t.networks, NetworkNotFound, views, create, update, delete, searches=frozenset({"subnets"}))
