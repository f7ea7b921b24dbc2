"""Errors as Neutron's clients know them."""

from starlette.responses import Response

from kilonova.model.errors import InternalError, KilonovaError
from kilonova.network.world import NetworkRequest
from kilonova.web.response import json_response

_KINDS = {
    400: "HTTPBadRequest",
    403: "HTTPForbidden",
    404: "HTTPNotFound",
    409: "HTTPConflict",
    503: "HTTPServiceUnavailable",
}
_OURS = "kilonova.network"


def render(status: int, error: BaseException, request: NetworkRequest) -> Response:
    """`{"NeutronError": {type, message, detail}}`; the message of an error that is not ours stays in the log."""
    if status == 401:
        document = {
            "error": {
                "code": 401,
                "title": "Unauthorized",
                "message": "The request you have made requires authentication.",
            }
        }
        return json_response(document, 401, {"WWW-Authenticate": f"Keystone uri='{request.base}'"})
    known = isinstance(error, KilonovaError) and not isinstance(error, InternalError) and status != 500
    message = (
        error.message
        if known and isinstance(error, KilonovaError)
        else "Request Failed: internal server error while processing your request."
    )
    kind = (
        type(error).__name__
        if type(error).__module__.startswith(_OURS)
        else _KINDS.get(status, "HTTPInternalServerError")
    )
    return json_response({"NeutronError": {"type": kind, "message": message, "detail": ""}}, status)
