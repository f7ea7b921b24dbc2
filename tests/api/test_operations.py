"""The whole surface: every operation is there at its versions, and nowhere else."""

import re
from collections.abc import Iterator

import httpx
import pytest

from kilonova.api.routes.route import Route
from kilonova.api.routes.table import ROUTES
from tests.api.cloud import Cloud
from tests.api.operations import OPERATIONS, Operation
from tests.counts import Count

# What ids stand for in the paths of which an unknown one is answered like a URL that is not there.
_KNOWN = {"/extensions/{id}": "NMN", "/versions/{id}": "v2.1"}
_NOT_HERE = "The resource could not be found."


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "{}", path)


def _routes(operation: Operation) -> Iterator[Route]:
    for route in ROUTES:
        same = (operation.method, _shape(operation.path), operation.action)
        if (route.method, _shape(route.path), route.action) == same:
            yield route


# What there is beyond Nova.
_OURS = frozenset({"/servers/events", "/servers/explain", "/servers/{server_id}/explain"})
# Method, path, action, version, status.
Row = tuple[str, str, str | None, int, int]

_SERVED = [one for one in OPERATIONS if one.low and one.path != "/"]
_GONE = [one for one in OPERATIONS if not one.low]


def test_there_are_as_many_as_nova_has() -> None:
    assert (len(OPERATIONS), len(_GONE)) == (268, 53)


@pytest.mark.parametrize("operation", _SERVED, ids=lambda one: f"{one.method} {one.path} {one.action or ''} {one.low}")
def test_a_row_says_versions_and_success(operation: Operation) -> None:
    found = {(route.low, route.high): route for route in _routes(operation)}
    assert (operation.low, operation.high) in found
    if operation.success:
        assert found[operation.low, operation.high].success in operation.success


def test_nothing_is_served_that_nova_does_not_have() -> None:
    known = {(one.method, _shape(one.path), one.action) for one in OPERATIONS}
    beyond = {route.path for route in ROUTES if (route.method, _shape(route.path), route.action) not in known}
    assert beyond <= _OURS


async def _call(cloud: Cloud, operation: Operation, version: int) -> httpx.Response:
    path = operation.path
    if path in _KNOWN:
        path = path.replace("{id}", _KNOWN[path])
    path = re.sub(r"\{[^}]+\}", "00000000-0000-4000-8000-000000000000", path)
    body = {operation.action: None} if operation.action else {}
    json = body if operation.method in ("POST", "PUT") else None
    return await cloud.call(operation.method, path, role="admin", version=f"2.{version}", json=json)


async def _ask(cloud: Cloud, operation: Operation, version: int) -> tuple[int, str]:
    """The status, and whether it was said of the URL (`url`) or of what it names (``)."""
    answer = await _call(cloud, operation, version)
    plain = answer.headers.get("content-type", "").startswith("text/plain")
    of_url = plain or answer.json().get("itemNotFound", {}).get("message") == _NOT_HERE if answer.content else False
    return answer.status_code, "url" if of_url else ""


async def test_each_is_answered_from_its_first_version_to_its_last(whole: Cloud, count: Count) -> None:
    wrong = []
    for operation in _SERVED:
        for version in (operation.low, operation.high or 104):
            status, of = await _ask(whole, operation, version)
            if status in (410, 500, 503) or of == "url":
                wrong.append((operation.method, operation.path, operation.action, version, status))
    _say(count, "operations are answered at their first and last version", wrong, len(_SERVED))


async def test_outside_of_its_versions_each_is_a_404(whole: Cloud) -> None:
    wrong = []
    for operation in _SERVED:
        ranges = [(route.low, route.high or 104) for route in _routes(operation)]
        for version in (operation.low - 1, (operation.high or 104) + 1):
            if 1 <= version <= 104 and not any(low <= version <= high for low, high in ranges):
                answer = await _ask(whole, operation, version)
                if answer != (404, "url"):
                    wrong.append((operation.method, operation.path, operation.action, version, answer))
    assert wrong == []


async def test_what_is_gone_is_gone_at_every_version(whole: Cloud, count: Count) -> None:
    wrong = []
    for operation in _GONE:
        for version in (1, 104):
            status, _ = await _ask(whole, operation, version)
            if status != 410:
                wrong.append((operation.method, operation.path, operation.action, version, status))
    _say(count, "operations are gone", wrong, len(_GONE))


def _say(count: Count, what: str, wrong: list[Row], of: int) -> None:
    """Tell how many hold, and fail where not all do."""
    count(of - len({row[:3] for row in wrong}), of, what)
    assert wrong == []
