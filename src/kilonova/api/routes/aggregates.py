"""Host aggregates."""

from kilonova.api.aggregates import handlers, schemas
from kilonova.api.routes.route import Handler, Route
from kilonova.api.validation import Schemas

_RULE = "os_compute_api:os-aggregates"
_ALL = "/os-aggregates"
_ONE = "/os-aggregates/{id}"


def _action(name: str, handler: Handler, body: Schemas) -> Route:
    return Route(method="POST", path=f"{_ONE}/action", action=name, handler=handler, rule=f"{_RULE}:{name}", body=body)


ROUTES = (
    Route(method="GET", path=_ALL, handler=handlers.index, rule=f"{_RULE}:index"),
    Route(method="POST", path=_ALL, handler=handlers.create, rule=f"{_RULE}:create", body=schemas.CREATE),
    Route(method="GET", path=_ONE, handler=handlers.show, rule=f"{_RULE}:show"),
    Route(method="PUT", path=_ONE, handler=handlers.update, rule=f"{_RULE}:update", body=schemas.UPDATE),
    Route(method="DELETE", path=_ONE, handler=handlers.delete, rule=f"{_RULE}:delete"),
    _action("add_host", handlers.add_host, schemas.ADD_HOST),
    _action("remove_host", handlers.remove_host, schemas.REMOVE_HOST),
    _action("set_metadata", handlers.set_metadata, schemas.SET_METADATA),
    Route(
        method="POST",
        path=f"{_ONE}/images",
        handler=handlers.cache_images,
        rule="compute:aggregates:images",
        body=schemas.IMAGES,
        low=81,
        success=202,
    ),
)
