"""One operation of the document: parameters, body, answers, from the rows of the router's own tables."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from kilonova.api.openapi import answers, words
from kilonova.api.parameters import Schema
from kilonova.api.routes.route import Route

_JSON = "application/json"
_NAMES = re.compile(r"\{([^}]+)\}")
_SENDS = ("POST", "PUT")

# Of every call: the URL, the token, the version and the state of the services.
_ANYWHERE = {400, 401, 403, 404, 503}
_OF_BODIES = {409, 413, 415}
# A server's state forbids it, or its host's driver has no such ability.
_OF_SERVERS = {409, 501}
# What those services behind the old proxies may say of what they were asked.
_OF_PROXIES = {409, 413, 501}


def path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAMES.findall(path)
    ]


def operation(routes: Sequence[Route], version: int) -> dict[str, Any]:
    """`routes` serve one method and path at `version`: one of them, or an action each."""
    first = routes[0]
    described: dict[str, Any] = {
        "operationId": words.operation_id(first.method, first.path),
        "tags": [words.tag(first)],
        "summary": "Act on a thing" if first.action else words.summary(first),
        "parameters": [{"$ref": "#/components/parameters/version"}, *_query(first, version), *_headers(first)],
        "responses": _responses(routes, version),
    }
    text = _actions(routes) if first.action else words.promise(first)
    if text:
        described["description"] = text
    if first.rule and not first.action:
        described["x-policy-rule"] = first.rule
    body = _body(routes, version)
    if body is not None:
        described["requestBody"] = {"required": True, "content": {_JSON: {"schema": body}}}
    if all(route.high is not None for route in routes):
        described["deprecated"] = True
    return described


def errors(route: Route) -> set[int]:
    """The statuses that a call may fail with, apart from our own mistakes."""
    found = set(_ANYWHERE)
    if route.method in _SENDS:
        found |= _OF_BODIES
    if route.method == "DELETE":
        found.add(409)
    if "{server_id}" in route.path:
        found |= _OF_SERVERS
    if route.high is not None:
        found |= _OF_PROXIES
    return found


def _actions(routes: Sequence[Route]) -> str:
    rows = [f"| `{route.action}` | {route.success} | `{route.rule}` | {words.promise(route)} |" for route in routes]
    return "\n".join(["| action | success | policy rule | |", "| --- | --- | --- | --- |", *rows])


def _query(route: Route, version: int) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    return [{"name": name, "in": "query", "schema": one} for name, one in sorted(route.query.known(version).items())]


def _headers(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "header", "schema": {"type": "string", "maxLength": 255}} for name in route.headers]


def _body(routes: Sequence[Route], version: int) -> Schema | None:
    if routes[0].action is None:
        return None if routes[0].body is None else routes[0].body.schema_at(version)
    bodies = [_named(route, version) for route in routes]
    return bodies[0] if len(bodies) == 1 else {"oneOf": bodies}


def _named(route: Route, version: int) -> Schema:
    schema = None if route.body is None else route.body.schema_at(version)
    if schema is None:
        schema = {"type": "object", "required": [route.action]}
    return {"title": route.action, **schema}


def _responses(routes: Sequence[Route], version: int) -> dict[str, Any]:
    good: dict[int, list[Route]] = {}
    for route in routes:
        for status in (route.success, *route.also):
            good.setdefault(status, []).append(route)
    bad = set[int]().union(*(errors(route) for route in routes)) - good.keys()
    described = {str(status): _success(status, good[status], version) for status in sorted(good)}
    return described | {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(bad)}


def _success(status: int, routes: Sequence[Route], version: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "headers": {
            "X-OpenStack-Request-ID": {"$ref": "#/components/headers/request-id"},
            "OpenStack-API-Version": {"$ref": "#/components/headers/version"},
        },
    }
    media_type = routes[0].media_type
    forms = [form for form in (answers.answer_of(route, version) for route in routes) if form is not None]
    if forms and status != HTTPStatus.NO_CONTENT:
        answer["content"] = {media_type: {"schema": forms[0] if len(forms) == 1 else {"anyOf": forms}}}
    elif media_type != _JSON:
        answer["content"] = {media_type: {}}
    return answer
