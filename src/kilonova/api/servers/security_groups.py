"""Security groups a server is put into, at its create and later."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import find_server
from kilonova.api.servers.networks import Networks
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.peers.network_types import SecurityGroup, SecurityGroupRule

DEFAULT = "default"


async def wanted_groups(request: Request, asked: Sequence[Any] | None, networks: Networks) -> tuple[str, ...]:
    """Names or ids as asked, each once; every project has `default`. Errors: BadRequest."""
    names = tuple(dict.fromkeys(item["name"] for item in asked or () if item.get("name"))) or (DEFAULT,)
    others = [name for name in names if name != DEFAULT]
    if others and networks != "none":
        found = await request.world.network.security_groups(request.caller.token)
        own = {group.name for group in found if group.project_id in ("", request.project_id)}
        known = own | {group.id for group in found}
        for name in others:
            if name not in known:
                raise BadRequest(f"Security group {name} not found for project {request.project_id}.")
    return names


async def index(request: Request) -> dict[str, Any]:
    """The groups the server's ports are in, with their rules in the old API's words."""
    server = await find_server(request)
    network, token = request.world.network, request.caller.token
    ids = {group for port in await network.ports(token, device_id=server.id) for group in port.security_groups}
    found = await network.security_groups(token, ids=sorted(ids)) if ids else []
    return {"security_groups": [group_view(group) for group in found]}


async def add(request: Request) -> None:
    await _change(request, "addSecurityGroup")


async def remove(request: Request) -> None:
    await _change(request, "removeSecurityGroup")


async def _change(request: Request, action: str) -> None:
    """On every port of the server, then on its record. Errors: NotFound, Conflict."""
    name = request.body[action]["name"]
    server = await find_server(request)
    network, token = request.world.network, request.caller.token
    group = await _named(request, name)
    adding = action == "addSecurityGroup"
    changed = False
    for port in await network.ports(token, device_id=server.id):
        groups = set(port.security_groups)
        if adding == (group.id in groups):
            continue
        groups ^= {group.id}
        await network.update_port(token, port.id, {"security_groups": sorted(groups)})
        changed = True
    if not changed and not adding:
        raise NotFound(f"Security group {name} not associated with the instance {server.id}")
    async with acting(request, None) as it:
        names = [one["name"] for one in msgspec.json.decode(it.server.security_groups)]
        kept = [one for one in names if one not in (name, group.name, group.id)] + ([group.name] if adding else [])
        await it.change(security_groups=msgspec.json.encode([{"name": one} for one in kept]).decode())


async def _named(request: Request, name: str) -> SecurityGroup:
    found = [
        group
        for group in await request.world.network.security_groups(request.caller.token)
        # Administrators see everybody's groups; a name is one of their own project.
        if name == group.id or (name == group.name and group.project_id in ("", request.project_id))
    ]
    if not found:
        raise NotFound(f"Security group {name} not found for project {request.project_id}.")
    if len(found) > 1:
        raise Conflict(f"Multiple security groups found matching '{name}'. Use an ID to be more specific.")
    return found[0]


def group_view(group: SecurityGroup) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "tenant_id": group.project_id,
        "rules": [_rule_view(rule) for rule in group.security_group_rules if rule.direction == "ingress"],
    }


def _rule_view(rule: SecurityGroupRule) -> dict[str, Any]:
    """Source: Nova's proxy of Neutron's groups: no protocol means all ports, no prefix anybody."""
    low, high = rule.port_range_min, rule.port_range_max
    return {
        "id": rule.id,
        "parent_group_id": rule.security_group_id,
        "ip_protocol": rule.protocol,
        "from_port": -1 if low is None and rule.protocol == "icmp" else low,
        "to_port": -1 if high is None and rule.protocol == "icmp" else high,
        "group": {},
        "ip_range": {"cidr": rule.remote_ip_prefix or ("::/0" if rule.ethertype == "IPv6" else "0.0.0.0/0")},
    }
