"""All rows together."""

from kilonova.api.routes import flavors, gone, servers, versions
from kilonova.api.routes.route import Route

ROUTES: tuple[Route, ...] = (
    *versions.ROUTES,
    *servers.ROUTES,
    *flavors.ROUTES,
    *gone.ROUTES,
)
