"""The errors that Nova's table declares of each operation: declared here too, and come where they are provoked."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from kilonova.api.openapi.operations import errors
from kilonova.api.routes.table import ROUTES
from kilonova.bus.local import LocalBus
from tests.api.cloud import Cloud
from tests.api.rows import put_servers
from tests.api.whole import whole_cloud
from tests.conformance.calls import call_of
from tests.conformance.differences import ERRORS
from tests.conformance.test_operations import Row, rows_of
from tests.counts import Count

_NOWHERE = "0d0c0b0a-0000-4000-8000-000000000001"
_PROVOKED = frozenset({400, 403, 404, 409})


def test_each_declared_error_is_declared_here_too(facts: Path, count: Count) -> None:
    live = [row for row in rows_of(facts) if not row.gone]
    wanted = {(_named(row.method, row.path, row.action), error) for row in live for error in row.errors}
    declared = {
        (_named(route.method, route.path, route.action or ""), error)
        for route in ROUTES
        if not route.gone
        for error in errors(route) | {route.success, *route.also}
    }
    # The version documents are described by themselves.
    missing = {(name, error) for name, error in wanted - declared if name != "GET /"}
    deliberate = missing & ERRORS.keys()
    count(len(wanted) - len(missing), len(wanted), "declared errors of operations are declared here too")
    assert missing == deliberate == ERRORS.keys()


def _named(method: str, path: str, action: str) -> str:
    return f"{method} {re.sub(r'{[^}]+}', '{}', path)} {action}".strip()


async def test_errors_come_where_they_are_provoked(facts: Path, tmp_path: Path, sqlite_url: str, count: Count) -> None:
    """By what is not there, what makes no sense, too small a role, and servers in the midst of something."""
    bus = LocalBus()
    wanted: set[tuple[str, int]] = set()
    found: set[tuple[str, int]] = set()
    wrong: list[str] = []
    async with whole_cloud(tmp_path, bus, sqlite_url) as cloud:
        await cloud.world.stream.close()
        for row in rows_of(facts):
            if row.gone or row.path.startswith("(absolute)"):
                continue
            wanted |= {(row.name, error) for error in row.errors & _PROVOKED}
            for version in row.versions:
                async for status in _provoked(cloud, row, version):
                    found.add((row.name, status))
                    if status >= 500 and status not in (501, 503):
                        wrong.append(f"{row.name} at 2.{version}: {status}")
    await bus.close()
    count(len(found & wanted), len(wanted), "declared errors 400, 403, 404, 409 come where no host is needed for them")
    assert wrong == []


async def _provoked(cloud: Cloud, row: Row, version: int) -> AsyncIterator[int]:
    (busy,) = await put_servers(cloud.db, {"vm_state": "building", "task_state": "spawning", "host": None})
    for path, body, role in _bad_calls(row, version, busy):
        more = {} if body is None else {"json": body}
        answer = await cloud.call(row.method, path, role=role, version=f"2.{version}", **more)
        yield answer.status_code


def _bad_calls(row: Row, version: int, busy: str) -> Iterator[tuple[str, Any, str]]:
    """Path, body and role."""
    known = re.sub(r"{[^}]+}", _NOWHERE, row.path)
    # Aggregates have numbers.
    known = known.replace(f"/os-aggregates/{_NOWHERE}", "/os-aggregates/4711")
    there = re.sub(r"/{server_id}|(?<=/servers)/{id}|(?<=/os-volumes_boot)/{id}", f"/{busy}", row.path)
    there = re.sub(r"{[^}]+}", _NOWHERE, there)
    body = _unfilled(call_of(row.method, row.path, row.action, version).body)
    nonsense = {row.action: "nonsense"} if row.action else {"nonsense": 1}
    for path in (known, there):
        yield path, body, "admin"
        yield path, body, "nobody"
        if row.method in ("POST", "PUT"):
            yield path, nonsense, "admin"
    yield known + "?limit=nonsense&marker=nonsense&changes-since=nonsense&start=nonsense", body, "admin"


def _unfilled(body: Any) -> Any:
    """What is named in braces is not there."""
    if isinstance(body, dict):
        return {name: _unfilled(value) for name, value in body.items()}
    if isinstance(body, list):
        return [_unfilled(item) for item in body]
    if body == "{fresh}":
        return "another"
    return _NOWHERE if isinstance(body, str) and body.startswith("{") else body
