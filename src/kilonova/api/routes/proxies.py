"""What compute once was the way to: ends before 2.36, image metadata before 2.39, servers' addresses before 2.44."""

from kilonova.api.proxies import (
    baremetal,
    floating_ips,
    image_metadata,
    images,
    networks,
    security_groups,
    server_addresses,
    snapshots,
    volumes,
)
from kilonova.api.routes.route import Handler, Route
from kilonova.api.validation import Query, Schemas

_ANY = Query((1, {}))


def _row(
    method: str,
    path: str,
    handler: Handler,
    rule: str = "",
    *,
    success: int = 200,
    body: Schemas | None = None,
    query: Query = _ANY,
    action: str | None = None,
    high: int = 35,
) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        rule=f"os_compute_api:{rule}" if rule else "",
        success=success,
        body=body,
        query=query,
        action=action,
        high=high,
    )


_META = "/images/{image_id}/metadata"
_META_KEY = f"{_META}/{{id}}"
_FLOATING = "/os-floating-ips"
_GROUPS = "/os-security-groups"
_VOLUMES = "/os-volumes"
_SNAPSHOTS = "/os-snapshots"
_NODES = "/os-baremetal-nodes"
_NODE = f"{_NODES}/{{id}}"

_IMAGES = (
    _row("GET", "/images", images.index, query=images.LIST_QUERY),
    _row("GET", "/images/detail", images.detail, query=images.LIST_QUERY),
    _row("GET", "/images/{id}", images.show),
    _row("DELETE", "/images/{id}", images.delete, success=204),
    _row("GET", _META, image_metadata.index, high=38),
    _row("POST", _META, image_metadata.create, body=image_metadata.ALL, high=38),
    _row("PUT", _META, image_metadata.update_all, body=image_metadata.ALL, high=38),
    _row("GET", _META_KEY, image_metadata.show, high=38),
    _row("PUT", _META_KEY, image_metadata.update, body=image_metadata.META, high=38),
    _row("DELETE", _META_KEY, image_metadata.delete, success=204, high=38),
)
_NETWORKS = (
    _row("GET", "/os-networks", networks.index, "os-networks:list"),
    _row("GET", "/os-networks/{id}", networks.show, "os-networks:show"),
    _row("GET", "/os-tenant-networks", networks.tenant_index, "os-tenant-networks:list"),
    _row("GET", "/os-tenant-networks/{id}", networks.tenant_show, "os-tenant-networks:show"),
    _row("GET", "/os-floating-ip-pools", networks.pools, "os-floating-ip-pools"),
    _row("GET", _FLOATING, floating_ips.index, "os-floating-ips:list"),
    _row("POST", _FLOATING, floating_ips.create, "os-floating-ips:create", body=floating_ips.CREATE),
    _row("GET", f"{_FLOATING}/{{id}}", floating_ips.show, "os-floating-ips:show"),
    _row("DELETE", f"{_FLOATING}/{{id}}", floating_ips.delete, "os-floating-ips:delete", success=202),
    _row("GET", _GROUPS, security_groups.index, "os-security-groups:get", query=security_groups.LIST_QUERY),
    _row("POST", _GROUPS, security_groups.create, "os-security-groups:create", body=security_groups.GROUP),
    _row("GET", f"{_GROUPS}/{{id}}", security_groups.show, "os-security-groups:show"),
    _row("PUT", f"{_GROUPS}/{{id}}", security_groups.update, "os-security-groups:update", body=security_groups.GROUP),
    _row("DELETE", f"{_GROUPS}/{{id}}", security_groups.delete, "os-security-groups:delete", success=202),
    _row(
        "POST",
        "/os-security-group-rules",
        security_groups.create_rule,
        "os-security-groups:rule:create",
        body=security_groups.RULE,
    ),
    _row(
        "DELETE",
        "/os-security-group-rules/{id}",
        security_groups.delete_rule,
        "os-security-groups:rule:delete",
        success=202,
    ),
)
_STORAGE = (
    _row("GET", _VOLUMES, volumes.index, "os-volumes:list", query=volumes.LIST_QUERY),
    _row("POST", _VOLUMES, volumes.create, "os-volumes:create", body=volumes.CREATE),
    _row("GET", f"{_VOLUMES}/detail", volumes.index, "os-volumes:detail", query=volumes.LIST_QUERY),
    _row("GET", f"{_VOLUMES}/{{id}}", volumes.show, "os-volumes:show"),
    _row("DELETE", f"{_VOLUMES}/{{id}}", volumes.delete, "os-volumes:delete", success=202),
    _row("GET", _SNAPSHOTS, snapshots.index, "os-volumes:snapshots:list", query=snapshots.LIST_QUERY),
    _row("POST", _SNAPSHOTS, snapshots.create, "os-volumes:snapshots:create", body=snapshots.CREATE),
    _row("GET", f"{_SNAPSHOTS}/detail", snapshots.index, "os-volumes:snapshots:detail", query=snapshots.LIST_QUERY),
    _row("GET", f"{_SNAPSHOTS}/{{id}}", snapshots.show, "os-volumes:snapshots:show"),
    _row("DELETE", f"{_SNAPSHOTS}/{{id}}", snapshots.delete, "os-volumes:snapshots:delete", success=202),
)
_BAREMETAL = (
    _row("GET", _NODES, baremetal.unavailable, "os-baremetal-nodes:list"),
    _row("POST", _NODES, baremetal.refused),
    _row("GET", _NODE, baremetal.unavailable, "os-baremetal-nodes:show"),
    _row("DELETE", _NODE, baremetal.refused),
    _row("POST", f"{_NODE}/action", baremetal.refused, action="add_interface"),
    _row("POST", f"{_NODE}/action", baremetal.refused, action="remove_interface"),
)


def _on_server(name: str, handler: Handler, rule: str, body: Schemas) -> Route:
    """Its look-up checks the rule against the server's owner."""
    return Route(
        method="POST",
        path="/servers/{server_id}/action",
        action=name,
        handler=handler,
        rule=f"os_compute_api:{rule}",
        owned=True,
        body=body,
        success=202,
        high=43,
    )


_ADDRESSES = (
    _on_server("addFloatingIp", server_addresses.add_floating_ip, "os-floating-ips:add", server_addresses.ADD_FLOATING),
    _on_server(
        "removeFloatingIp",
        server_addresses.remove_floating_ip,
        "os-floating-ips:remove",
        server_addresses.REMOVE_FLOATING,
    ),
    _on_server("addFixedIp", server_addresses.add_fixed_ip, "os-multinic:add", server_addresses.ADD_FIXED),
    _on_server("removeFixedIp", server_addresses.remove_fixed_ip, "os-multinic:remove", server_addresses.REMOVE_FIXED),
)

ROUTES = (*_IMAGES, *_NETWORKS, *_STORAGE, *_BAREMETAL, *_ADDRESSES)
