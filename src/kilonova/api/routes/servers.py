"""Servers: the collection and one of it."""

from kilonova.api.routes.route import Route
from kilonova.api.servers import list_schemas, lists, show

_RULE = "os_compute_api:servers"
_LIST = list_schemas.LIST_QUERY

ROUTES = (
    Route(method="GET", path="/servers", handler=lists.index, query=_LIST, rule=f"{_RULE}:index"),
    Route(
        method="GET",
        path="/servers/detail",
        handler=lists.detail,
        query=_LIST,
        rule=f"{_RULE}:detail",
    ),
    Route(method="GET", path="/servers/{server_id}", handler=show.show, rule=f"{_RULE}:show", owned=True),
)
