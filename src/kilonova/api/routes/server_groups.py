"""Server groups."""

from kilonova.api.routes.route import Route
from kilonova.api.server_groups import handlers, schemas

_RULE = "os_compute_api:os-server-groups"
_ALL = "/os-server-groups"
_ONE = "/os-server-groups/{id}"

ROUTES = (
    Route(method="GET", path=_ALL, handler=handlers.index, rule=f"{_RULE}:index", query=schemas.LIST_QUERY),
    Route(method="POST", path=_ALL, handler=handlers.create, rule=f"{_RULE}:create", body=schemas.CREATE),
    Route(method="GET", path=_ONE, handler=handlers.show, rule=f"{_RULE}:show", owned=True),
    Route(method="DELETE", path=_ONE, handler=handlers.delete, rule=f"{_RULE}:delete", owned=True, success=204),
)
