"""`OpenStack-API-Version: volume 3.N`: which form of the API a request asks for.

The highest is the last whose whole is here. Not offered at any version, and 404 like any extension that is not there:
backups, groups, transfers, messages.
"""

import re
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kilonova.model.errors import BadRequest, NotAcceptable
from kilonova.volume.faults import fault
from kilonova.web.request import Request

LOWEST = 0
HIGHEST = 68
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")


def since(request: Request[Any], minor: int) -> bool:
    """Whether the request asks for 3.`minor` or later."""
    return int(request.scope.get("microversion", LOWEST)) >= minor


class Microversions:
    """Around the application: reads the version asked for, and tells on every answer which one it is in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            minor = asked(headers.get("openstack-api-version"))
        except (BadRequest, NotAcceptable) as error:
            response = fault(406 if isinstance(error, NotAcceptable) else 400, error.message)
            await response(scope, receive, send)
            return

        async def send_versioned(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [(b"openstack-api-version", f"volume 3.{minor}".encode()), (b"vary", b"OpenStack-API-Version")]
                message["headers"] = [*message.get("headers", []), *told]
            await send(message)

        await self._app({**scope, "microversion": minor}, receive, send_versioned)


def asked(header: str | None) -> int:
    """The minor version. Errors: BadRequest, NotAcceptable."""
    for part in (header or "").split(","):
        service, _, version = part.strip().partition(" ")
        if service != "volume":
            continue
        if version.strip() == "latest":
            return HIGHEST
        match = _VERSION.fullmatch(version.strip())
        if match is None:
            raise BadRequest(
                f"API Version String {version[:40]} is of invalid format. Must be of format MajorNum.MinorNum."
            )
        major, minor = int(match[1]), int(match[2])
        if major != 3 or minor > HIGHEST:
            raise NotAcceptable(
                f"Version {major}.{minor} is not supported by the API. "
                f"Minimum is 3.{LOWEST} and maximum is 3.{HIGHEST}."
            )
        return minor
    return LOWEST
