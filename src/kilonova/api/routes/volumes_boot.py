"""`/os-volumes_boot`: an old name for servers, until 2.102."""

from dataclasses import replace

from kilonova.api.routes import server_actions, servers
from kilonova.api.routes.route import Route

_LAST = 102
_PATHS = ("/servers", "/servers/detail", "/servers/{server_id}")
_ACTIONS = (
    "confirmResize",
    "revertResize",
    "reboot",
    "resize",
    "rebuild",
    "createImage",
    "os-start",
    "os-stop",
    "trigger_crash_dump",
)


def _renamed(route: Route) -> Route:
    return replace(route, path=route.path.replace("/servers", "/os-volumes_boot", 1), high=_LAST)


ROUTES = (
    *(_renamed(route) for route in servers.ROUTES if route.path in _PATHS),
    *(_renamed(route) for route in server_actions.ROUTES if route.action in _ACTIONS),
)
