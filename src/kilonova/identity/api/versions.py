"""The version documents, by which clients find the API."""

from typing import Any

from starlette.responses import Response

from kilonova.identity.api.documents import IdentityRequest, base
from kilonova.web.response import json_response


def _version(request: IdentityRequest) -> dict[str, Any]:
    return {
        # The Keystone API whose shapes we have; the date is that of its publication.
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": base(request) + "/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


async def list_versions(request: IdentityRequest) -> Response:
    """300: several choices, even with one."""
    headers = {"Vary": "X-Auth-Token", "Location": base(request) + "/"}
    return json_response({"versions": {"values": [_version(request)]}}, 300, headers)


async def show_version(request: IdentityRequest) -> Response:
    return json_response({"version": _version(request)}, 200, {"Vary": "X-Auth-Token"})
