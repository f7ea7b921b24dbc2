"""Errors as Nova shows them: one key naming the fault, with code and message."""

from starlette.responses import Response

from kilonova.model.errors import InternalError, KilonovaError, Unauthenticated
from kilonova.web.admission import Overloaded
from kilonova.web.response import encode
from kilonova.web.status import status_of

_KEYS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}

_CONTENT_TYPE = "application/json; charset=UTF-8"

# What webob answers to a URL (or method) that no route has; not in the fault form.
_PLAIN_404 = b"404 Not Found\n\nThe resource could not be found.\n\n   "


def fault(status: int, message: str) -> Response:
    key = _KEYS.get(status, "computeFault")
    body = encode({key: {"code": status, "message": message}})
    return Response(body, status, media_type=_CONTENT_TYPE)


def no_such_url() -> Response:
    return Response(_PLAIN_404, 404, media_type="text/plain; charset=UTF-8")


def too_large() -> Response:
    """Body above the limit: answered in front of Nova's own code, so not in the fault form either."""
    body = b"413 Request Entity Too Large\n\nRequest is too large."
    return Response(body, 413, media_type="text/plain; charset=UTF-8")


def unauthenticated(error: Unauthenticated, *, identity_url: str) -> Response:
    """As keystonemiddleware answers in front of every service."""
    message = "The request you have made requires authentication."
    body = encode({"error": {"code": 401, "title": "Unauthorized", "message": message}})
    response = Response(body, 401, media_type="application/json")
    response.headers["WWW-Authenticate"] = f'Keystone uri="{identity_url}"'
    return response


def rendered(error: BaseException) -> Response:
    """Any exception as a fault; what we did not foresee tells its class and nothing else."""
    status = status_of(error)
    if status == 500 or isinstance(error, InternalError) or not isinstance(error, KilonovaError):
        return fault(500, f"Unexpected API Error. Please report this with the API log. {type(error)}")
    response = fault(status, error.message)
    if isinstance(error, Overloaded):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
