"""Security groups in the old API's words: only what lets traffic in, ports and protocols as nova-network had them."""

from collections.abc import Mapping
from typing import Any

from kilonova.peers.network_types import SecurityGroup, SecurityGroupRule


def group(shown: SecurityGroup, names: Mapping[str, SecurityGroup]) -> dict[str, Any]:
    """`names` are the groups rules may refer to, by id."""
    return {
        "id": shown.id,
        "name": shown.name,
        "description": shown.description,
        "tenant_id": shown.project_id,
        "rules": [rule(one, names) for one in shown.security_group_rules if one.direction == "ingress"],
    }


def rule(shown: SecurityGroupRule, names: Mapping[str, SecurityGroup]) -> dict[str, Any]:
    low, high = _ports(shown)
    source = names.get(shown.remote_group_id) if shown.remote_group_id else None
    anybody = "::/0" if shown.ethertype == "IPv6" else "0.0.0.0/0"
    return {
        "id": shown.id,
        "parent_group_id": shown.security_group_id,
        "ip_protocol": shown.protocol,
        "from_port": low,
        "to_port": high,
        "group": {} if source is None else {"name": source.name, "tenant_id": source.project_id},
        "ip_range": {} if shown.remote_group_id else {"cidr": shown.remote_ip_prefix or anybody},
    }


def _ports(shown: SecurityGroupRule) -> tuple[int | None, int | None]:
    low, high = shown.port_range_min, shown.port_range_max
    if shown.protocol is None or low is not None or high is not None:
        return low, high
    return (1, 65535) if shown.protocol in ("tcp", "udp") else (-1, -1)
