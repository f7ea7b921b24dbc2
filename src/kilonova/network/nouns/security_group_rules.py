"""Security group rules: what a group lets in and out."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from kilonova.db.database import Reader
from kilonova.db.statement import delete_by, insert_into
from kilonova.network import checks, usage
from kilonova.network.attributes import REQUIRED, Attribute, Resource
from kilonova.network.errors import (
    HTTPBadRequest,
    SecurityGroupNotFound,
    SecurityGroupRuleExists,
    SecurityGroupRuleInvalid,
    SecurityGroupRuleNotFound,
)
from kilonova.network.nouns.common import COMMON
from kilonova.network.nouns.noun import Noun, Row, Values, shown_common
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, new_id

_ETHERTYPES = {"ipv4": "IPv4", "ipv6": "IPv6"}
_PROTOCOLS = frozenset(
    [
        "ah",
        "dccp",
        "egp",
        "esp",
        "gre",
        "hopopt",
        "icmp",
        "icmpv6",
        "igmp",
        "ip",
        "ipip",
        "ipv6-encap",
        "ipv6-frag",
        "ipv6-icmp",
        "ipv6-nonxt",
        "ipv6-opts",
        "ipv6-route",
        "ospf",
        "pgm",
        "rsvp",
        "sctp",
        "tcp",
        "udp",
        "udplite",
        "vrrp",
    ]
)
_WITH_PORTS = {"tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132", "33", "136"}
_ICMP = {"icmp", "icmpv6", "ipv6-icmp", "1", "58"}


def _ethertype(value: Any) -> str:
    found = _ETHERTYPES.get(str(value).lower())
    if found is None:
        raise ValueError(f"'{value}' is not in ['IPv4', 'IPv6']")
    return found


def _protocol(value: Any) -> str | None:
    if value is None or str(value).lower() in ("any", "0", ""):
        return None
    text = str(value).lower()
    if text in _PROTOCOLS:
        return text
    if text.isdigit() and int(text) <= 255:
        return text
    raise ValueError(
        f"Security group rule protocol {value} not supported. Only protocol values {sorted(_PROTOCOLS)} and integer "
        "representations [0 to 255] are supported"
    )


def _port(value: Any) -> int | None:
    try:
        found: int | None = checks.number(0, 65535, null=True)(value)
    except ValueError as error:
        raise ValueError(f"Invalid value for port {value}") from error
    return found


RESOURCE = Resource(
    "security_group_rule",
    "security_group_rules",
    "security-group-rules",
    {
        **{name: attribute for name, attribute in COMMON.items() if name != "name"},
        "security_group_id": Attribute(checks.identifier, default=REQUIRED, put=False),
        "direction": Attribute(checks.one_of("ingress", "egress", lower=True), default=REQUIRED, put=False),
        "ethertype": Attribute(_ethertype, default="IPv4", put=False),
        "protocol": Attribute(_protocol, put=False),
        "port_range_min": Attribute(_port, put=False),
        "port_range_max": Attribute(_port, put=False),
        "remote_ip_prefix": Attribute(checks.nullable(checks.address_prefix), put=False),
        "remote_group_id": Attribute(checks.string(255, null=True), put=False),
        "remote_address_group_id": Attribute(checks.one_of(None), put=False, column=None),
    },
)


async def views(reader: Reader, found: Sequence[Row]) -> list[dict[str, Any]]:
    return [view(row) for row in found]


def normalized(prefix: str | None) -> str | None:
    """Without the host's bits."""
    return None if prefix is None else str(ip_network(prefix, strict=False))


def view(row: Row) -> dict[str, Any]:
    shown = shown_common(row)
    del shown["name"]
    return {
        **shown,
        "security_group_id": row["security_group_id"],
        "direction": row["direction"],
        "ethertype": row["ethertype"],
        "protocol": row.get("protocol"),
        "port_range_min": row.get("port_range_min"),
        "port_range_max": row.get("port_range_max"),
        "remote_ip_prefix": row.get("remote_ip_prefix"),
        "remote_group_id": row.get("remote_group_id"),
        "remote_address_group_id": None,
        "normalized_cidr": normalized(row.get("remote_ip_prefix")),
        "belongs_to_default_sg": False,
        "tags": [],
    }


async def create(work: Work, values: Values) -> Row:
    group = await work.tx.row(rows.by_id(t.security_groups), id=values["security_group_id"])
    if group is None or not (work.privileged or group["project_id"] == values["project_id"]):
        raise SecurityGroupNotFound(values["security_group_id"])
    _check(values)
    if values["remote_group_id"]:
        remote = await work.tx.row(rows.by_id(t.security_groups), id=values["remote_group_id"])
        if remote is None or not (work.privileged or remote["project_id"] == values["project_id"]):
            raise SecurityGroupNotFound(values["remote_group_id"])
    await _check_new(work, values)
    await usage.take(work, "security_group_rule", group["project_id"])
    named = [name for name, attribute in RESOURCE.attributes.items() if attribute.column is not None and attribute.post]
    row = work.new_row({name: values[name] for name in named}, id=new_id(work.world.rng), name="")
    row["project_id"] = group["project_id"]
    await work.tx.execute(insert_into(t.security_group_rules), **row)
    work.groups.add(group["id"])
    return row


def _check(values: Values) -> None:
    """Errors: SecurityGroupRuleInvalid, HTTPBadRequest."""
    if values["remote_group_id"] and values["remote_ip_prefix"]:
        raise SecurityGroupRuleInvalid("Only remote_ip_prefix or remote_group_id may be provided.")
    if values["remote_ip_prefix"]:
        version = f"IPv{ip_network(values['remote_ip_prefix'], strict=False).version}"
        if version != values["ethertype"]:
            raise SecurityGroupRuleInvalid(
                f"Conflicting value ethertype {values['ethertype']} for CIDR {values['remote_ip_prefix']}"
            )
    low, high, protocol = values["port_range_min"], values["port_range_max"], values["protocol"]
    if low is None and high is None:
        return
    if protocol in _ICMP:
        if low is None:
            raise SecurityGroupRuleInvalid(
                f"ICMP code (port-range-max) {high} is provided but ICMP type (port-range-min) is missing."
            )
        for name, value in (("type", low), ("code", high)):
            if value is not None and value > 255:
                raise SecurityGroupRuleInvalid(f"Invalid value for ICMP {name} {value}. It must be 0 to 255.")
        return
    if protocol is None:
        raise SecurityGroupRuleInvalid("Must also specify protocol if port range is given.")
    if protocol not in _WITH_PORTS:
        raise HTTPBadRequest(f"Port range cannot be specified for protocol {protocol}")
    if low is None or high is None or low > high:
        raise SecurityGroupRuleInvalid("For TCP/UDP protocols, port_range_min must be <= port_range_max")
    if low == 0:
        raise SecurityGroupRuleInvalid("Invalid value for port 0")


_SAME = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
)


async def _check_new(work: Work, values: Values) -> None:
    rules = await rows.rows_among(work.tx, t.security_group_rules, "security_group_id", [values["security_group_id"]])
    for rule in rules:
        if all(rule[name] == values[name] for name in _SAME):
            raise SecurityGroupRuleExists(rule["id"])


async def update(work: Work, row: Row, values: Values) -> Row:
    return await rows.change(work.tx, t.security_group_rules, row, values, work.now)


async def delete(work: Work, row: Row) -> None:
    await work.tx.execute(delete_by(t.security_group_rules), id=row["id"])
    await usage.give_back(work, "security_group_rule", row["project_id"])
    work.groups.add(row["security_group_id"])


SECURITY_GROUP_RULES = Noun(RESOURCE, t.security_group_rules, SecurityGroupRuleNotFound, views, create, update, delete)
