"""All rows together."""

from kilonova.api.routes import (
    aggregates,
    extensions,
    external_events,
    flavors,
    gone,
    hypervisors,
    keypairs,
    quotas,
    server_actions,
    server_groups,
    servers,
    services,
    versions,
    volumes_boot,
)
from kilonova.api.routes.route import Route

ROUTES: tuple[Route, ...] = (
    *versions.ROUTES,
    *external_events.ROUTES,
    *servers.ROUTES,
    *server_actions.ROUTES,
    *flavors.ROUTES,
    *keypairs.ROUTES,
    *server_groups.ROUTES,
    *quotas.ROUTES,
    *hypervisors.ROUTES,
    *services.ROUTES,
    *aggregates.ROUTES,
    *extensions.ROUTES,
    *volumes_boot.ROUTES,
    *gone.ROUTES,
)
