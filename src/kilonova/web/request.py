"""A request as handlers see it: Starlette's, with who calls, what the path said, and a bounded JSON body."""

import re
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec
from starlette.requests import Request as StarletteRequest
from starlette.types import Receive, Scope

from kilonova.model.caller import Caller
from kilonova.model.errors import BadRequest, TooLarge

C = TypeVar("C")

_decode = msgspec.json.Decoder().decode

# The escape itself, not the text of it behind an escaped backslash.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def check_no_nul(body: bytes) -> None:
    """No name or text in JSON has a NUL, and PostgreSQL would not take it. Errors: BadRequest."""
    if b"\\u0000" in body and _NUL.search(body) is not None:
        raise BadRequest("The body must not contain NUL characters.")


class Request(StarletteRequest, Generic[C]):
    """`world` is the service's own (its database, peers, bus); `caller` is there on every route that is not public."""

    world: C
    caller: Caller

    def __init__(self, scope: Scope, receive: Receive, world: C, params: dict[str, str], max_body: int) -> None:
        super().__init__(scope, receive)
        self.world = world
        self.params = params
        self._max_body = max_body

    async def data(self) -> bytes:
        """The whole body. Errors: TooLarge."""
        length = self.headers.get("content-length")
        if length is not None and length.isdigit() and int(length) > self._max_body:
            raise TooLarge("Request is too large.")
        chunks: list[bytes] = []
        total = 0
        async for chunk in self.stream():
            total += len(chunk)
            if total > self._max_body:
                raise TooLarge("Request is too large.")
            chunks.append(chunk)
        return b"".join(chunks)

    async def document(self) -> Any:
        """The body as JSON. Errors: BadRequest (not JSON), TooLarge."""
        body = await self.data()
        check_no_nul(body)
        try:
            return _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest("cannot understand JSON") from error

    @cached_property
    def base(self) -> str:
        """Scheme, host and prefix as the client sees them (X-Forwarded-* honoured), without a trailing slash."""
        headers = self.headers
        scheme = headers.get("x-forwarded-proto") or self.scope["scheme"]
        host = headers.get("x-forwarded-host") or headers.get("host") or "localhost"
        prefix = headers.get("x-forwarded-prefix", "").rstrip("/")
        return f"{scheme}://{host}{prefix}{self.scope.get('root_path', '')}"
