"""All rows together."""

from kilonova.api.routes import external_events, flavors, gone, server_actions, servers, versions, volumes_boot
from kilonova.api.routes.route import Route

ROUTES: tuple[Route, ...] = (
    *versions.ROUTES,
    *external_events.ROUTES,
    *servers.ROUTES,
    *server_actions.ROUTES,
    *flavors.ROUTES,
    *volumes_boot.ROUTES,
    *gone.ROUTES,
)
