"""Servers: the collection, one of it, and what hangs on one. Actions are in `server_actions`."""

from kilonova.api.routes.route import Route
from kilonova.api.servers import action_schemas as schemas
from kilonova.api.servers import (
    consoles,
    create,
    create_schema,
    events,
    explain,
    hardware,
    inspection,
    instance_actions,
    interfaces,
    ips,
    life,
    list_schemas,
    lists,
    metadata,
    security_groups,
    show,
    tags,
    volumes,
)
from kilonova.api.validation import Query, Schemas

_RULE = "os_compute_api:servers"
_ONE = "/servers/{server_id}"
_LIST = list_schemas.LIST_QUERY


def _on_one(
    method: str,
    path: str,
    handler: object,
    rule: str,
    *,
    success: int = 200,
    low: int = 1,
    high: int | None = None,
    body: Schemas | None = None,
    query: Query | None = None,
    also: tuple[int, ...] = (),
) -> Route:
    """A row below one server: its look-up checks the rule against its owner."""
    if not rule.startswith("compute:"):
        rule = f"os_compute_api:{rule}"
    return Route(
        method=method,
        path=_ONE + path,
        handler=handler,  # type: ignore[arg-type]
        rule=rule,
        owned=True,
        success=success,
        low=low,
        high=high,
        body=body,
        query=query,
        also=also,
    )


_VOLUMES = "/os-volume_attachments"
_VOLUME = f"{_VOLUMES}/{{id}}"

ROUTES = (
    Route(method="GET", path="/servers", handler=lists.index, query=_LIST, rule=f"{_RULE}:index"),
    Route(
        method="POST",
        path="/servers",
        handler=create.create,
        success=202,
        rule=f"{_RULE}:create",
        body=create_schema.CREATE,
        headers=("Idempotency-Key",),
    ),
    Route(method="GET", path="/servers/detail", handler=lists.detail, query=_LIST, rule=f"{_RULE}:detail"),
    Route(
        method="GET",
        path="/servers/events",
        handler=events.events,
        query=events.QUERY,
        rule=f"{_RULE}:index",
        headers=("Last-Event-ID",),
        media_type="text/event-stream",
    ),
    Route(
        method="POST",
        path="/servers/explain",
        handler=explain.explain,
        rule=f"{_RULE}:create",
        body=create_schema.CREATE,
    ),
    _on_one("GET", "/explain", explain.explain_server, "servers:show"),
    _on_one("GET", "", show.show, "servers:show"),
    _on_one("PUT", "", life.update, "servers:update", body=schemas.UPDATE),
    _on_one("DELETE", "", life.delete, "servers:delete", success=204),
    _on_one("GET", "/metadata", metadata.index, "server-metadata:index"),
    _on_one("POST", "/metadata", metadata.create, "server-metadata:create", body=schemas.METADATA),
    _on_one("PUT", "/metadata", metadata.update_all, "server-metadata:update_all", body=schemas.METADATA),
    _on_one("GET", "/metadata/{id}", metadata.show, "server-metadata:show"),
    _on_one("PUT", "/metadata/{id}", metadata.update, "server-metadata:update", body=schemas.META),
    _on_one("DELETE", "/metadata/{id}", metadata.delete, "server-metadata:delete", success=204),
    _on_one("GET", "/tags", tags.index, "os-server-tags:index", low=26),
    _on_one("PUT", "/tags", tags.update_all, "os-server-tags:update_all", low=26, body=schemas.TAGS),
    _on_one("DELETE", "/tags", tags.delete_all, "os-server-tags:delete_all", low=26, success=204),
    _on_one("GET", "/tags/{id}", tags.show, "os-server-tags:show", low=26, success=204),
    _on_one("PUT", "/tags/{id}", tags.update, "os-server-tags:update", low=26, success=201, also=(204,)),
    _on_one("DELETE", "/tags/{id}", tags.delete, "os-server-tags:delete", low=26, success=204),
    _on_one("GET", "/ips", ips.index, "ips:index"),
    _on_one("GET", "/ips/{id}", ips.show, "ips:show"),
    _on_one("GET", _VOLUMES, volumes.index, "os-volumes-attachments:index", query=schemas.VOLUMES_QUERY),
    _on_one("POST", _VOLUMES, volumes.attach, "os-volumes-attachments:create", body=schemas.ATTACH_VOLUME, high=100),
    _on_one(
        "POST",
        _VOLUMES,
        volumes.attach,
        "os-volumes-attachments:create",
        body=schemas.ATTACH_VOLUME,
        low=101,
        success=202,
    ),
    _on_one("GET", _VOLUME, volumes.show, "os-volumes-attachments:show"),
    _on_one("PUT", _VOLUME, volumes.update, "os-volumes-attachments:update", body=schemas.UPDATE_VOLUME, success=202),
    _on_one("DELETE", _VOLUME, volumes.detach, "os-volumes-attachments:delete", success=202),
    _on_one("GET", "/os-interface", interfaces.index, "os-attach-interfaces:list"),
    _on_one("POST", "/os-interface", interfaces.attach, "os-attach-interfaces:create", body=schemas.ATTACH_INTERFACE),
    _on_one("GET", "/os-interface/{id}", interfaces.show, "os-attach-interfaces:show"),
    _on_one("DELETE", "/os-interface/{id}", interfaces.detach, "os-attach-interfaces:delete", success=202),
    _on_one(
        "GET",
        "/os-instance-actions",
        instance_actions.index,
        "os-instance-actions:list",
        query=schemas.INSTANCE_ACTIONS_QUERY,
    ),
    _on_one("GET", "/os-instance-actions/{id}", instance_actions.show, "os-instance-actions:show"),
    _on_one("GET", "/diagnostics", inspection.diagnostics, "os-server-diagnostics"),
    _on_one("GET", "/topology", hardware.topology, "compute:server:topology:index", low=78),
    _on_one("GET", "/os-server-password", inspection.password, "os-server-password:show"),
    _on_one("DELETE", "/os-server-password", inspection.clear_password, "os-server-password:clear", success=204),
    _on_one("GET", "/os-security-groups", security_groups.index, "os-security-groups:list"),
    _on_one("POST", "/remote-consoles", consoles.create, "os-remote-consoles", low=6, body=schemas.REMOTE_CONSOLE),
)
