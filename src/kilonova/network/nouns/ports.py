"""Ports: a card's address on a network. A server's create makes one, so this is the service's busiest page."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.db.database import Reader
from kilonova.network import addresses, checks, usage
from kilonova.network.addresses import Given
from kilonova.network.attributes import Attribute, Resource
from kilonova.network.errors import (
    AddressPairAndPortSecurityRequired,
    MacAddressInUse,
    NetworkNotFound,
    PolicyNotAuthorized,
    PortNotFound,
    PortSecurityPortHasSecurityGroup,
    SecurityGroupNotFound,
    ServicePortInUse,
)
from kilonova.network.nouns import default_group, port_rows
from kilonova.network.nouns.common import ADMIN_STATE, COMMON, NETWORK
from kilonova.network.nouns.noun import Noun, Row, Values, shown_common
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work

_encode, _decode = msgspec.json.encode, msgspec.json.decode
_FIXED = checks.record({}, {"subnet_id": checks.identifier, "ip_address": checks.address})
_PAIR = checks.record({"ip_address": checks.prefix}, {"mac_address": checks.mac})
_OPTION = checks.record(
    {"opt_name": checks.option_value, "opt_value": checks.nullable(checks.option_value)},
    {"ip_version": checks.number(4, 6)},
)
_VNIC_TYPES = ("normal", "direct", "macvtap", "direct-physical", "baremetal", "virtio-forwarder", "vdpa")
# Owners that only the cloud itself may name (Neutron's policy).
_TRUSTED = "network:"
_UNGUARDED = (port_rows.DHCP, port_rows.INTERFACE, port_rows.GATEWAY, port_rows.FLOATING)
_VIF_DETAILS = {
    "bridge": {"port_filter": True, "connectivity": "l2"},
    "hw_veb": {"port_filter": False, "connectivity": "l2"},
    "hostdev_physical": {"port_filter": False, "connectivity": "l2"},
}
# How ports are bound that are on PCI devices of the host: what Neutron's SR-IOV mechanism says.
_ON_DEVICES = {"direct": "hw_veb", "macvtap": "hw_veb", "direct-physical": "hostdev_physical"}

RESOURCE = Resource(
    "port",
    "ports",
    "ports",
    {
        **COMMON,
        "network_id": NETWORK,
        "mac_address": Attribute(checks.nullable(checks.mac)),
        "admin_state_up": ADMIN_STATE,
        "status": Attribute(checks.string(), post=False, put=False),
        "device_id": Attribute(checks.string(), default=""),
        "device_owner": Attribute(checks.string(), default=""),
        "fixed_ips": Attribute(checks.nullable(checks.list_of(_FIXED)), filters=False),
        "security_groups": Attribute(checks.nullable(checks.distinct(checks.identifier))),
        "allowed_address_pairs": Attribute(checks.distinct(_PAIR), default=[], filters=False),
        "extra_dhcp_opts": Attribute(checks.list_of(_OPTION), default=[], filters=False),
        "port_security_enabled": Attribute(checks.nullable(checks.flag)),
        "dns_name": Attribute(checks.host_name, default=""),
        "binding:host_id": Attribute(checks.string(null=True), default="", column="host", privileged=True),
        "binding:profile": Attribute(checks.mapping, default={}, column="profile", privileged=True, filters=False),
        "binding:vnic_type": Attribute(checks.one_of(*_VNIC_TYPES), default="normal", column="vnic_type"),
        "binding:vif_type": Attribute(checks.string(), post=False, put=False, column="vif_type"),
        "binding:vif_details": Attribute(checks.mapping, post=False, put=False, column=None),
    },
)


async def views(reader: Reader, found: Sequence[Row]) -> list[dict[str, Any]]:
    return [_view(row) for row in found]


def _view(row: Row) -> dict[str, Any]:
    return {
        **shown_common(row),
        "network_id": row["network_id"],
        "mac_address": row["mac_address"],
        "admin_state_up": bool(row["admin_state_up"]),
        "status": row["status"],
        "device_id": row["device_id"],
        "device_owner": row["device_owner"],
        "fixed_ips": msgspec.Raw(row["fixed_ips"].encode()),
        "security_groups": msgspec.Raw(row["security_groups"].encode()),
        "allowed_address_pairs": msgspec.Raw(row["allowed_address_pairs"].encode()),
        "extra_dhcp_opts": msgspec.Raw(row["extra_dhcp_opts"].encode()),
        "port_security_enabled": bool(row["port_security_enabled"]),
        "dns_name": row["dns_name"],
        "dns_assignment": [],
        "tags": [],
        "binding:host_id": row["host"],
        "binding:profile": msgspec.Raw(row["profile"].encode()),
        "binding:vnic_type": row["vnic_type"],
        "binding:vif_type": row["vif_type"],
        "binding:vif_details": _VIF_DETAILS.get(row["vif_type"], {}),
    }


async def create(work: Work, values: Values) -> Row:
    project = values["project_id"]
    network = await work.tx.row(rows.by_id(t.networks), id=values["network_id"])
    _check_network(work, values, network)
    assert network is not None
    mac = values["mac_address"] or port_rows.new_mac(work)
    if values["mac_address"] and await _mac_taken(work, network["id"], mac):
        raise MacAddressInUse(network["id"], mac)
    secured = values["port_security_enabled"]
    secured = bool(network["port_security_enabled"]) if secured is None else secured
    groups = await _groups(work, values, project, secured=secured)
    await usage.take(work, "port", project)
    given = await _choose(work, network["id"], values["fixed_ips"], mac)
    host = values["binding:host_id"] or ""
    row = await port_rows.insert(
        work,
        network["id"],
        given,
        project_id=project,
        name=values["name"],
        description=values["description"],
        mac_address=mac,
        admin_state_up=int(values["admin_state_up"]),
        device_id=values["device_id"],
        device_owner=values["device_owner"],
        dns_name=values["dns_name"],
        vnic_type=values["binding:vnic_type"],
        profile=_text(values["binding:profile"]),
        allowed_address_pairs=_text(_pairs(values["allowed_address_pairs"], mac, secured)),
        extra_dhcp_opts=_text(values["extra_dhcp_opts"]),
        port_security_enabled=int(secured),
        groups=groups,
        **_binding(work, host, values["binding:vnic_type"], up=values["admin_state_up"]),
    )
    work.networks.add(network["id"])
    return row


def _text(value: object) -> str:
    return _encode(value).decode()


def _check_network(work: Work, values: Values, network: Row | None) -> None:
    usable = network is not None and (
        work.privileged or network["shared"] or network["external"] or network["project_id"] == values["project_id"]
    )
    if network is None or not usable:
        raise NetworkNotFound(values["network_id"])
    own = work.privileged or network["project_id"] == values["project_id"]
    if not own and (values["mac_address"] or values["port_security_enabled"] is False):
        # On another's network nobody may pretend to be somebody else.
        raise PolicyNotAuthorized("rule:create_port")
    if not own and not network["shared"]:
        raise PolicyNotAuthorized("rule:create_port")
    if not work.privileged and values["device_owner"].startswith(_TRUSTED):
        raise PolicyNotAuthorized("rule:create_port and rule:create_port:device_owner")


async def _choose(work: Work, network_id: str, wanted: Sequence[dict[str, str]] | None, mac: str) -> list[Given]:
    subnets = await rows.rows_among(work.tx, t.subnets, "network_id", [network_id])
    return await addresses.choose(work, network_id, subnets, wanted, mac)


async def _mac_taken(work: Work, network_id: str, mac: str) -> bool:
    return await work.tx.fetch_value(rows.PORT_WITH_MAC, network_id=network_id, mac=mac) is not None


async def _groups(work: Work, values: Values, project: str, *, secured: bool) -> list[str]:
    """Those given, else the project's default one. Errors: SecurityGroupNotFound, PortSecurityPortHasSecurityGroup."""
    if not secured:
        if values["security_groups"]:
            raise PortSecurityPortHasSecurityGroup
        return []
    if values["security_groups"] is None:
        if values["device_owner"] in _UNGUARDED:
            return []
        return [await default_group.ensure(work, project)]
    return await _known_groups(work, values["security_groups"], project)


async def _known_groups(work: Work, wanted: Sequence[str], project: str) -> list[str]:
    found = {row["id"]: row for row in await rows.rows_among(work.tx, t.security_groups, "id", list(wanted))}
    for group in wanted:
        if group not in found or not (work.privileged or found[group]["project_id"] == project):
            raise SecurityGroupNotFound(group)
    return list(wanted)


def _pairs(pairs: Sequence[dict[str, str]], mac: str, secured: bool) -> list[dict[str, str]]:
    if pairs and not secured:
        raise AddressPairAndPortSecurityRequired
    shown = []
    for pair in pairs:
        whole, _, bits = pair["ip_address"].partition("/")
        address = whole if bits in ("32", "128") else pair["ip_address"]
        shown.append({"ip_address": address, "mac_address": pair.get("mac_address", mac)})
    return shown


def _binding(work: Work, host: str, vnic_type: str, *, up: bool) -> dict[str, str]:
    """Status and type of a port on `host`; where no agent wires it, a bound port is as active as it gets."""
    if not host:
        return {"host": "", "vif_type": "unbound", "status": "DOWN"}
    vif_type = _ON_DEVICES.get(vnic_type, "bridge")
    wired_later = not up or (vif_type == "bridge" and work.world.ringer.wires(host))
    return {"host": host, "vif_type": vif_type, "status": "DOWN" if wired_later else "ACTIVE"}


async def update(work: Work, row: Row, values: Values) -> Row:
    if not work.privileged and values.get("device_owner", "").startswith(_TRUSTED):
        raise PolicyNotAuthorized("rule:update_port and rule:update_port:device_owner")
    before = row
    columns: dict[str, Any] = {
        name: values[name]
        for name in ("name", "description", "device_id", "device_owner", "dns_name")
        if name in values
    }
    if values.get("mac_address") not in (None, row["mac_address"]):
        if await _mac_taken(work, row["network_id"], values["mac_address"]):
            raise MacAddressInUse(row["network_id"], values["mac_address"])
        columns["mac_address"] = values["mac_address"]
    columns |= await _security(work, row, values)
    columns |= _rebinding(work, row, values)
    for name, column in (("extra_dhcp_opts", "extra_dhcp_opts"), ("binding:profile", "profile")):
        if name in values:
            columns[column] = _text(values[name])
    if "binding:vnic_type" in values:
        columns["vnic_type"] = values["binding:vnic_type"]
    if values.get("fixed_ips") is not None:
        row = await _readdress(work, row, values["fixed_ips"])
        work.readdressed(row)
    work.networks.add(row["network_id"])
    changed = await rows.change(work.tx, t.ports, row, columns, work.now)
    if before["host"] and before["host"] != changed["host"]:
        work.left.add(before["host"])
    return changed


async def _security(work: Work, row: Row, values: Values) -> dict[str, Any]:
    """Columns for port security, groups and address pairs. Errors: Neutron's for combinations that cannot be."""
    secured = values.get("port_security_enabled")
    secured = bool(row["port_security_enabled"]) if secured is None else secured
    groups = _decode(row["security_groups"])
    if "security_groups" in values:
        groups = await _known_groups(work, values["security_groups"] or [], row["project_id"])
    if not secured and groups:
        raise PortSecurityPortHasSecurityGroup
    columns: dict[str, Any] = {}
    if "security_groups" in values:
        await port_rows.leave(work, row)
        await port_rows.join(work, row["id"], groups)
        columns["security_groups"] = _text(groups)
    pairs = values.get("allowed_address_pairs", _decode(row["allowed_address_pairs"]))
    if "allowed_address_pairs" in values or not secured:
        columns["allowed_address_pairs"] = _text(_pairs(pairs, row["mac_address"], secured))
    columns["port_security_enabled"] = int(secured)
    return columns


def _rebinding(work: Work, row: Row, values: Values) -> dict[str, Any]:
    up = values.get("admin_state_up", bool(row["admin_state_up"]))
    host = values.get("binding:host_id", row["host"]) or ""
    columns: dict[str, Any] = {"admin_state_up": int(up)} if "admin_state_up" in values else {}
    vnic_type = str(values.get("binding:vnic_type", row["vnic_type"]))
    if (host, vnic_type, up) != (row["host"], row["vnic_type"], bool(row["admin_state_up"])):
        columns |= _binding(work, host, vnic_type, up=up)
    return columns


async def _readdress(work: Work, row: Row, wanted: Sequence[dict[str, str]]) -> Row:
    """Addresses the port has already are kept, others are chosen as for a new port."""
    mine = {one.address: one for one in port_rows.as_given(row)}
    kept = [mine[one["ip_address"]] for one in wanted if one.get("ip_address") in mine]
    others = [one for one in wanted if one.get("ip_address") not in mine]
    given = [*kept, *await _choose(work, row["network_id"], others, row["mac_address"])]
    return await port_rows.readdress(work, row, given)


async def delete(work: Work, row: Row) -> None:
    """Floating addresses let go of it. Errors: ServicePortInUse for ports of routers and floating addresses."""
    if row["device_owner"] in (port_rows.INTERFACE, port_rows.GATEWAY, port_rows.FLOATING):
        raise ServicePortInUse(row["id"], f"has device owner {row['device_owner']}")
    for floating in await rows.rows_among(work.tx, t.floating_ips, "port_id", [row["id"]]):
        free = {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}
        await rows.change(work.tx, t.floating_ips, floating, free, work.now)
        work.routers.add(floating["router_id"])
    await port_rows.remove(work, row)
    if row["device_owner"] != port_rows.DHCP:
        await usage.give_back(work, "port", row["project_id"])


PORTS = Noun(
    RESOURCE,
    t.ports,
    PortNotFound,
    views,
    create,
    update,
    delete,
    searches=frozenset({"fixed_ips", "security_groups"}),
)
