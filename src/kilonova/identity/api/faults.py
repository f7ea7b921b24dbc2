"""Errors as Keystone shows them."""

from http import HTTPStatus

from starlette.responses import Response

from kilonova.identity.world import World
from kilonova.model.errors import KilonovaError
from kilonova.web.request import Request
from kilonova.web.response import json_response

_UNEXPECTED = "An unexpected error prevented the server from fulfilling your request."


def render(status: int, error: BaseException, request: Request[World]) -> Response:
    message = error.message if isinstance(error, KilonovaError) and status != 500 else _UNEXPECTED
    headers = {"Vary": "X-Auth-Token"}
    if status == 401:
        headers["WWW-Authenticate"] = f'Keystone uri="{request.base}"'
    body = {"error": {"code": status, "message": message, "title": HTTPStatus(status).phrase}}
    return json_response(body, status, headers)
