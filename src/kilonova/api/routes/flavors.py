"""Flavors and their extra specs."""

from kilonova.api.flavors import extra_specs, handlers, schemas
from kilonova.api.routes.route import Route

_SPECS = "os_compute_api:os-flavor-extra-specs"
_SPECS_PATH = "/flavors/{flavor_id}/os-extra_specs"

ROUTES = (
    Route(method="GET", path="/flavors", handler=handlers.index, query=schemas.LIST_QUERY),
    Route(method="GET", path="/flavors/detail", handler=handlers.detail, query=schemas.LIST_QUERY),
    Route(method="GET", path="/flavors/{id}", handler=handlers.show),
    Route(method="GET", path=_SPECS_PATH, handler=extra_specs.index, rule=f"{_SPECS}:index"),
    Route(method="GET", path=f"{_SPECS_PATH}/{{id}}", handler=extra_specs.show, rule=f"{_SPECS}:show"),
)
