"""Hosts as servers see them: whether their compute service is up."""

from collections.abc import Set

import msgspec
from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.hosts import aggregates, compute_nodes, services
from kilonova.model.ids import HostName
from kilonova.model.time import Timestamp

_C = services.c
_COMPUTE = Statement(
    select(_C.host, _C.disabled, _C.forced_down, _C.last_seen_at).where(_C.binary == bindparam("binary"))
)


async def host_statuses(db: Reader, hosts: Set[str], *, seen_since: Timestamp) -> dict[str, str]:
    """UP, DOWN or MAINTENANCE of those of `hosts` that have a compute service; one statement for all."""
    if not hosts:
        return {}
    rows = await db.fetch_all(_COMPUTE, binary="nova-compute")
    return {row[0]: _status(row[1], row[2], row[3], seen_since) for row in rows if row[0] in hosts}


def _status(disabled: int, forced_down: int, last_seen_at: str | None, seen_since: Timestamp) -> str:
    # Nova's order: a forced-down or silent service is DOWN even when it is disabled as well.
    if forced_down or last_seen_at is None or last_seen_at < seen_since:
        return "DOWN"
    return "MAINTENANCE" if disabled else "UP"


_ZONES = Statement(select(aggregates.c.metadata))
_HOSTS = Statement(select(compute_nodes.c.host, compute_nodes.c.hypervisor_hostname))


async def zone_names(db: Reader) -> set[str]:
    """The availability zones aggregates name; the default one is not among them."""
    found = (msgspec.json.decode(row[0]).get("availability_zone") for row in await db.fetch_all(_ZONES))
    return {name for name in found if name}


async def host_named(db: Reader, *, host: str | None, node: str | None) -> HostName | None:
    """The compute host with that host name and that hypervisor's name (None: any)."""
    for known_host, known_node in await db.fetch_all(_HOSTS):
        if host in (None, known_host) and node in (None, known_node):
            return HostName(known_host)
    return None
