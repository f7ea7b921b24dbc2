"""Servers are found the same on every database: filters, order, pages."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.db.repository import quotas, servers
from kilonova.db.repository.server_filters import Condition
from kilonova.db.repository.servers import Listing

FLAVOR = {"id": "1", "name": "m", "vcpus": 2, "memory_mib": 512, "root_gib": 1}
ORDER = (("created_at", True), ("id", True))


def _row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{number:08d}-0000-4000-8000-000000000000",
        "project_id": "p1",
        "user_id": "u1",
        "name": f"Web-{number}",
        "hostname": f"web-{number}",
        "flavor_id": "1",
        "flavor": json.dumps(FLAVOR),
        "reservation_id": "r-1",
        "vm_state": "active",
        "power_state": number,
        "request_spec": "{}",
        "networks": "[]",
        "created_at": f"2026-01-01T00:00:0{number}.000000",
        "updated_at": f"2026-01-01T00:00:0{number}.000000",
        **changes,
    }


@pytest.fixture
async def five(database_url: str) -> AsyncIterator[Database]:
    await create_all(database_url)
    opened = await connect(database_url)
    async with opened.begin() as tx:
        await servers.insert(tx, **_row(1, tags='["blue","red"]', task_state="rebooting"))
        await servers.insert(tx, **_row(2, tags='["Red"]', host="h1"))
        await servers.insert(tx, **_row(3, locked_by="owner"))
        await servers.insert(tx, **_row(4, addresses='{"net":[{"addr":"10.0.0.4"}]}'))
        await servers.insert(tx, **_row(5, deleted=1, project_id="p2"))
    yield opened
    await opened.close()


async def _found(db: Database, *conditions: Condition, order: Any = ORDER, limit: int = 10) -> list[int]:
    listing = Listing(conditions=conditions, order=order, limit=limit)
    return [int(name.removeprefix("Web-")) for _, name in await servers.listed_briefly(db, listing, None)]


_CONDITIONS: list[tuple[Condition, list[int]]] = [
    (Condition("is", "project_id", ("p1",)), [4, 3, 2, 1]),
    (Condition("in", "vm_state", ("active", "error")), [5, 4, 3, 2, 1]),
    (Condition("is_null", "locked_by"), [5, 4, 2, 1]),
    (Condition("not_null", "locked_by"), [3]),
    (Condition("since", "updated_at", ("2026-01-01T00:00:04.000000",)), [5, 4]),
    (Condition("until", "updated_at", ("2026-01-01T00:00:02.000000",)), [2, 1]),
    (Condition("matches", "name", ("^web-[12]$",)), [2, 1]),
    (Condition("matches", "power_state", ("3",)), [3]),
    (Condition("matches", "addresses", ('"addr":"[^"]*(?:0\\.4)"',)), [4]),
    (Condition("all_of", "tags", ('"red"', '"blue"')), [1]),
    (Condition("any_of", "tags", ('"red"', '"green"')), [1]),
    (Condition("not_all_of", "tags", ('"red"', '"blue"')), [5, 4, 3, 2]),
    (Condition("none_of", "tags", ('"red"', '"Red"')), [5, 4, 3]),
]
_ORDERS: list[Any] = [
    ORDER,
    (("task_state", False), ("created_at", False), ("id", False)),
    (("host", True), ("id", False)),
]


async def test_a_condition_finds_the_same_everywhere(five: Database) -> None:
    for condition, expected in _CONDITIONS:
        assert await _found(five, condition) == expected, condition


async def test_pages_cover_all_and_never_overlap(five: Database) -> None:
    for order in _ORDERS:
        assert await _paged(five, order) == await _found(five, order=order), order


async def _paged(db: Database, order: Any) -> list[int]:
    """All servers, two at a time."""
    seen: list[int] = []
    marker = None
    while page := await servers.listed(db, Listing(conditions=(), order=order, limit=2), marker):
        seen += [int(server.name.removeprefix("Web-")) for server in page]
        marker = await servers.marker_values(db, page[-1].id, order, project_id=None)
    return seen


async def test_usage_is_counted_by_user(five: Database) -> None:
    used = await quotas.usage(five, "p1")
    assert used["u1"] == quotas.Usage(4, 8, 2048)
