"""Services, and the zones their hosts are in."""

from kilonova.api.availability_zones import handlers as availability_zones
from kilonova.api.routes.route import Route
from kilonova.api.services import handlers, schemas

_RULE = "os_compute_api:os-services"
_ZONES = "os_compute_api:os-availability-zone"
_ONE = "/os-services/{id}"

ROUTES = (
    Route(method="GET", path="/os-services", handler=handlers.index, rule=f"{_RULE}:list", query=schemas.LIST_QUERY),
    Route(method="PUT", path=_ONE, handler=handlers.update, rule=f"{_RULE}:update", body=schemas.UPDATE),
    Route(method="DELETE", path=_ONE, handler=handlers.delete, rule=f"{_RULE}:delete", success=204),
    Route(method="GET", path="/os-availability-zone", handler=availability_zones.index, rule=f"{_ZONES}:list"),
    Route(
        method="GET", path="/os-availability-zone/detail", handler=availability_zones.detail, rule=f"{_ZONES}:detail"
    ),
)
