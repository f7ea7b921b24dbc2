"""One row of the tables, and the look-up made of them."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kilonova.api.request import Request
from kilonova.api.validation import Query, Schemas
from kilonova.model.errors import BadRequest, Gone, NotFound
from kilonova.web.router import Router

# What a handler gives back: a document, None for an empty answer, or a Response made by itself.
Handler = Callable[[Request], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """`low` and `high` are minor versions; `high` None: still there. `action` is the body's only member.

    `rule` is checked against the caller's own project before the handler runs, unless `owned`: then the handler's
    look-up of the server (or whatever the thing is) checks it against the thing's owner.

    For descriptions only: `also` are further success codes, `headers` those of the request that mean something to the
    handler, `media_type` is of the answer.
    """

    method: str
    path: str
    handler: Handler
    low: int = 1
    high: int | None = None
    success: int = 200
    rule: str = ""
    owned: bool = False
    action: str | None = None
    body: Schemas | None = None
    query: Query | None = None
    gone: bool = False
    also: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"

    def serves(self, version: int) -> bool:
        return self.low <= version and (self.high is None or version <= self.high)


class NotAtThisVersion(NotFound):
    def __init__(self) -> None:
        super().__init__("The resource could not be found.")


class NoSuchAction(BadRequest):
    def __init__(self, action: str) -> None:
        super().__init__(f"There is no such action: {action}")
        self.action = action


class MalformedBody(BadRequest):
    def __init__(self) -> None:
        super().__init__("Malformed request body")


class Endpoint:
    """All rows of one method and path."""

    __slots__ = ("_actions", "_rows", "takes_action")

    def __init__(self) -> None:
        self._rows: list[Route] = []
        self._actions: dict[str, list[Route]] = {}
        self.takes_action = False

    def add(self, route: Route) -> None:
        if route.action is None:
            self._rows.append(route)
        else:
            self.takes_action = True
            self._actions.setdefault(route.action, []).append(route)

    def route(self, version: int) -> Route:
        """Errors: NotAtThisVersion."""
        return _serving(self._rows, version)

    def action(self, body: Any, version: int) -> Route:
        """The row the body's only member names. Errors: MalformedBody, NoSuchAction, NotAtThisVersion."""
        if not isinstance(body, dict) or len(body) != 1:
            raise MalformedBody
        (name,) = body
        rows = self._actions.get(name)
        if rows is None:
            raise NoSuchAction(name)
        return _serving(rows, version)


def _serving(rows: list[Route], version: int) -> Route:
    for route in rows:
        if route.serves(version):
            return route
    raise NotAtThisVersion


Endpoints = Router[Endpoint]


def endpoints(routes: Iterable[Route]) -> Endpoints:
    router: Endpoints = Router()
    known: dict[tuple[str, str], Endpoint] = {}
    for route in routes:
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            endpoint = known.get((method, route.path))
            if endpoint is None:
                endpoint = known[method, route.path] = Endpoint()
                router.add(method, route.path, endpoint)
            endpoint.add(route)
    return router


async def _gone(request: Request) -> None:
    raise Gone("This resource is no longer available.  No forwarding address is given.")


def gone(method: str, path: str, action: str | None = None) -> Route:
    """Was there once: 410 at every version."""
    return Route(method=method, path=path, action=action, handler=_gone, gone=True)
