"""The networks a new server shall have: what was asked, checked with the network service in few calls."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from kilonova.api.request import Request
from kilonova.contract.compute import NetworkRequest
from kilonova.model.errors import BadRequest, Conflict, Forbidden
from kilonova.peers.network_types import Network, Port

Networks = tuple[NetworkRequest, ...] | Literal["auto", "none"]


async def wanted_networks(request: Request, asked: Any, *, count: int) -> Networks:
    """`asked` is the body's `networks` (None when absent); `count` servers share it.

    Errors: BadRequest, Conflict, Forbidden as Nova has them.
    """
    if asked == "none":
        return "none"
    if not asked or asked == "auto":
        return await _any_network(request, automatic=asked == "auto")
    requests = _requests(asked)
    _check_alone(requests, count)
    await _check_ports(request, [one.port_id for one in requests if one.port_id])
    await _check_networks(request, [one.network_id for one in requests if one.network_id])
    return requests


async def _any_network(request: Request, *, automatic: bool) -> Networks:
    """The one network the project can see; with several it has to say which."""
    network, token = request.world.network, request.caller.token
    found = [one for one in await network.available_networks(token, request.project_id) if not one.external]
    if len(found) > 1:
        raise Conflict("Multiple possible networks found, use a Network ID to be more specific.")
    if found:
        _check_usable(request, found[0])
        return (NetworkRequest(network_id=found[0].id),)
    if not automatic:
        return "none"
    if not await network.topology_allowed(token, request.project_id):
        raise BadRequest(f"Unable to automatically allocate a network for project {request.project_id}")
    return "auto"


def _requests(asked: Sequence[dict[str, Any]]) -> tuple[NetworkRequest, ...]:
    requests = []
    for item in asked:
        port, address = item.get("port"), item.get("fixed_ip")
        if port is not None:
            if address is not None:
                raise BadRequest(
                    f"Specified Fixed IP '{address}' cannot be used with port '{port}': "
                    "the two cannot be specified together."
                )
            requests.append(NetworkRequest(port_id=port, tag=item.get("tag")))
        elif item.get("uuid"):
            requests.append(NetworkRequest(network_id=item["uuid"], fixed_ip=address, tag=item.get("tag")))
        else:
            raise BadRequest("Bad networks format: network uuid is not in proper format (None)")
    ports = Counter(one.port_id for one in requests if one.port_id)
    for port, times in ports.items():
        if times > 1:
            raise BadRequest(f"Port {port} is given more than once.")
    return tuple(requests)


def _check_alone(requests: Sequence[NetworkRequest], count: int) -> None:
    """A port or an address belongs to one server."""
    if count == 1:
        return
    if any(one.fixed_ip for one in requests):
        raise BadRequest("Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is specified.")
    if any(one.port_id for one in requests):
        raise BadRequest(
            "Unable to launch multiple instances with a single configured port ID. "
            "Please launch your instance one by one with different ports."
        )


async def _check_ports(request: Request, wanted: Sequence[str]) -> None:
    if not wanted:
        return
    ports = {port.id: port for port in await request.world.network.ports(request.caller.token, ids=wanted)}
    for port_id in wanted:
        port = ports.get(port_id)
        if port is None:
            raise BadRequest(f"Port id {port_id} could not be found.")
        _check_port(port)


def _check_port(port: Port) -> None:
    if port.device_id:
        raise Conflict(f"Port {port.id} is still in use.")
    if not port.fixed_ips:
        raise BadRequest(f"Port {port.id} requires a FixedIP in order to be used.")


async def _check_networks(request: Request, wanted: Sequence[str]) -> None:
    unique = list(dict.fromkeys(wanted))
    if not unique:
        return
    found = {network.id: network for network in await request.world.network.networks(request.caller.token, ids=unique)}
    missing = [network_id for network_id in unique if network_id not in found]
    if missing:
        raise BadRequest(f"Network {', '.join(missing)} could not be found.")
    for network in found.values():
        _check_usable(request, network)


def _check_usable(request: Request, network: Network) -> None:
    if not network.subnets:
        raise BadRequest(f"Network {network.id} requires a subnet in order to boot instances on.")
    if network.external and not network.shared and not request.permits("network:attach_external_network"):
        raise Forbidden(f"It is not allowed to create an interface on external network {network.id}")
