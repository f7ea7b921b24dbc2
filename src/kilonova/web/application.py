"""An ASGI application made of a router, a world and a way to show errors; and several mounted under prefixes."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kilonova.model.caller import Caller
from kilonova.model.errors import BadRequest, KilonovaError, NotFound, Unauthenticated
from kilonova.observe import metrics, trace
from kilonova.web.request import Request
from kilonova.web.router import Router
from kilonova.web.status import status_of

log = logging.getLogger(__name__)

C = TypeVar("C")
Handler = Callable[[Any], Awaitable[Response]]

# Nova's and the other services' own limit: 112 KiB (oslo.middleware, max_request_body_size).
MAX_BODY = 114688


class TokenCheck(Protocol):
    async def __call__(self, token: str) -> Caller:
        """Who holds `token`. Errors: Unauthenticated; Unavailable when identity does not answer."""


class Route(Generic[C]):
    """A handler and how it is reached: `public` routes need no token, `max_body` in bytes."""

    __slots__ = ("handler", "max_body", "public")

    def __init__(self, handler: Handler, *, public: bool = False, max_body: int = MAX_BODY) -> None:
        self.handler = handler
        self.public = public
        self.max_body = max_body


Routes = Router[Route[Any]]


def routes_of(*tables: tuple[str, str, Handler], public: bool = False, into: Routes | None = None) -> Routes:
    """A router from `(method, path, handler)` rows; HEAD goes wherever GET goes."""
    router: Routes = into if into is not None else Router()
    for method, path, handler in tables:
        router.add(method, path, Route(handler, public=public))
        if method == "GET":
            router.add("HEAD", path, Route(handler, public=public))
    return router


class Application(Generic[C]):
    """`render` turns any exception into the service's kind of error body, `status` already decided by its family."""

    def __init__(
        self,
        name: str,
        routes: Routes,
        world: C,
        *,
        render: Callable[[int, BaseException, Request[C]], Response],
        check_token: TokenCheck | None,
    ) -> None:
        self.name = name
        self.world = world
        self._routes = routes
        self._render = render
        self._check_token = check_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{self.name} speaks HTTP only, not {scope['type']}")
        began = time.perf_counter()
        path = scope["path"][len(scope.get("root_path", "")) :]
        found = self._routes.find(scope["method"], path)
        route = found.handler if found else None
        request = Request(
            scope, receive, self.world, found.params if found else {}, route.max_body if route else MAX_BODY
        )
        headers = request.headers
        with trace.serving(self.name, headers.get("traceparent"), headers.get("tracestate")):
            try:
                response = await self._answer(request, route)
            except KilonovaError as error:
                if status_of(error) == 500:
                    log.error("%s %s failed", request.method, path, exc_info=error)
                response = self._render(status_of(error), error, request)
            except Exception as error:
                log.exception("%s %s failed", request.method, path)
                response = self._render(500, error, request)
        metrics.answered(self.name, scope["method"], response.status_code, time.perf_counter() - began)
        await response(scope, receive, send)

    async def _answer(self, request: Request[C], route: Route[C] | None) -> Response:
        if (route is None or not route.public) and self._check_token is not None:
            token = request.headers.get("x-auth-token")
            if not token:
                raise Unauthenticated("The request you have made requires authentication.")
            request.caller = await self._check_token(token)
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise BadRequest("The URL must not contain NUL characters.")
        if route is None:
            raise NotFound("The resource could not be found.")
        return await route.handler(request)


async def refuse_websocket(receive: Receive, send: Send) -> None:
    """Its client sees a 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


class Mounts:
    """Several applications on one port, by the first path segment; `fallback` gets the rest (and lifespan).

    WebSockets reach those applications only that say so with a true `takes_websockets`.
    """

    def __init__(self, mounts: Mapping[str, ASGIApp], fallback: ASGIApp) -> None:
        self._mounts = {prefix.strip("/"): application for prefix, application in mounts.items()}
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._fallback(scope, receive, send)
            return
        path: str = scope["path"]
        segment = path[1:].split("/", 1)[0]
        application = self._mounts.get(segment)
        if application is None:
            await self._fallback(scope, receive, send)
            return
        if scope["type"] == "websocket" and not getattr(application, "takes_websockets", False):
            await refuse_websocket(receive, send)
            return
        inner = dict(scope)
        inner["root_path"] = scope.get("root_path", "") + "/" + segment
        await application(inner, receive, send)
