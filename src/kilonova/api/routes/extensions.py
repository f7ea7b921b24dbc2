"""Extensions."""

from kilonova.api.extensions import handlers
from kilonova.api.routes.route import Route

_RULE = "os_compute_api:extensions"

ROUTES = (
    Route(method="GET", path="/extensions", handler=handlers.index, rule=_RULE),
    Route(method="GET", path="/extensions/{id}", handler=handlers.show, rule=_RULE),
)
