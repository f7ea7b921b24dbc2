"""Security groups and their rules: list, show, create, update, delete."""

import ipaddress
from typing import Any

from kilonova.api import parameters
from kilonova.api.paging import limit_of, offset_of
from kilonova.api.parameters import Schema
from kilonova.api.proxies import security_group_view as view
from kilonova.api.proxies.identifiers import passed_on
from kilonova.api.request import Request
from kilonova.api.validation import Query, Schemas
from kilonova.model.errors import BadRequest, Conflict, Forbidden, NotFound
from kilonova.model.ids import is_uuid_like
from kilonova.peers.network_types import SecurityGroup

_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
_GROUP = parameters.body(
    "security_group", {"name": _TEXT, "description": {"type": "string", "maxLength": 255}}, ("name", "description")
)
GROUP = Schemas.every(_GROUP)
RULE = Schemas.every(parameters.only("security_group_rule", {"type": "object", "required": ["parent_group_id"]}))
_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]*$"}
LIST_QUERY = Query((1, {"limit": _NUMBER, "offset": _NUMBER, "all_tenants": {"type": "string"}}))


class GroupNotFound(NotFound):
    def __init__(self, group_id: str) -> None:
        super().__init__(f"Security group {group_id} not found.")
        self.group_id = group_id


class RuleNotFound(NotFound):
    def __init__(self, rule_id: str) -> None:
        super().__init__(f"Security group with rule {rule_id} not found.")
        self.rule_id = rule_id


async def index(request: Request) -> dict[str, Any]:
    everybody = request.caller.is_admin and request.one("all_tenants") in ("", "1", "true", "True")
    filters = {} if everybody else {"project_id": request.project_id}
    found = await request.world.network.security_groups(request.caller.token, **filters)
    found.sort(key=lambda one: (one.project_id, one.name))
    start = offset_of(request)
    names = {one.id: one for one in found}
    shown = found[start : start + limit_of(request)]
    return {"security_groups": [view.group(one, names) for one in shown]}


async def show(request: Request) -> dict[str, Any]:
    return await _answer(request, await _one(request))


async def create(request: Request) -> dict[str, Any]:
    """Errors: Forbidden over quota."""
    asked = request.body["security_group"]
    name, description = _named(asked)
    try:
        made = await request.world.network.create_security_group(request.caller.token, name, description)
    except Conflict as error:
        raise Forbidden(error.message) from error
    return await _answer(request, made)


async def update(request: Request) -> dict[str, Any]:
    group = await _one(request)
    name, description = _named(request.body["security_group"])
    try:
        changed = await request.world.network.update_security_group(request.caller.token, group.id, name, description)
    except Conflict as error:
        raise BadRequest(error.message) from error
    return await _answer(request, changed)


async def delete(request: Request) -> None:
    """Errors: BadRequest while it is in use."""
    group = await _one(request)
    try:
        await request.world.network.delete_security_group(request.caller.token, group.id)
    except Conflict as error:
        raise BadRequest(error.message) from error


def _named(asked: dict[str, str]) -> tuple[str, str]:
    """As given, spaces and all. Errors: BadRequest for a name of nothing but space."""
    name = asked["name"]
    if not name.strip():
        raise BadRequest("Security group name cannot be empty.")
    return name, asked["description"]


async def _one(request: Request) -> SecurityGroup:
    return await _group(request, request.params["id"])


async def _group(request: Request, group_id: str) -> SecurityGroup:
    """Errors: GroupNotFound, BadRequest for what is no id."""
    if not is_uuid_like(group_id):
        raise BadRequest("Security group id should be uuid")
    try:
        return await request.world.network.security_group(request.caller.token, group_id)
    except NotFound as error:
        raise GroupNotFound(group_id) from error


async def _answer(request: Request, group: SecurityGroup) -> dict[str, Any]:
    return {"security_group": view.group(group, await _sources(request, group))}


async def _sources(request: Request, group: SecurityGroup) -> dict[str, SecurityGroup]:
    ids = sorted({one.remote_group_id for one in group.security_group_rules if one.remote_group_id})
    if not ids:
        return {}
    return {one.id: one for one in await request.world.network.security_groups(request.caller.token, ids=ids)}


# -- rules -------------------------------------------------------------------------------------------------------------


async def create_rule(request: Request) -> dict[str, Any]:
    """Errors: BadRequest, GroupNotFound, Forbidden over quota."""
    asked = request.body["security_group_rule"]
    parent = await _group(request, str(asked["parent_group_id"]))
    wanted = _rule(asked) | {"security_group_id": parent.id, "direction": "ingress"}
    names: dict[str, SecurityGroup] = {}
    if asked.get("group_id") is not None:
        source = await _group(request, str(asked["group_id"]))
        wanted["remote_group_id"] = source.id
        names[source.id] = source
    try:
        made = await request.world.network.create_security_group_rule(request.caller.token, wanted)
    except Conflict as error:
        if "quota" in error.message.lower():
            raise Forbidden(error.message) from error
        raise BadRequest(f"This rule already exists in group {parent.id}") from error
    return {"security_group_rule": view.rule(made, names)}


async def delete_rule(request: Request) -> None:
    identifier = request.params["id"]
    refused = RuleNotFound(identifier)
    network, token = request.world.network, request.caller.token
    try:
        found = await network.security_group_rule(token, passed_on(identifier, refused))
    except NotFound as error:
        raise refused from error
    await network.delete_security_group_rule(token, found.id)


def _rule(asked: dict[str, Any]) -> dict[str, Any]:
    """In the network service's words. Errors: BadRequest."""
    rule = _protocol(asked)
    if asked.get("group_id") is not None:
        return rule
    try:
        network = ipaddress.ip_interface(str(asked.get("cidr") or "0.0.0.0/0"))
    except ValueError as error:
        raise BadRequest(f"Invalid cidr {asked.get('cidr')}.") from error
    return rule | {"remote_ip_prefix": str(network), "ethertype": f"IPv{network.version}"}


def _protocol(asked: dict[str, Any]) -> dict[str, Any]:
    protocol = asked.get("ip_protocol")
    given = (asked.get("from_port"), asked.get("to_port"))
    if protocol is None:
        if asked.get("group_id") is None or given != (None, None):
            raise BadRequest("Not enough parameters to build a valid rule.")
        return {}
    protocol = str(protocol).lower()
    if protocol not in ("tcp", "udp", "icmp"):
        raise BadRequest(f"Invalid IP protocol {protocol}.")
    return {"protocol": protocol, **_ports(protocol, given)}


def _ports(protocol: str, given: tuple[Any, Any]) -> dict[str, int]:
    try:
        low, high = (None if port is None else int(port) for port in given)
    except (TypeError, ValueError) as error:
        raise BadRequest("Invalid input for from_port or to_port: not a number.") from error
    if protocol == "icmp":
        if not all(port is None or -1 <= port <= 255 for port in (low, high)):
            raise BadRequest("Invalid port range: types and codes of ICMP are numbers to 255.")
        pairs = {"port_range_min": low, "port_range_max": high}
        return {name: port for name, port in pairs.items() if port is not None and port != -1}
    if low is None or high is None or not 1 <= low <= high <= 65535:
        raise BadRequest(f"Invalid port range {low}:{high}. Valid TCP and UDP ports are 1 to 65535.")
    return {"port_range_min": low, "port_range_max": high}
