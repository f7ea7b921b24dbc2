"""What projects and users hold in all."""

import msgspec
from sqlalchemy import bindparam, func, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.placement.store.holdings import decode_amounts
from kilonova.placement.store.tables import allocations, consumers

# Grouped by text: a project has few different flavors, however many servers.
_QUERY = (
    select(consumers.c.type, allocations.c.resources, func.count())
    .join(allocations, allocations.c.consumer_id == consumers.c.id)
    .where(consumers.c.project_id == bindparam("project_id"))
    .group_by(consumers.c.type, allocations.c.resources)
)
_of_project = Statement(_QUERY)
_of_user = Statement(_QUERY.where(consumers.c.user_id == bindparam("user_id")))
_COUNT = (
    select(consumers.c.type, func.count())
    .where(consumers.c.project_id == bindparam("project_id"))
    .group_by(consumers.c.type)
)
_count_of_project = Statement(_COUNT)
_count_of_user = Statement(_COUNT.where(consumers.c.user_id == bindparam("user_id")))


class Usage(msgspec.Struct):
    """`count` consumers hold these amounts together."""

    count: int = 0
    resources: dict[str, int] = {}

    def add(self, amounts: dict[str, int], times: int) -> None:
        for name, amount in amounts.items():
            self.resources[name] = self.resources.get(name, 0) + amount * times


async def by_type(reader: Reader, project_id: str, user_id: str | None = None) -> dict[str, Usage]:
    """By consumer type."""
    user = {} if user_id is None else {"user_id": user_id}
    counts = await reader.fetch_all(_count_of_user if user else _count_of_project, project_id=project_id, **user)
    found = {kind: Usage(count) for kind, count in counts}
    for kind, text, times in await reader.fetch_all(_of_user if user else _of_project, project_id=project_id, **user):
        found.setdefault(kind, Usage()).add(decode_amounts(text), times)
    return found


def summed(found: dict[str, Usage]) -> Usage:
    total = Usage()
    for one in found.values():
        total.count += one.count
        total.add(one.resources, 1)
    return total
