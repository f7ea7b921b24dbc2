"""Events other services post."""

from kilonova.api.routes.route import Route
from kilonova.api.servers import external_events

ROUTES = (
    Route(
        method="POST",
        path="/os-server-external-events",
        handler=external_events.create,
        rule="os_compute_api:os-server-external-events:create",
        body=external_events.CREATE,
        also=(207,),
    ),
)
