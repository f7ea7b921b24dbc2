"""What Placement's handlers have, and how a handler is wrapped: version, permission, headers."""

from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any, TypeVar

from starlette.responses import Response

from kilonova.contract.placement import ProviderState
from kilonova.model.caller import Caller
from kilonova.model.errors import BadRequest, Forbidden, NotAcceptable, NotFound, UnsupportedMedia
from kilonova.placement.errors import ProviderNotFound
from kilonova.placement.picture import Picture
from kilonova.placement.rest.answers import Questions, Summaries
from kilonova.placement.rest.microversion import HEADER, minor_of
from kilonova.placement.rest.shapes import shaped
from kilonova.placement.service import PlacementService
from kilonova.web.request import Request as WebRequest
from kilonova.web.response import json_response

T = TypeVar("T")


class World:
    def __init__(self, service: PlacementService) -> None:
        self.service = service
        self.db = service.db
        self.clock = service.clock
        self.picture = Picture(service.db)
        self.summaries = Summaries()
        self.questions = Questions()

    async def provider(self, provider_id: str) -> ProviderState:
        """Errors: ProviderNotFound."""
        state = (await self.picture.current()).get(provider_id)
        if state is None:
            raise ProviderNotFound(provider_id)
        return state


Request = WebRequest[World]
Handler = Callable[[Request, int], Awaitable[Response]]


def versioned(handler: Handler, since: int = 0, *, readers: bool = False) -> Callable[[Any], Awaitable[Response]]:
    """404 before microversion 1.`since`. Who may, as Placement's default policy has it: operators and services.

    `readers` of a project may, too, when they ask about that project.
    """

    async def handle(request: Request) -> Response:
        minor = minor_of(request.headers.get(HEADER))
        if minor < since:
            raise NotFound("The resource could not be found.")
        if request.method == "GET" and not takes_json(request.headers.get("accept")):
            raise NotAcceptable("Only application/json is provided")
        if not (_operates(request.caller) or (readers and _reads_own_project(request))):
            raise Forbidden("Access was denied to this resource.")
        return stamped(request, await handler(request, minor), minor)

    return handle


def _operates(caller: Caller) -> bool:
    """In a project: tokens for the whole system are not for Placement."""
    return not caller.system and (caller.is_admin or caller.is_service)


def _reads_own_project(request: Request) -> bool:
    caller = request.caller
    return "reader" in caller.roles and request.query_params.get("project_id", "") == caller.project_id


def takes_json(accept: str | None) -> bool:
    """Whether somebody who says `Accept: …` takes JSON; saying nothing is taking all."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")} if accept else set()
    return not kinds or not kinds.isdisjoint(("application/json", "application/*", "*/*"))


def stamped(request: Request, response: Response, minor: int) -> Response:
    """The version that was spoken, and from 1.15 on how old the answer is: it is made now."""
    response.headers[HEADER] = f"placement 1.{minor}"
    response.headers["vary"] = HEADER
    return dated(request, response, minor) if response.body or request.method == "GET" else response


def dated(request: Request, response: Response, minor: int) -> Response:
    if minor >= 15:
        response.headers["cache-control"] = "no-cache"
        response.headers["last-modified"] = formatdate(request.world.clock.time(), usegmt=True)
    return response


async def body(request: Request, kind: type[T]) -> T:
    """The body as `kind`. Errors: BadRequest, UnsupportedMedia."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not media and request.headers.get("content-length", "0") != "0":
        raise BadRequest("content-type header required: there is a body")
    if media != "application/json":
        raise UnsupportedMedia(f"The media type {media or None} is not supported, use application/json")
    try:
        document = await request.document()
    except BadRequest as error:
        raise BadRequest(f"Malformed JSON: {error.message}") from error
    return shaped(document, kind)


def question(request: Request, kind: type[T]) -> T:
    """The query string as `kind`; of what comes more than once the last counts. Errors: BadRequest."""
    return shaped(dict(request.query_params), kind, "Invalid query string parameters")


def href(request: Request, path: str) -> str:
    """A path as clients see it."""
    return str(request.scope.get("root_path", "")) + path


def created(request: Request, path: str, document: object | None = None, status: int = 201) -> Response:
    headers = {"location": request.base + path}
    return Response(b"", status, headers) if document is None else json_response(document, status, headers)
