"""Hypervisors. Paths with a name in place of the id end before 2.53, sums and uptime before 2.88."""

from kilonova.api.hypervisors import handlers, schemas
from kilonova.api.routes.route import Handler, Route
from kilonova.api.validation import Query

_PATH = "/os-hypervisors"


def _get(path: str, handler: Handler, rule: str, query: Query, high: int | None = None) -> Route:
    return Route(
        method="GET",
        path=_PATH + path,
        handler=handler,
        rule=f"os_compute_api:os-hypervisors:{rule}",
        query=query,
        high=high,
    )


ROUTES = (
    _get("", handlers.index, "list", schemas.LIST_QUERY),
    _get("/detail", handlers.detail, "list-detail", schemas.LIST_QUERY),
    _get("/statistics", handlers.statistics, "statistics", schemas.OLD_QUERY, high=87),
    _get("/{id}", handlers.show, "show", schemas.ONE_QUERY),
    _get("/{id}/search", handlers.search, "search", schemas.OLD_QUERY, high=52),
    _get("/{id}/servers", handlers.servers, "servers", schemas.OLD_QUERY, high=52),
    _get("/{id}/uptime", handlers.uptime, "uptime", schemas.OLD_QUERY, high=87),
)
