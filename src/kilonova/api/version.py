"""Microversions: 2.1 to 2.104, negotiated by two headers in and two out.

A version is kept as its minor number (an int): the major one is always 2.
"""

import re

from starlette.datastructures import Headers

from kilonova.model.errors import BadRequest, NotAcceptable

LOWEST = 1
HIGHEST = 104

# The code comes for one service of several; the old header is Nova's alone.
_HEADER = "openstack-api-version"
_OLD_HEADER = "x-openstack-nova-api-version"
_GRAMMAR = re.compile(r"([1-9]\d*)\.([1-9]\d*|0)")


class UnsupportedVersion(NotAcceptable):
    """Well formed, but not a version of ours. `asked` is echoed in the response headers."""

    def __init__(self, asked: str) -> None:
        super().__init__(
            f"Version {asked} is not supported by the API. Minimum is 2.{LOWEST} and maximum is 2.{HIGHEST}."
        )
        self.asked = asked


class InvalidVersion(BadRequest):
    def __init__(self, asked: str) -> None:
        super().__init__(f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum.")


def asked_for(headers: Headers) -> str | None:
    """The version text of the request, None when there is none. The new header wins."""
    for value in headers.getlist(_HEADER):
        for part in value.split(","):
            service, _, version = part.strip().partition(" ")
            if service == "compute":
                return version.strip()
    old = headers.get(_OLD_HEADER)
    return None if old is None else old.strip()


def negotiate(headers: Headers) -> int:
    """The minor version to serve. Errors: InvalidVersion, UnsupportedVersion."""
    asked = asked_for(headers)
    return LOWEST if asked is None else parse(asked)


def parse(asked: str) -> int:
    """The minor version a text such as `2.90` or `latest` means. Errors: InvalidVersion, UnsupportedVersion."""
    if asked == "latest":
        return HIGHEST
    match = _GRAMMAR.fullmatch(asked)
    if match is None:
        raise InvalidVersion(asked)
    major, minor = int(match[1]), int(match[2])
    if major != 2 or not LOWEST <= minor <= HIGHEST:
        raise UnsupportedVersion(asked)
    return minor


def response_headers(version: str) -> list[tuple[bytes, bytes]]:
    """Both version headers and a Vary for each; `version` like `2.90`."""
    return [
        (b"openstack-api-version", f"compute {version}".encode("latin-1", "replace")),
        (b"x-openstack-nova-api-version", version.encode("latin-1", "replace")),
        (b"vary", b"OpenStack-API-Version"),
        (b"vary", b"X-OpenStack-Nova-API-Version"),
    ]
