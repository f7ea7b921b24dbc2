"""Limits, quota sets, quota classes."""

from kilonova.api.quotas import classes, limits, schemas, sets
from kilonova.api.routes.route import Handler, Route
from kilonova.api.validation import Query, Schemas

_SETS = "os_compute_api:os-quota-sets"
_CLASSES = "os_compute_api:os-quota-class-sets"
_SET = "/os-quota-sets/{id}"
_CLASS = "/os-quota-class-sets/{id}"


def _of_set(
    method: str,
    path: str,
    handler: Handler,
    rule: str,
    *,
    query: Query = schemas.USER_QUERY,
    body: Schemas | None = None,
    success: int = 200,
) -> Route:
    """The handler checks the rule against the project of the URL."""
    return Route(
        method=method,
        path=_SET + path,
        handler=handler,
        rule=f"{_SETS}:{rule}",
        owned=True,
        query=query,
        body=body,
        success=success,
    )


ROUTES = (
    Route(method="GET", path="/limits", handler=limits.show, rule="os_compute_api:limits", query=schemas.LIMITS_QUERY),
    _of_set("GET", "", sets.show, "show"),
    _of_set("PUT", "", sets.update, "update", body=schemas.UPDATE_SET),
    _of_set("DELETE", "", sets.delete, "delete", success=202),
    _of_set("GET", "/detail", sets.detail, "detail"),
    _of_set("GET", "/defaults", sets.defaults, "defaults", query=schemas.DEFAULTS_QUERY),
    Route(method="GET", path=_CLASS, handler=classes.show, rule=f"{_CLASSES}:show"),
    Route(method="PUT", path=_CLASS, handler=classes.update, rule=f"{_CLASSES}:update", body=schemas.UPDATE_CLASS),
)
