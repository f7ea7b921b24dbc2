"""Key pairs."""

from kilonova.api.keypairs import handlers, schemas
from kilonova.api.routes.route import Handler, Route
from kilonova.api.validation import Query, Schemas

_ALL = "/os-keypairs"
_ONE = "/os-keypairs/{id}"


def _row(
    method: str,
    path: str,
    handler: Handler,
    rule: str,
    *,
    success: int = 200,
    low: int = 1,
    high: int | None = None,
    body: Schemas | None = None,
    query: Query | None = None,
) -> Route:
    """The handler checks the rule against the user whose keys they are."""
    return Route(
        method=method,
        path=path,
        handler=handler,
        rule=f"os_compute_api:os-keypairs:{rule}",
        owned=True,
        success=success,
        low=low,
        high=high,
        body=body,
        query=query,
    )


ROUTES = (
    _row("GET", _ALL, handlers.index, "index", query=schemas.LIST_QUERY),
    _row("POST", _ALL, handlers.create, "create", body=schemas.CREATE, high=1),
    _row("POST", _ALL, handlers.create, "create", body=schemas.CREATE, low=2, success=201),
    _row("GET", _ONE, handlers.show, "show", query=schemas.ONE_QUERY),
    _row("DELETE", _ONE, handlers.delete, "delete", query=schemas.ONE_QUERY, high=1, success=202),
    _row("DELETE", _ONE, handlers.delete, "delete", query=schemas.ONE_QUERY, low=2, success=204),
)
