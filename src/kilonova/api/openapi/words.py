"""How an operation is called in descriptions: its tag, its summary, and what its handler promises."""

from kilonova.api.routes.route import Route

_VERBS = {"GET": "Show", "POST": "Create", "PUT": "Update", "DELETE": "Delete"}


def tag(route: Route) -> str:
    """The first segment of the path."""
    return route.path.split("/")[1]


def operation_id(method: str, path: str) -> str:
    """Unique, in letters that every generator of clients takes: `get_servers_server_id_tags`."""
    parts = [part.strip("{}").replace("-", "_") for part in path.strip("/").split("/")]
    return "_".join([method.lower(), *parts])


def summary(route: Route) -> str:
    if route.action is not None:
        return route.action
    *_, last = route.path.split("/")
    if last.startswith("{"):
        return f"{_VERBS[route.method]} one of {route.path.split('/')[-2]}"
    if route.method == "GET":
        return f"List or show {last}"
    return f"{_VERBS[route.method]} {last}"


def promise(route: Route) -> str:
    """The handler's own first line, without the names of its errors; '' where name and types say it all."""
    first, *_ = (route.handler.__doc__ or "").strip().split("\n")
    told, *_ = first.split("Errors:")
    return told.strip()


def versions(route: Route) -> str:
    """`2.1 –` or `2.1 – 2.35`."""
    return f"2.{route.low} –" if route.high is None else f"2.{route.low} – 2.{route.high}"
