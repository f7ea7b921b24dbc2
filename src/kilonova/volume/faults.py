"""Errors as Cinder shows them: one key named for the status, with code and message."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kilonova.model.errors import InternalError, KilonovaError
from kilonova.web.request import Request
from kilonova.web.response import json_response

_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def render(status: int, error: BaseException, request: Request[Any]) -> Response:
    """The message of an error that is not ours stays in the log."""
    known = isinstance(error, KilonovaError) and not isinstance(error, InternalError) and status != 500
    text = error.message if known and isinstance(error, KilonovaError) else "The server could not comply."
    return fault(status, text, {"WWW-Authenticate": f"Keystone uri='{request.base}'"} if status == 401 else None)


def fault(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body: dict[str, Any] = {"code": status, "message": message}
    if status == 413:
        body["retryAfter"] = "0"
    return json_response({_NAMES.get(status, "computeFault"): body}, status, headers)
