"""The OpenAPI 3.1 document of one microversion, from the tables that the router uses."""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from kilonova.api.openapi import answers, words
from kilonova.api.openapi.operations import operation, path_parameters
from kilonova.api.routes.route import Route

_STATUSES = (400, 401, 403, 404, 409, 413, 415, 501, 503)

# Nova's fault form, and the identity middleware's that is like it: one member, named for the kind of fault.
_FAULT = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": {
        "type": "object",
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "title": {"type": "string"},
            "retryAfter": {"type": ["string", "integer"]},
        },
        "required": ["code", "message"],
    },
}


@lru_cache(maxsize=8)
def document(routes: tuple[Route, ...], version: int) -> dict[str, Any]:
    """`routes` as they serve `version` (a minor number). Without `servers`: where is the caller's to say."""
    served = [route for route in routes if not route.gone and route.serves(version)]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Compute API",
            "version": f"2.{version}",
            "description": "OpenStack's Compute API at one microversion, as Kilonova serves it.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "tags": [{"name": name} for name in sorted({words.tag(route) for route in served})],
        "paths": _paths(served, version),
        "components": _components(version),
    }


def _paths(served: Iterable[Route], version: int) -> dict[str, Any]:
    grouped: dict[str, dict[str, list[Route]]] = {}
    for route in served:
        rows = grouped.setdefault(route.path, {}).setdefault(route.method, [])
        # As the router does it: the first row that serves the version.
        if route.action not in [row.action for row in rows]:
            rows.append(route)
    return {path: _path(path, methods, version) for path, methods in grouped.items()}


def _path(path: str, methods: dict[str, list[Route]], version: int) -> dict[str, Any]:
    described: dict[str, Any] = {method.lower(): operation(rows, version) for method, rows in methods.items()}
    parameters = path_parameters(path)
    return {"parameters": parameters, **described} if parameters else described


def _components(version: int) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    return {
        "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
        "parameters": {
            "version": {
                "name": "OpenStack-API-Version",
                "in": "header",
                "description": "The microversion; without it 2.1 is served.",
                "required": version > 1,
                "schema": {"type": "string", "enum": [f"compute 2.{version}"]},
            }
        },
        "headers": {
            "request-id": {"description": "Names the call in logs, instance actions and traces.", **text},
            "version": {"description": "The microversion that was served.", **text},
        },
        "schemas": {"Fault": _FAULT, **answers.components(version)},
        "responses": {str(status): _fault(status) for status in _STATUSES},
    }


def _fault(status: int) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        # No such URL, and what is told before the call is looked at.
        content["text/plain"] = {"schema": {"type": "string"}}
    return {"description": HTTPStatus(status).phrase, "content": content}
