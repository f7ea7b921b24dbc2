"""Migrations: all of them, and a server's running ones."""

from kilonova.api.migrations import handlers, of_server, schemas
from kilonova.api.routes.route import Route

_RULE = "os_compute_api:servers:migrations"
_ALL = "/servers/{server_id}/migrations"
_ONE = f"{_ALL}/{{id}}"

ROUTES = (
    Route(
        method="GET",
        path="/os-migrations",
        handler=handlers.index,
        rule="os_compute_api:os-migrations:index",
        query=schemas.LIST_QUERY,
    ),
    Route(method="GET", path=_ALL, handler=of_server.index, rule=f"{_RULE}:index", owned=True, low=23),
    Route(method="GET", path=_ONE, handler=of_server.show, rule=f"{_RULE}:show", owned=True, low=23),
    Route(method="DELETE", path=_ONE, handler=of_server.abort, rule=f"{_RULE}:delete", owned=True, low=24, success=202),
    Route(
        method="POST",
        path=f"{_ONE}/action",
        action="force_complete",
        handler=of_server.force_complete,
        rule=f"{_RULE}:force_complete",
        owned=True,
        body=schemas.FORCE_COMPLETE,
        low=22,
        success=202,
    ),
)
