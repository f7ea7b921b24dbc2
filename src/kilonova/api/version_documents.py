"""The four version documents, for clients that ask where to speak to and how."""

from typing import Any

from starlette.responses import Response

from kilonova.api.version import HIGHEST, LOWEST
from kilonova.web.response import json_response

_V20 = {
    "id": "v2.0",
    "status": "DEPRECATED",
    "version": "",
    "min_version": "",
    "updated": "2025-07-04T12:00:00Z",
}
_V21 = {
    "id": "v2.1",
    "status": "CURRENT",
    "version": f"2.{HIGHEST}",
    "min_version": f"2.{LOWEST}",
    "updated": "2013-07-23T11:33:21Z",
}
_PATHS = {"v2.0": "/v2/", "v2.1": "/v2.1/"}


def all_versions(base: str) -> Response:
    """`GET /`."""
    return json_response({"versions": [_with_self(base, version) for version in (_V20, _V21)]})


def choices(base: str, path: str) -> Response:
    """`GET` of anything outside of the versions: 300, with what there is. `path` is what was asked for."""
    listed = [
        {
            "id": version["id"],
            "status": version["status"],
            "links": [{"rel": "self", "href": base + _PATHS[version["id"]].rstrip("/") + path}],
            "media-types": [_media_type(version["id"])],
        }
        for version in (_V20, _V21)
    ]
    return json_response({"choices": listed}, 300)


def one_version(base: str, identifier: str) -> dict[str, Any]:
    """`GET /v2.1/` and `GET /v2/`; `identifier` is v2.1 or v2.0."""
    version = _V21 if identifier == "v2.1" else _V20
    document = _with_self(base, version)
    document["links"].append({"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"})
    document["media-types"] = [_media_type(identifier)]
    return {"version": document}


def _with_self(base: str, version: dict[str, str]) -> dict[str, Any]:
    return {**version, "links": [{"rel": "self", "href": base + _PATHS[version["id"]]}]}


def _media_type(identifier: str) -> dict[str, str]:
    number = "2" if identifier == "v2.0" else "2.1"
    return {"base": "application/json", "type": f"application/vnd.openstack.compute+json;version={number}"}
