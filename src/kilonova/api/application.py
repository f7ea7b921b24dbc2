"""The Compute API as an ASGI application: who calls, at which version, which row; and headers on every answer."""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kilonova.api import faults, version, version_documents
from kilonova.api.openapi.document import document
from kilonova.api.request import Request
from kilonova.api.routes.route import Endpoint, Endpoints, Handler, MalformedBody, Route, endpoints
from kilonova.api.routes.table import ROUTES
from kilonova.api.validation import NO_QUERY
from kilonova.api.world import World
from kilonova.model.errors import BadRequest, KilonovaError, TooLarge, Unauthenticated, UnsupportedMedia
from kilonova.observe import metrics, trace
from kilonova.saga.begin import ServerBusy
from kilonova.web.admission import Admission
from kilonova.web.application import TokenCheck
from kilonova.web.request import check_no_nul
from kilonova.web.response import empty, json_response
from kilonova.web.status import status_of

log = logging.getLogger(__name__)

# How long a call waits for a server that is held by work without a task, and how often it looks. Seconds.
HELD_WITHOUT_TASK_S = 10.0
LOOK_AGAIN_S = 0.02

_decode = msgspec.json.Decoder().decode

_PROJECT = re.compile(r"[0-9a-f-]+")
_CONTENT_TYPES = frozenset({"", "text/plain", "application/json", "application/vnd.openstack.compute+json"})
_FROM_NEIGHBOURS = frozenset(
    {"/os-server-external-events", "/os-assisted-volume-snapshots", "/os-assisted-volume-snapshots/{id}"}
)
_CHANGING = frozenset({"POST", "PUT", "DELETE", "PATCH"})


class ProjectMismatch(BadRequest):
    def __init__(self, in_url: str, of_caller: str | None) -> None:
        super().__init__(
            f"Malformed request URL: URL's project_id '{in_url}' doesn't match Context's project_id '{of_caller}'"
        )


class ComputeApi:
    """Mounted under any prefix (`root_path`). `check_token` says who a token belongs to."""

    name = "api"

    def __init__(self, world: World, check_token: TokenCheck) -> None:
        self.world = world
        self._check_token = check_token
        self._endpoints: Endpoints = endpoints(ROUTES)
        settings = world.settings
        self._reads = Admission("reads", room=settings.concurrent_reads, longest_wait_s=settings.longest_read_wait_s)
        self._writes = Admission(
            "writes", room=settings.concurrent_writes, longest_wait_s=settings.longest_write_wait_s
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{self.name} speaks HTTP only, not {scope['type']}")
        began = time.perf_counter()
        request = Request(
            scope,
            receive,
            self.world,
            max_body=self.world.settings.max_request_body_size,
            request_id=f"req-{self.world.new_id()}",
        )
        request.check_token = self._check_token
        path: str = scope["path"][len(scope.get("root_path", "")) :]
        with _traced(request, path):
            response = await self._respond(request, path)
        metrics.answered(self.name, request.method, response.status_code, time.perf_counter() - began)
        await response(scope, receive, send)

    async def _respond(self, request: Request, path: str) -> Response:
        first, _, rest = path.lstrip("/").partition("/")
        if first == "v2.1":
            request.prefix = "/v2.1"
        elif first == "v2":
            request.prefix, request.legacy = "/v2", True
        elif request.method in ("GET", "HEAD"):
            if path in ("", "/"):
                return version_documents.all_versions(self._link_base(request))
            return version_documents.choices(self._link_base(request), path)
        else:
            return faults.no_such_url()
        response = await self._versioned(request, rest)
        response.raw_headers += [
            (b"x-openstack-request-id", request.request_id.encode()),
            (b"x-compute-request-id", request.request_id.encode()),
        ]
        return response

    def _link_base(self, request: Request) -> str:
        return self.world.settings.link_prefix or request.base

    async def _versioned(self, request: Request, path: str) -> Response:
        """What lies under /v2.1 or /v2; `path` without either."""
        if request.legacy:
            return await self._guarded(request, path)
        try:
            request.version = version.negotiate(request.headers)
            answered = f"2.{request.version}"
            response = await self._guarded(request, path)
        except version.UnsupportedVersion as error:
            answered, response = error.asked, faults.rendered(error)
        except version.InvalidVersion as error:
            answered, response = f"2.{version.LOWEST}", faults.rendered(error)
        response.raw_headers += version.response_headers(answered)
        return response

    async def _guarded(self, request: Request, path: str) -> Response:
        try:
            return await self._served(request, path)
        except Unauthenticated as error:
            return faults.unauthenticated(error, identity_url=self.world.settings.identity_url)
        except TooLarge:
            return faults.too_large()
        except KilonovaError as error:
            if status_of(error) == 500:
                log.error("%s %s failed: %s", request.method, path, request.request_id, exc_info=error)
            return faults.rendered(error)
        except Exception as error:
            log.exception("%s %s failed: %s", request.method, path, request.request_id)
            return faults.rendered(error)

    async def _served(self, request: Request, path: str) -> Response:
        if not path and request.method in ("GET", "HEAD"):
            return json_response(self._document(request))
        if path == "openapi.json" and request.method in ("GET", "HEAD"):
            return json_response(self._described(request))
        token = request.headers.get("x-auth-token")
        if not token:
            raise Unauthenticated("The request you have made requires authentication.")
        request.caller = await self._check_token(token)
        if "\0" in path or b"%00" in request.scope["query_string"]:
            raise BadRequest("The URL must not contain NUL characters.")
        first, _, rest = path.partition("/")
        if _PROJECT.fullmatch(first):
            request.url_project, path = first, rest
        # Nothing below a version ends in a slash: `/servers/` is a server without an id.
        found = None if path.endswith("/") else self._endpoints.find(request.method, path)
        if found is None:
            if path or request.url_project is None or request.method not in ("GET", "HEAD"):
                return faults.no_such_url()
            self._check_project(request)
            return json_response(self._document(request))
        request.params = found.params
        return await self._operation(request, found.handler)

    def _document(self, request: Request) -> dict[str, Any]:
        return version_documents.one_version(self._link_base(request), "v2.0" if request.legacy else "v2.1")

    def _described(self, request: Request) -> dict[str, Any]:
        """The API's own description, at the version of the query, else of the headers."""
        asked = request.query_params.get("version")
        described = document(ROUTES, request.version if asked is None else version.parse(asked))
        return {**described, "servers": [{"url": self._link_base(request) + "/v2.1"}]}

    async def _operation(self, request: Request, endpoint: Endpoint) -> Response:
        body = await _body(request) if request.method in ("POST", "PUT") else None
        route = endpoint.action(body, request.version) if endpoint.takes_action else endpoint.route(request.version)
        request.route = route
        self._check_project(request)
        _check(request, route, body)
        if route.rule and not route.owned:
            request.allow(route.rule)
        answer = await self._handled(request, route)
        if isinstance(answer, Response):
            return answer
        return empty(route.success) if answer is None else json_response(answer, route.success)

    async def _handled(self, request: Request, route: Route) -> Any:
        """The handler's answer. Work that shows no task (an attach, the end of anything) is waited for a moment.

        To its user such a server is idle, and in Nova it would take the call. Errors: ServerBusy.
        """
        clock = self.world.clock
        until = clock.time() + HELD_WITHOUT_TASK_S
        work: Handler = self._admitted
        while True:
            try:
                return await work(request)
            except ServerBusy as busy:
                if busy.task_state is not None or clock.time() > until:
                    raise
            await clock.sleep(LOOK_AGAIN_S)
            # It had its turn: it neither waits for another nor kept the place while it slept.
            work = route.handler

    async def _admitted(self, request: Request) -> Any:
        """The handler's answer, once there is room for one more. Errors: Overloaded.

        Other services of the cloud are never told to wait: what they tell us ends work that is under way.
        """
        route = request.route
        if request.caller.is_service or route.path in _FROM_NEIGHBOURS:
            return await route.handler(request)
        admission = self._reads if route.method == "GET" else self._writes
        async with admission.place():
            return await route.handler(request)

    def _check_project(self, request: Request) -> None:
        in_url = request.url_project
        if in_url is not None and in_url != request.caller.project_id:
            raise ProjectMismatch(in_url, request.caller.project_id)


def _check(request: Request, route: Route, body: Any) -> None:
    """Errors: ValidationError."""
    query = route.query or (NO_QUERY if route.method == "GET" else None)
    if query is not None and request.scope["query_string"]:
        given: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            given.setdefault(name, []).append(value)
        request.query = query.checked(given, request.version)
    request.body = body
    if route.body is not None and (check := route.body.at(request.version)) is not None:
        check.body(body, legacy=request.legacy)


async def _body(request: Request) -> Any:
    """The JSON of the body, None when it is empty. Errors: UnsupportedMedia, MalformedBody, TooLarge."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = await request.data()
    if content_type not in _CONTENT_TYPES:
        raise UnsupportedMedia("Unsupported Content-Type")
    if not data:
        return None
    check_no_nul(data)
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody from error


@contextmanager
def _traced(request: Request, path: str) -> Iterator[None]:
    """Work as service `api`; a request that changes something has a trace, its own if it came without one."""
    traceparent, tracestate = request.headers.get("traceparent"), request.headers.get("tracestate")
    if request.method not in _CHANGING:
        with trace.serving("api", traceparent, tracestate):
            yield
        return
    with trace.serving("client", traceparent, tracestate):
        begun = trace.begin_trace()
        try:
            step = "3" if path.endswith("/servers") else ""
            with (
                trace.span(f"{request.method} {path}", kind="rest", target="api", step=step),
                trace.serving("api", trace.header(), trace.state()),
            ):
                yield
        finally:
            trace.end_trace(begun)
