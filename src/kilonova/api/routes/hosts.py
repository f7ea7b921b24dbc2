"""Hosts, until 2.42."""

from kilonova.api.hosts import handlers
from kilonova.api.routes.route import Handler, Route
from kilonova.api.validation import Query, Schemas

_LAST = 42


def _row(
    method: str,
    path: str,
    handler: Handler,
    rule: str,
    *,
    query: Query = handlers.ANY_QUERY,
    body: Schemas | None = None,
) -> Route:
    rule = f"os_compute_api:os-hosts:{rule}"
    return Route(method=method, path=path, handler=handler, rule=rule, query=query, body=body, high=_LAST)


_ONE = "/os-hosts/{id}"
ROUTES = (
    _row("GET", "/os-hosts", handlers.index, "list", query=handlers.LIST_QUERY),
    _row("GET", _ONE, handlers.show, "show"),
    _row("PUT", _ONE, handlers.update, "update", body=handlers.UPDATE),
    _row("GET", f"{_ONE}/reboot", handlers.power, "reboot"),
    _row("GET", f"{_ONE}/shutdown", handlers.power, "shutdown"),
    _row("GET", f"{_ONE}/startup", handlers.power, "start"),
)
