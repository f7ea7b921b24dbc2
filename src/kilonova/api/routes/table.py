"""All rows together."""

from kilonova.api.routes import flavors, gone, versions
from kilonova.api.routes.route import Route

ROUTES: tuple[Route, ...] = (
    *versions.ROUTES,
    *flavors.ROUTES,
    *gone.ROUTES,
)
