"""Where a new server shall go: zone, named host, group and hints. Texts: Nova's."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kilonova.api.quota import UNLIMITED, QuotaExceeded, limits
from kilonova.api.request import Request
from kilonova.db.database import Reader
from kilonova.db.repository import hosts, quotas, server_groups
from kilonova.model.errors import BadRequest
from kilonova.model.ids import HostName
from kilonova.model.server import Server


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """`force_host` skips the scheduler's filters, `requested_host` does not."""

    zone: str | None = None
    force_host: HostName | None = None
    requested_host: HostName | None = None
    group_id: str | None = None
    hints: dict[str, list[str]] = {}


async def wanted_place(request: Request, body: Mapping[str, Any]) -> Place:
    """Errors: BadRequest, PolicyForbids."""
    server = body["server"]
    hints = hints_of(body)
    zone, host, node = _zone_parts(server.get("availability_zone") or request.world.settings.default_schedule_zone)
    forced = requested = None
    if host or node:
        request.allow("os_compute_api:servers:create:forced_host")
        forced = await _host(request, host or None, node or None)
    if zone:
        await check_zone(request, zone)
    if "host" in server or "hypervisor_hostname" in server:
        request.allow("compute:servers:create:requested_destination")
        if forced is not None:
            raise BadRequest("Specifying both a host with the availability zone and host is not allowed.")
        requested = await _host(request, server.get("host"), server.get("hypervisor_hostname"))
    return Place(
        zone=zone or None,
        force_host=forced,
        requested_host=requested,
        group_id=await _group(request, hints),
        hints=hints,
    )


def hints_of(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Each hint as a list of texts, the way they are stored and shown."""
    given = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
    return {name: _texts(value) for name, value in given.items() if not name.startswith("_nova")}


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else [_text(value)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _zone_parts(zone: str | None) -> tuple[str, str, str]:
    """`zone`, `zone:host`, `zone:host:node` or `zone::node`. Errors: BadRequest."""
    parts = (zone or "").split(":")
    if len(parts) > 3:
        raise BadRequest("Invalid availability_zone specified.")
    name, host, node = [*parts, "", ""][:3]
    return name, host, node


async def check_zone(request: Request, zone: str) -> None:
    """Errors: BadRequest."""
    if zone != request.world.settings.default_zone and zone not in await hosts.zone_names(request.world.db):
        raise BadRequest("The requested availability zone is not available")


def repinned(server: Server, zone: str | None) -> str:
    """The server's stored request, for `zone` from now on; None for any."""
    spec = msgspec.json.decode(server.request_spec or "{}")
    spec["availability_zone"] = zone
    return msgspec.json.encode(spec).decode()


async def _host(request: Request, host: str | None, node: str | None) -> HostName:
    found = await hosts.host_named(request.world.db, host=host, node=node)
    if found is None:
        raise BadRequest(f"Compute host {host or node} could not be found.")
    return found


async def _group(request: Request, hints: Mapping[str, list[str]]) -> str | None:
    group = hints.get("group")
    if not group:
        return None
    if not await server_groups.exists(request.world.db, group[0], project_id=request.project_id):
        raise BadRequest(f"Instance group {group[0]} could not be found.")
    return group[0]


async def check_group_room(request: Request, reader: Reader, group_id: str, count: int) -> None:
    """Errors: QuotaExceeded."""
    held = await limits(request, reader, request.project_id)
    allowed = held.of("server_group_members", request.caller.user_id)
    used = await quotas.members_in_group(reader, group_id, request.caller.user_id)
    if allowed != UNLIMITED and used + count > allowed:
        raise QuotaExceeded("Quota exceeded, too many servers in group")
