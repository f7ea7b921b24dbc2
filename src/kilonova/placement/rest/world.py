"""What Placement's handlers have, and how a handler is wrapped: version, permission, headers."""

from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import ProviderState
from kilonova.model.errors import BadRequest, Forbidden, NotFound
from kilonova.placement.errors import ProviderNotFound
from kilonova.placement.picture import Picture
from kilonova.placement.rest.answers import Questions, Summaries
from kilonova.placement.rest.microversion import HEADER, minor_of
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


def versioned(handler: Handler, since: int = 0) -> Callable[[Any], Awaitable[Response]]:
    """For operators and services only, as Placement's default policy has it; 404 before microversion 1.`since`."""

    async def handle(request: Request) -> Response:
        minor = minor_of(request.headers.get(HEADER))
        caller = request.caller
        if not (caller.is_admin or caller.is_service):
            raise Forbidden("Access was denied to this resource.")
        if minor < since:
            raise NotFound("The resource could not be found.")
        response = await handler(request, minor)
        response.headers[HEADER] = f"placement 1.{minor}"
        response.headers["vary"] = HEADER
        if minor >= 15:
            response.headers["cache-control"] = "no-cache"
            response.headers["last-modified"] = formatdate(request.world.clock.time(), usegmt=True)
        return response

    return handle


async def body(request: Request, kind: type[T]) -> T:
    """The body as `kind`. Errors: BadRequest."""
    document = await request.document()
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"JSON does not validate: {error}") from error


def href(request: Request, path: str) -> str:
    """A path as clients see it."""
    return str(request.scope.get("root_path", "")) + path


def created(request: Request, path: str, document: object | None = None, status: int = 201) -> Response:
    headers = {"location": request.base + path}
    return Response(b"", status, headers) if document is None else json_response(document, status, headers)
