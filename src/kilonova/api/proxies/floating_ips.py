"""Floating IPs: list, show, allocate from a pool, release."""

from typing import Any

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.proxies.identifiers import passed_on
from kilonova.api.proxies.networks import external_networks
from kilonova.api.request import Request
from kilonova.api.validation import Schemas
from kilonova.model.errors import Conflict, Forbidden, NotFound, TooLarge
from kilonova.peers.network_types import FloatingIp, Network

_POOL: Schema = {"type": ["string", "null"]}
CREATE = Schemas.every(
    {
        "oneOf": [
            parameters.none,
            {"type": "object", "properties": {"pool": _POOL}, "additionalProperties": False},
        ]
    }
)


class FloatingIpNotFound(NotFound):
    def __init__(self, floating_ip_id: str) -> None:
        super().__init__(f"Floating IP not found for ID {floating_ip_id}")


async def index(request: Request) -> dict[str, Any]:
    found = await request.world.network.floating_ips(request.caller.token, project_id=request.project_id)
    return {"floating_ips": await _shown(request, found)}


async def show(request: Request) -> dict[str, Any]:
    (shown,) = await _shown(request, [await _one(request)])
    return {"floating_ip": shown}


async def create(request: Request) -> dict[str, Any]:
    """From the pool named; from the only one when none is. Errors: NotFound, Forbidden over quota."""
    pool = await _pool(request, (request.body or {}).get("pool"))
    try:
        made = await request.world.network.create_floating_ip(request.caller.token, pool.id)
    except TooLarge as error:
        raise Forbidden(f"IP allocation over quota in pool {pool.name}.") from error
    except Conflict as error:
        # The network service says the same whether the quota or the pool is exhausted.
        message = f"IP allocation over quota in pool {pool.name}."
        if "quota" in error.message.lower():
            raise Forbidden(message) from error
        raise NotFound(f"No more floating IPs in pool {pool.name}.") from error
    (shown,) = await _shown(request, [made])
    return {"floating_ip": shown}


async def delete(request: Request) -> None:
    floating = await _one(request)
    await request.world.network.delete_floating_ip(request.caller.token, floating.id)


async def _pool(request: Request, name: str | None) -> Network:
    found = [network for network in await external_networks(request) if name in (None, network.name, network.id)]
    if not found or (name is None and len(found) > 1):
        raise NotFound("Floating IP pool not found.")
    return found[0]


async def _one(request: Request) -> FloatingIp:
    identifier = request.params["id"]
    refused = FloatingIpNotFound(identifier)
    try:
        return await request.world.network.floating_ip(request.caller.token, passed_on(identifier, refused))
    except NotFound as error:
        raise refused from error


async def _shown(request: Request, found: list[FloatingIp]) -> list[dict[str, Any]]:
    """With the names of their pools and the servers whose ports they point to: two questions for all of them."""
    network, token = request.world.network, request.caller.token
    pools = {one.id: one.name for one in await external_networks(request)} if found else {}
    ports = sorted({one.port_id for one in found if one.port_id})
    servers = {port.id: port.device_id for port in await network.ports(token, ids=ports)} if ports else {}
    return [
        {
            "id": one.id,
            "ip": one.floating_ip_address,
            "pool": pools.get(one.floating_network_id) or one.floating_network_id,
            "fixed_ip": one.fixed_ip_address,
            "instance_id": (servers.get(one.port_id) or None) if one.port_id else None,
        }
        for one in found
    ]
