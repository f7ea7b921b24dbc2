"""What other services tell of servers: Neutron, Cinder and others post here, and do not wait for what comes of it."""

import logging
from typing import Any

import msgspec
from starlette.responses import Response

from kilonova.api import parameters as p
from kilonova.api.parameters import Schema
from kilonova.api.request import Request
from kilonova.api.validation import Schemas
from kilonova.db.repository import server_state, servers
from kilonova.model.errors import KilonovaError
from kilonova.model.server import Server, ServerNotFound
from kilonova.web.response import json_response

log = logging.getLogger(__name__)

_NAMES = ("network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted")
# Event → the version that knows it.
_LATER = {
    "volume-extended": 51,
    "power-update": 76,
    "accelerator-request-bound": 82,
    "volume-reimaged": 93,
}
_NEED_TAG = frozenset({"volume-extended", "power-update", "accelerator-request-bound", "volume-reimaged"})


def _schema(version: int) -> Schema:
    names = [*_NAMES, *(name for name, since in _LATER.items() if since <= version)]
    event = {
        "type": "object",
        "properties": {
            "server_uuid": p.uuid,
            "name": {"type": "string", "enum": names},
            "status": {"type": "string", "enum": ["failed", "completed", "in-progress"]},
            "tag": {"type": "string", "maxLength": 255},
        },
        "required": ["server_uuid", "name"],
        "additionalProperties": False,
    }
    return p.only("events", {"type": "array", "minItems": 1, "items": event})


CREATE = Schemas(*((since, _schema(since)) for since in (1, *sorted(_LATER.values()))))


async def create(request: Request) -> Response:
    """Each event with a code of its own: 200, 400 without a needed tag, 404 unknown server, 422 not on a host."""
    answers = [await _taken(request, event) for event in request.body["events"]]
    refused = any(answer["code"] != 200 for answer in answers)
    return json_response({"events": answers}, 207 if refused else 200)


async def _taken(request: Request, event: dict[str, Any]) -> dict[str, Any]:
    answer = {"status": "completed", **event}
    try:
        server = await servers.get(request.world.db, event["server_uuid"], project_id=None)
    except ServerNotFound:
        return {**answer, "status": "failed", "code": 404}
    if server.host is None:
        return {**answer, "status": "failed", "code": 422}
    if event["name"] in _NEED_TAG and not event.get("tag"):
        return {**answer, "status": "failed", "code": 400}
    if event["name"].startswith("network-"):
        request.world.tasks.start(refresh_addresses(request, server), name="refresh addresses")
    return {**answer, "code": 200}


async def refresh_addresses(request: Request, server: Server) -> None:
    """Ask the network service what the server's interfaces have now, and show that."""
    world, token = request.world, request.caller.token
    try:
        ports = {port.id: port for port in await world.network.ports(token, device_id=server.id)}
        floating = await world.network.floating_ips_of(token, list(ports))
    except KilonovaError as error:
        log.warning("addresses not refreshed: server %s: %s", server.id, error.message)
        return
    async with world.db.begin() as tx:
        state = await server_state.state_of(tx, server.id, even_deleted=True)
        known = state.interfaces()
        vifs = tuple(
            msgspec.structs.replace(
                vif,
                addresses=tuple((ip.ip_address, _version(ip.ip_address)) for ip in ports[vif.port_id].fixed_ips),
                floating=tuple(
                    (one.floating_ip_address, _version(one.floating_ip_address))
                    for one in floating
                    if one.port_id == vif.port_id
                ),
            )
            if vif.port_id in ports
            else vif
            for vif in known
        )
        if vifs != tuple(known):
            await server_state.record_vifs(tx, server.id, world.clock.now(), vifs)


def _version(address: str) -> int:
    return 6 if ":" in address else 4
