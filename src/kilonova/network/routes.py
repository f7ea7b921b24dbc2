"""Every URL of the network API."""

from starlette.responses import Response

from kilonova.network import about, quotas, topology
from kilonova.network.handlers import changing, creator, deleter, lister, may_change, scope_of, shower, updater, visible
from kilonova.network.nouns import router_interfaces
from kilonova.network.nouns.floating_ips import FLOATING_IPS
from kilonova.network.nouns.networks import NETWORKS
from kilonova.network.nouns.ports import PORTS
from kilonova.network.nouns.routers import ROUTERS
from kilonova.network.nouns.security_group_rules import SECURITY_GROUP_RULES
from kilonova.network.nouns.security_groups import SECURITY_GROUPS
from kilonova.network.nouns.subnets import SUBNETS
from kilonova.network.world import NetworkRequest
from kilonova.web.application import Routes, routes_of
from kilonova.web.response import json_response

NOUNS = (NETWORKS, SUBNETS, PORTS, ROUTERS, FLOATING_IPS, SECURITY_GROUPS, SECURITY_GROUP_RULES)
# Asked for by clients' overviews; there are none here.
_NONE_HERE = ("subnetpools", "address-scopes", "trunks", "network-segment-ranges")


async def add_interface(request: NetworkRequest) -> Response:
    router = await visible(request.world, request.caller, ROUTERS, request.params["id"])
    may_change(request.caller, ROUTERS, router, "update")
    body, project = await request.document(), scope_of(request.caller)
    shown = await changing(
        request.world, request.caller, lambda work: router_interfaces.add(work, router, body, project)
    )
    return json_response(shown)


async def remove_interface(request: NetworkRequest) -> Response:
    router = await visible(request.world, request.caller, ROUTERS, request.params["id"])
    may_change(request.caller, ROUTERS, router, "update")
    body = await request.document()
    shown = await changing(request.world, request.caller, lambda work: router_interfaces.remove(work, router, body))
    return json_response(shown)


def routes() -> Routes:
    table = routes_of(("GET", "/", about.versions), public=True)
    routes_of(
        ("GET", "/v2.0", about.resources),
        ("GET", "/v2.0/extensions", about.extensions),
        ("GET", "/v2.0/extensions/{alias}", about.extension),
        ("GET", "/v2.0/availability_zones", about.zones),
        ("GET", "/v2.0/agents", about.agents),
        ("GET", "/v2.0/agents/{id}", about.agent),
        ("GET", "/v2.0/quotas", quotas.list_),
        ("GET", "/v2.0/quotas/tenant", quotas.own),
        ("GET", "/v2.0/quotas/project", quotas.own),
        ("GET", "/v2.0/quotas/{project_id}", quotas.show),
        ("GET", "/v2.0/quotas/{project_id}/default", quotas.defaults),
        ("GET", "/v2.0/quotas/{project_id}/details", quotas.details),
        ("PUT", "/v2.0/quotas/{project_id}", quotas.update),
        ("DELETE", "/v2.0/quotas/{project_id}", quotas.delete),
        ("GET", "/v2.0/auto-allocated-topology/{project_id}", topology.show),
        ("DELETE", "/v2.0/auto-allocated-topology/{project_id}", topology.delete),
        ("PUT", "/v2.0/routers/{id}/add_router_interface", add_interface),
        ("PUT", "/v2.0/routers/{id}/remove_router_interface", remove_interface),
        *(("GET", f"/v2.0/{name}", about.empty_list) for name in _NONE_HERE),
        into=table,
    )
    for noun in NOUNS:
        path = f"/v2.0/{noun.resource.path}"
        routes_of(
            ("GET", path, lister(noun)),
            ("POST", path, creator(noun)),
            ("GET", f"{path}/{{id}}", shower(noun)),
            ("PUT", f"{path}/{{id}}", updater(noun)),
            ("DELETE", f"{path}/{{id}}", deleter(noun)),
            into=table,
        )
    return table
