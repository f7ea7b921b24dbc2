"""Responses: JSON by msgspec, with exactly the content type clients compare with."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

encode = msgspec.json.Encoder().encode


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`document` is anything msgspec can encode. Content-Type is `application/json` with nothing behind it."""
    return Response(encode(document), status, headers, "application/json")


def empty(status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
    return Response(b"", status, headers)
