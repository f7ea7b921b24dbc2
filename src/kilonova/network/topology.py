"""A project's own network made by itself: what `networks: auto` asks for (Neutron's auto-allocated topology)."""

from sqlalchemy import Table
from starlette.responses import Response

from kilonova.db.database import Reader
from kilonova.network import usage
from kilonova.network.errors import AutoAllocatedTopologyNotFound, HTTPBadRequest, PolicyNotAuthorized
from kilonova.network.handlers import changing, may_write
from kilonova.network.nouns import networks, router_interfaces, routers, subnets
from kilonova.network.nouns.noun import Row
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.store.listing import Filter, find
from kilonova.network.world import NetworkRequest, Work, World, is_privileged
from kilonova.web.response import empty, json_response

_NAME = "auto_allocated_network"
_ROUTER = "auto_allocated_router"
_CIDR = "10.0.0.0/24"


async def show(request: NetworkRequest) -> Response:
    """Find or make it; with `fields=dry-run` only say whether it could be."""
    project = request.params["project_id"]
    if not is_privileged(request.caller) and project != request.caller.project_id:
        raise PolicyNotAuthorized("rule:get_auto_allocated_topology")
    external = await _external(request.world)
    if "dry-run" in request.query_params.getlist("fields"):
        return json_response({"auto_allocated_topology": {"id": "dry-run=pass", "tenant_id": project}})
    may_write(request.caller, "get_auto_allocated_topology")
    own = await _named(request.world.db, t.networks, project, _NAME)
    if own is not None:
        network_id = own["id"]
    else:
        network_id = await changing(request.world, request.caller, lambda work: _make(work, project, external))
    return json_response({"auto_allocated_topology": {"id": network_id, "tenant_id": project, "project_id": project}})


async def delete(request: NetworkRequest) -> Response:
    """Network, subnet and router go. Errors: AutoAllocatedTopologyNotFound, NetworkInUse."""
    project = request.params["project_id"]
    if not is_privileged(request.caller) and project != request.caller.project_id:
        raise PolicyNotAuthorized("rule:delete_auto_allocated_topology")
    may_write(request.caller, "delete_auto_allocated_topology")
    await changing(request.world, request.caller, lambda work: _unmake(work, project))
    return empty(204)


async def _named(reader: Reader, table: Table, project: str, name: str) -> Row | None:
    found = await find(reader, table, (Filter("project_id", (project,)), Filter("name", (name,))))
    return found[0] if found else None


async def _external(world: World) -> Row:
    """The default external network, or the only one. Errors: HTTPBadRequest."""
    found = await find(world.db, t.networks, (Filter("external", (1,)),))
    chosen = [row for row in found if row["is_default"]] or found
    if not chosen:
        raise HTTPBadRequest("Deployment error: No default router:external network.")
    return chosen[0]


async def _make(work: Work, project: str, external: Row) -> str:
    # Whoever counts first goes first: servers of a project that begin at once are to share one network.
    await usage.take(work, "network", project)
    await usage.give_back(work, "network", project)
    there = await _named(work.tx, t.networks, project, _NAME)
    if there is not None:
        return str(there["id"])
    named = {"project_id": project, "name": _NAME, "description": ""}
    network = await networks.create(work, {**networks.RESOURCE.parse_new({}, privileged=True), **named})
    asked = {"network_id": network["id"], "cidr": _CIDR}
    values = {**subnets.RESOURCE.parse_new(asked, privileged=True), **named, "name": "auto_allocated_subnet_v4"}
    subnet = await subnets.create(work, values)
    outside = {"external_gateway_info": {"network_id": external["id"]}}
    values = {**routers.RESOURCE.parse_new(outside, privileged=True), **named, "name": _ROUTER}
    router = await routers.create(work, values)
    await router_interfaces.add(work, router, {"subnet_id": subnet["id"]}, project)
    return str(network["id"])


async def _unmake(work: Work, project: str) -> None:
    network = await _named(work.tx, t.networks, project, _NAME)
    if network is None:
        raise AutoAllocatedTopologyNotFound(project)
    router = await _named(work.tx, t.routers, project, _ROUTER)
    if router is not None:
        for subnet in await rows.rows_among(work.tx, t.subnets, "network_id", [network["id"]]):
            await router_interfaces.remove(work, router, {"subnet_id": subnet["id"]})
        await routers.delete(work, router)
    await networks.delete(work, network)
