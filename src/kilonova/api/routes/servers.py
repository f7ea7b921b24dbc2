"""Servers: the collection and one of it."""

from kilonova.api.routes.route import Route
from kilonova.api.servers import create, create_schema, list_schemas, lists, show

_RULE = "os_compute_api:servers"
_LIST = list_schemas.LIST_QUERY
_CREATE = create_schema.CREATE

ROUTES = (
    Route(method="GET", path="/servers", handler=lists.index, query=_LIST, rule=f"{_RULE}:index"),
    Route(method="POST", path="/servers", handler=create.create, success=202, rule=f"{_RULE}:create", body=_CREATE),
    Route(method="GET", path="/servers/detail", handler=lists.detail, query=_LIST, rule=f"{_RULE}:detail"),
    Route(method="GET", path="/servers/{server_id}", handler=show.show, rule=f"{_RULE}:show", owned=True),
)
