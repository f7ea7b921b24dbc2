"""Host aggregates: named sets of hosts with metadata; one that has `availability_zone` in it is a zone."""

import msgspec

from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.time import Timestamp

ZONE = "availability_zone"


class AggregateNotFound(NotFound):
    def __init__(self, aggregate: str) -> None:
        super().__init__(f"Aggregate {aggregate} could not be found.")
        self.aggregate = aggregate


class AggregateNameExists(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"Aggregate {name} already exists.")
        self.name = name


class AggregateHostExists(Conflict):
    def __init__(self, aggregate: int, host: str) -> None:
        super().__init__(f"Aggregate {aggregate} already has host {host}.")
        self.aggregate = aggregate
        self.host = host


class AggregateNotEmpty(BadRequest):
    def __init__(self, aggregate: int) -> None:
        super().__init__(f"Cannot remove aggregate {aggregate}. Reason: Host aggregate is not empty.")
        self.aggregate = aggregate


class ZoneChangeRefused(BadRequest):
    """An update would put hosts into two zones, or take them from under their servers."""

    def __init__(self, aggregate: int, reason: str) -> None:
        super().__init__(f"Cannot update aggregate {aggregate}. Reason: {reason}.")
        self.aggregate = aggregate


class HostRefused(Conflict):
    """The same, by adding or removing a host; `doing` is `add host to` or `remove host from`."""

    def __init__(self, doing: str, aggregate: int, reason: str) -> None:
        super().__init__(f"Cannot {doing} aggregate {aggregate}. Reason: {reason}.")
        self.aggregate = aggregate


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the id clients know."""

    number: int
    id: str
    name: str
    hosts: tuple[str, ...]
    metadata: dict[str, str]
    created_at: Timestamp
    updated_at: Timestamp | None

    @property
    def zone(self) -> str | None:
        return self.metadata.get(ZONE)


def zones_of_hosts(aggregates: list[Aggregate]) -> dict[str, str]:
    """host → zone, for those that an aggregate puts into one."""
    return {host: one.zone for one in aggregates if one.zone is not None for host in one.hosts}
