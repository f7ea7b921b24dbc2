"""Networks: for administrators (os-networks), for their users (os-tenant-networks), and pools of floating IPs."""

from typing import Any

from kilonova.api.proxies.identifiers import passed_on
from kilonova.api.request import Request
from kilonova.model.errors import NotFound
from kilonova.peers.network_types import Network

# What nova-network knew of a network; the network service keeps it elsewhere or not at all.
_UNKNOWN = """
bridge bridge_interface broadcast cidr cidr_v6 created_at deleted deleted_at dhcp_server dhcp_start dns1 dns2
enable_dhcp gateway gateway_v6 host injected mtu multi_host netmask netmask_v6 priority project_id rxtx_base
share_address updated_at vlan vpn_private_address vpn_public_address vpn_public_port
"""
_NOTHING: dict[str, Any] = dict.fromkeys(_UNKNOWN.split())


class NetworkNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Network not found")


async def index(request: Request) -> dict[str, Any]:
    return {"networks": [_full(network) for network in await _available(request)]}


async def show(request: Request) -> dict[str, Any]:
    return {"network": _full(await _one(request))}


async def tenant_index(request: Request) -> dict[str, Any]:
    return {"networks": [_brief(network) for network in await _available(request)]}


async def tenant_show(request: Request) -> dict[str, Any]:
    return {"network": _brief(await _one(request))}


async def pools(request: Request) -> dict[str, Any]:
    found = await external_networks(request)
    return {"floating_ip_pools": [{"name": network.name or network.id} for network in found]}


async def external_networks(request: Request) -> list[Network]:
    """Those floating IPs come from."""
    return await request.world.network.networks(request.caller.token, **{"router:external": "true"})


async def _available(request: Request) -> list[Network]:
    return await request.world.network.networks(request.caller.token)


async def _one(request: Request) -> Network:
    network_id = passed_on(request.params["id"], NetworkNotFound())
    try:
        return await request.world.network.network(request.caller.token, network_id)
    except NotFound as error:
        raise NetworkNotFound from error


def _full(network: Network) -> dict[str, Any]:
    return {**_NOTHING, "id": network.id, "label": network.name}


def _brief(network: Network) -> dict[str, Any]:
    return {"id": network.id, "label": network.name, "cidr": "None"}
