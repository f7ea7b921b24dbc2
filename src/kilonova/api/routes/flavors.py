"""Flavors, who may use the private ones, and their extra specs."""

from kilonova.api.flavors import access, extra_specs, handlers, manage, schemas
from kilonova.api.routes.route import Handler, Route
from kilonova.api.validation import Schemas

_MANAGE = "os_compute_api:os-flavor-manage"
_ACCESS = "os_compute_api:os-flavor-access"
_SPECS = "os_compute_api:os-flavor-extra-specs"
_ALL = "/flavors"
_ONE = "/flavors/{id}"
_SPECS_PATH = "/flavors/{flavor_id}/os-extra_specs"
_SPEC_PATH = f"{_SPECS_PATH}/{{id}}"


def _action(name: str, handler: Handler, rule: str, body: Schemas) -> Route:
    return Route(method="POST", path=f"{_ONE}/action", action=name, handler=handler, rule=rule, body=body)


ROUTES = (
    Route(method="GET", path=_ALL, handler=handlers.index, query=schemas.LIST_QUERY),
    Route(method="POST", path=_ALL, handler=manage.create, rule=f"{_MANAGE}:create", body=schemas.CREATE),
    Route(method="GET", path="/flavors/detail", handler=handlers.detail, query=schemas.LIST_QUERY),
    Route(method="GET", path=_ONE, handler=handlers.show),
    Route(method="PUT", path=_ONE, handler=manage.update, rule=f"{_MANAGE}:update", body=schemas.UPDATE, low=55),
    Route(method="DELETE", path=_ONE, handler=manage.delete, rule=f"{_MANAGE}:delete", success=202),
    _action("addTenantAccess", access.add, f"{_ACCESS}:add_tenant_access", schemas.ADD_ACCESS),
    _action("removeTenantAccess", access.remove, f"{_ACCESS}:remove_tenant_access", schemas.REMOVE_ACCESS),
    Route(method="GET", path="/flavors/{flavor_id}/os-flavor-access", handler=access.index, rule=_ACCESS),
    Route(method="GET", path=_SPECS_PATH, handler=extra_specs.index, rule=f"{_SPECS}:index"),
    Route(
        method="POST",
        path=_SPECS_PATH,
        handler=extra_specs.create,
        rule=f"{_SPECS}:create",
        body=schemas.CREATE_SPECS,
    ),
    Route(method="GET", path=_SPEC_PATH, handler=extra_specs.show, rule=f"{_SPECS}:show"),
    Route(method="PUT", path=_SPEC_PATH, handler=extra_specs.update, rule=f"{_SPECS}:update", body=schemas.UPDATE_SPEC),
    Route(method="DELETE", path=_SPEC_PATH, handler=extra_specs.delete, rule=f"{_SPECS}:delete"),
)
