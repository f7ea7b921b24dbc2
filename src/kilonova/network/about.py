"""What the service says of itself: versions, extensions, agents, availability zones."""

from typing import Any

from starlette.responses import Response

from kilonova.model.errors import NotFound
from kilonova.network.errors import AgentNotFound
from kilonova.network.world import NetworkRequest, is_privileged
from kilonova.web.response import json_response

# By alias: name, and what it adds. Only what is whole here.
EXTENSIONS: dict[str, tuple[str, str]] = {
    "agent": ("agent", "The agent management extension."),
    "allowed-address-pairs": ("Allowed Address Pairs", "Provides allowed address pairs"),
    "auto-allocated-topology": ("Auto Allocated Topology Services", "Auto Allocated Topology Services."),
    "availability_zone": ("Availability Zone", "Availability zone support."),
    "binding": ("Port Binding", "Expose port bindings of a virtual port to external application"),
    "ext-gw-mode": ("Neutron L3 Configurable external gateway mode", "Whether SNAT should occur on the gateway"),
    "external-net": ("Neutron external network", "Adds external network attribute to network resource."),
    "extra_dhcp_opt": ("Neutron Extra DHCP options", "Extra options configuration for DHCP"),
    "extraroute": ("Neutron Extra Route", "Extra routes configuration for L3 router"),
    "filter-validation": ("Filter parameters validation", "Provides validation on filter parameters."),
    "fip-port-details": ("Floating IP Port Details Extension", "Add port_details attribute to Floating IP resource"),
    "ip-substring-filtering": ("IP address substring filtering", "Provides IP address substring filtering"),
    "net-mtu": ("Network MTU", "Provides MTU attribute for a network resource."),
    "net-mtu-writable": ("Network MTU (writable)", "Provides a writable MTU attribute for a network resource."),
    "network_availability_zone": ("Network Availability Zone", "Availability zone support for network."),
    "pagination": ("Pagination support", "Extension that indicates that pagination is enabled."),
    "port-security": ("Port Security", "Provides port security"),
    "project-id": ("project_id field enabled", "Extension that indicates that project_id field is enabled."),
    "provider": ("Provider Network", "Expose mapping of virtual networks to physical networks"),
    "quota_details": ("Quota details management support", "Expose functions for quotas usage statistics per project"),
    "quotas": ("Quota management support", "Expose functions for quotas management per tenant"),
    "router": ("Neutron L3 Router", "Router abstraction for basic L3 forwarding between L2 Neutron networks"),
    "security-group": ("security-group", "The security groups extension."),
    "sorting": ("Sorting support", "Extension that indicates that sorting is enabled."),
    "standard-attr-description": ("standard-attr-description", "Extension to add descriptions to standard attributes"),
    "standard-attr-revisions": ("Resource revision numbers", "This extension will display the revision number."),
    "standard-attr-timestamp": ("Resource timestamps", "Adds created_at and updated_at fields."),
}
_SINCE = "2026-01-01T00:00:00-00:00"


def _version(base: str) -> dict[str, Any]:
    return {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"{base}/v2.0/"}]}


async def versions(request: NetworkRequest) -> Response:
    return json_response({"versions": [_version(request.base)]})


_COLLECTIONS = ("networks", "subnets", "ports", "routers", "floatingips", "security-groups", "extensions", "quotas")


async def resources(request: NetworkRequest) -> Response:
    """`GET /v2.0/`: what there is."""
    base = f"{request.base}/v2.0"
    names = [
        {
            "name": name.rstrip("s").replace("-", "_"),
            "collection": name.replace("-", "_"),
            "links": [{"rel": "self", "href": f"{base}/{name}"}],
        }
        for name in _COLLECTIONS
    ]
    return json_response({"resources": names})


def _extension(alias: str) -> dict[str, Any]:
    name, description = EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": description, "updated": _SINCE, "links": []}


async def extensions(request: NetworkRequest) -> Response:
    return json_response({"extensions": [_extension(alias) for alias in sorted(EXTENSIONS)]})


async def extension(request: NetworkRequest) -> Response:
    alias = request.params["alias"]
    if alias not in EXTENSIONS:
        raise NotFound(f"Extension with alias {alias} does not exist")
    return json_response({"extension": _extension(alias)})


async def zones(request: NetworkRequest) -> Response:
    zone = request.world.settings.zone
    found = [{"name": zone, "resource": kind, "state": "available"} for kind in ("network", "router")]
    return json_response({"availability_zones": found})


async def empty_list(request: NetworkRequest) -> Response:
    """Kinds of things that clients ask for and this cloud has none of."""
    return json_response({request.url.path.rsplit("/", 1)[-1].removesuffix(".json").replace("-", "_"): []})


def _agent(row: dict[str, Any], *, alive: bool) -> dict[str, Any]:
    return {
        "id": row["id"],
        "agent_type": "Linux bridge agent",
        "binary": "kilonova-network-agent",
        "topic": "N/A",
        "host": row["host"],
        "admin_state_up": bool(row["admin_state_up"]),
        "alive": alive,
        "availability_zone": "nova",
        "configurations": {"wires": bool(row["wires"])},
        "created_at": row["created_at"].replace("T", " ")[:19],
        "started_at": row["started_at"].replace("T", " ")[:19],
        "heartbeat_timestamp": row["heartbeat_at"].replace("T", " ")[:19],
        "description": None,
        "resources_synced": None,
    }


async def agents(request: NetworkRequest) -> Response:
    if not is_privileged(request.caller):
        # None of them is theirs to see: that is no error in a list.
        return json_response({"agents": []})
    known = request.world.agents
    await known.refresh()
    wanted = {name: value for name, value in request.query_params.items() if name in ("host", "agent_type", "binary")}
    shown = [_agent(row, alive=known.alive(row)) for row in known.all()]
    return json_response({"agents": [one for one in shown if all(one[name] == wanted[name] for name in wanted)]})


async def agent(request: NetworkRequest) -> Response:
    if not is_privileged(request.caller):
        raise AgentNotFound(request.params["id"])
    known = request.world.agents
    await known.refresh()
    for row in known.all():
        if row["id"] == request.params["id"]:
            return json_response({"agent": _agent(row, alive=known.alive(row))})
    raise AgentNotFound(request.params["id"])
