"""What the database says of hosts, services, aggregates and server groups. Read only."""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from sqlalchemy import and_, bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.hosts import aggregates, compute_nodes, services
from kilonova.db.tables.servers import server_groups, servers
from kilonova.model.ids import HostName
from kilonova.model.time import moment_of
from kilonova.scheduler.host import Aggregate, projects_of

_n = compute_nodes.c
_HOSTS = select(
    _n.host,
    _n.hypervisor_hostname,
    _n.hypervisor_type,
    _n.hypervisor_version,
    _n.host_ip,
    _n.cpu_info,
    services.c.disabled,
    services.c.forced_down,
    services.c.last_seen_at,
).outerjoin(services, and_(services.c.host == _n.host, services.c.binary == "nova-compute"))
_all_hosts = Statement(_HOSTS)
_one_host = Statement(_HOSTS.where(_n.host == bindparam("host")))
_aggregates = Statement(
    select(aggregates.c.id, aggregates.c.hosts, aggregates.c.metadata).order_by(aggregates.c.number)
)
_group = Statement(
    select(server_groups.c.policy, server_groups.c.rules).where(server_groups.c.id == bindparam("group_id"))
)
_members = Statement(select(servers.c.id).where(servers.c.group_id == bindparam("group_id"), servers.c.deleted == 0))

ZONE = "availability_zone"


class HostRecord(msgspec.Struct, frozen=True):
    """A row; `seen_at` in seconds since 1970, 0 when it was never heard of. `cpu_info` is JSON."""

    name: HostName
    node: str
    hypervisor_type: str
    hypervisor_version: int
    ip: str
    cpu_info: str
    enabled: bool
    forced_down: bool
    seen_at: float


class Places:
    """Which zone and aggregates each host is in."""

    def __init__(self, default_zone: str, rows: Iterable[tuple[str, str, str]] = ()) -> None:
        self._default_zone = default_zone
        # Those that aggregates name, whether or not these have hosts.
        self.projects: frozenset[str] = frozenset()
        self._of: dict[HostName, tuple[str, tuple[Aggregate, ...]]] = {}
        for aggregate_id, hosts, metadata in rows:
            facts: dict[str, str] = msgspec.json.decode(metadata)
            aggregate = Aggregate(aggregate_id, tuple(sorted(facts.items())))
            self.projects |= projects_of(aggregate)
            for host in msgspec.json.decode(hosts, type=list[str]):
                zone, others = self.of(HostName(host))
                self._of[HostName(host)] = (facts.get(ZONE, zone), (*others, aggregate))

    def of(self, host: HostName) -> tuple[str, tuple[Aggregate, ...]]:
        return self._of.get(host, (self._default_zone, ()))


async def places(db: Reader, default_zone: str) -> Places:
    rows = await db.fetch_all(_aggregates)
    return Places(default_zone, [(row[0], row[1], row[2]) for row in rows])


async def hosts(db: Reader) -> list[HostRecord]:
    return [_record(*row) for row in await db.fetch_all(_all_hosts)]


async def host(db: Reader, name: HostName) -> HostRecord | None:
    row = await db.fetch_one(_one_host, host=name)
    return None if row is None else _record(*row)


def _record(
    name: str,
    node: str,
    hypervisor_type: str,
    hypervisor_version: int,
    ip: str,
    cpu_info: str,
    disabled: int | None,
    forced_down: int | None,
    last_seen_at: str | None,
) -> HostRecord:
    # Most hosts are their own only node: one name for both saves memory.
    return HostRecord(
        HostName(name),
        name if node == name else node,
        _shared(hypervisor_type),
        hypervisor_version,
        ip,
        _shared(cpu_info),
        not disabled,
        bool(forced_down),
        _seconds(last_seen_at) if last_seen_at else 0.0,
    )


@lru_cache(maxsize=4096)
def _seconds(stamp: str) -> float:
    """Heartbeats are written many at a time, with one stamp."""
    return moment_of(stamp).timestamp()


@lru_cache(maxsize=1024)
def _shared(text: str) -> str:
    """Equal texts of many rows become one object."""
    return text


class GroupRules(msgspec.Struct, frozen=True):
    policy: str
    max_server_per_host: int
    members: tuple[str, ...]


async def group(db: Reader, group_id: str) -> GroupRules | None:
    """A server group and its living servers."""
    row = await db.fetch_one(_group, group_id=group_id)
    if row is None:
        return None
    rules = msgspec.json.decode(row[1] or "{}", type=dict[str, int | str])
    members = await db.fetch_all(_members, group_id=group_id)
    return GroupRules(row[0], int(rules.get("max_server_per_host", 1)), tuple(member[0] for member in members))
