"""A host is in one zone at most, and servers are not moved to another zone under their owners' feet."""

from kilonova.db.database import Reader
from kilonova.db.repository import aggregates
from kilonova.model.aggregate import Aggregate, HostRefused, ZoneChangeRefused


async def check_zone(reader: Reader, aggregate: Aggregate, zone: str | None) -> None:
    """Whether the hosts of `aggregate` may be in `zone` (None: in none of its own). Errors: ZoneChangeRefused."""
    if not aggregate.hosts or zone == aggregate.zone:
        return
    if zone is not None:
        elsewhere = {
            other.zone
            for other in await aggregates.listed(reader)
            if other.number != aggregate.number
            and other.zone not in (None, zone)
            and not set(aggregate.hosts).isdisjoint(other.hosts)
        }
        if elsewhere:
            names = ", ".join(sorted(str(name) for name in elsewhere))
            raise ZoneChangeRefused(aggregate.number, f"One or more hosts already in availability zone(s) {names}")
    if await aggregates.occupied(reader, aggregate.hosts):
        raise ZoneChangeRefused(aggregate.number, "One or more hosts contain instances in this zone")


async def check_add(reader: Reader, aggregate: Aggregate, host: str) -> None:
    """Errors: HostRefused."""
    zone = aggregate.zone
    if zone is None:
        return
    now_in = {other.zone for other in await aggregates.listed(reader) if host in other.hosts and other.zone is not None}
    if now_in - {zone}:
        names = ", ".join(sorted(str(name) for name in now_in))
        raise HostRefused("add host to", aggregate.number, f"Host {host} already in availability zone(s) {names}")
    if not now_in and await aggregates.occupied(reader, {host}):
        raise HostRefused("add host to", aggregate.number, f"Host {host} has instances that would change their zone")


async def check_remove(reader: Reader, aggregate: Aggregate, host: str) -> None:
    """Errors: HostRefused."""
    if aggregate.zone is None or not await aggregates.occupied(reader, {host}):
        return
    others = await aggregates.listed(reader)
    if not any(other.number != aggregate.number and other.zone and host in other.hosts for other in others):
        raise HostRefused(
            "remove host from", aggregate.number, f"Host {host} has instances that would change their zone"
        )
