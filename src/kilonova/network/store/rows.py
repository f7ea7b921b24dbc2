"""Statements the service runs again and again, by noun; made once."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, case, delete, func, select, update

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, among, among_arguments, room_for, update_columns
from kilonova.model.time import Timestamp
from kilonova.network.store import tables as t

MAX_LIMIT = 2**31 - 1


@lru_cache
def by_id(table: Table) -> Statement:
    return Statement(select(table).where(table.c.id == bindparam("id")))


@lru_cache(maxsize=256)
def _select_among(table: Table, column: str, room: int) -> Statement:
    return Statement(select(table).where(among(table.c[column], "values", room)))


async def rows_among(reader: Reader, table: Table, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
    """Rows whose `column` is one of `values`; none for none."""
    if not values:
        return []
    room = room_for(len(values))
    return await reader.rows(_select_among(table, column, room), **among_arguments("values", values, room))


async def change(
    tx: Transaction, table: Table, row: dict[str, Any], columns: dict[str, Any], now: Timestamp
) -> dict[str, Any]:
    """Update `row` with `columns`, its revision one higher; the row as it is then."""
    new = {**columns, "revision_number": row["revision_number"] + 1, "updated_at": now}
    await tx.execute(update_columns(table, tuple(sorted(new))), by_id=row["id"], **new)
    return {**row, **new}


DEFAULT_GROUP = Statement(
    select(t.security_groups.c.id).where(
        t.security_groups.c.project_id == bindparam("project"), t.security_groups.c.is_default == 1
    )
)
PORTS_OF_DEVICE = Statement(select(t.ports).where(t.ports.c.device_id == bindparam("device_id")))
PORT_WITH_MAC = Statement(
    select(t.ports.c.id).where(
        t.ports.c.network_id == bindparam("network_id"), t.ports.c.mac_address == bindparam("mac")
    )
)
ADDRESS = Statement(
    select(t.addresses.c.port_id).where(
        t.addresses.c.subnet_id == bindparam("subnet_id"), t.addresses.c.address == bindparam("address")
    )
)
PLACES = Statement(
    select(t.addresses.c.place).where(
        t.addresses.c.subnet_id == bindparam("subnet_id"),
        t.addresses.c.place.between(bindparam("first"), bindparam("last")),
    )
)
_next = t.addresses.alias("following")
# Places whose successor is free: a hole, or the end.
GAPS = Statement(
    select(t.addresses.c.place + 1)
    .select_from(
        t.addresses.outerjoin(
            _next, (_next.c.subnet_id == t.addresses.c.subnet_id) & (_next.c.place == t.addresses.c.place + 1)
        )
    )
    .where(
        t.addresses.c.subnet_id == bindparam("subnet_id"),
        t.addresses.c.place.between(bindparam("first"), bindparam("last")),
        _next.c.place.is_(None),
    )
    .order_by(t.addresses.c.place)
    .limit(16)
)
PORTS_ON_SUBNET = Statement(
    select(t.ports)
    .where(t.ports.c.id.in_(select(t.addresses.c.port_id).where(t.addresses.c.subnet_id == bindparam("subnet_id"))))
    .order_by(t.ports.c.id)
)
FLOATING_PEERS = Statement(
    select(t.floating_ips).where(
        t.floating_ips.c.port_id == bindparam("port_id"), t.floating_ips.c.fixed_ip_address == bindparam("fixed")
    )
)
ROUTER_ON_SUBNET = Statement(
    select(t.routers)
    .where(
        t.routers.c.gateway_network_id == bindparam("external"),
        t.routers.c.id.in_(
            select(t.ports.c.device_id).where(
                t.ports.c.device_owner == "network:router_interface",
                t.ports.c.id.in_(
                    select(t.addresses.c.port_id).where(t.addresses.c.subnet_id == bindparam("subnet_id"))
                ),
            )
        ),
    )
    .order_by(t.routers.c.id)
    .limit(1)
)
GROUP_USED = Statement(
    select(t.port_groups.c.port_id).where(t.port_groups.c.group_id == bindparam("group_id")).limit(1)
)
RULES_NAMING_GROUP = Statement(
    select(
        t.security_group_rules.c.id, t.security_group_rules.c.project_id, t.security_group_rules.c.security_group_id
    ).where(
        t.security_group_rules.c.remote_group_id == bindparam("group_id"),
        t.security_group_rules.c.security_group_id != bindparam("group_id"),
    )
)
HOSTS_OF_NETWORK = Statement(
    select(t.ports.c.host).where(t.ports.c.network_id == bindparam("network_id"), t.ports.c.host != "").distinct()
)
NETWORKS_OF_HOST = Statement(select(t.ports.c.network_id).where(t.ports.c.host == bindparam("host")).distinct())
_expected_at = t.ports.c.profile.like(bindparam("expected_at"))
_EXPECTING = Statement(select(t.ports.c.network_id).where(_expected_at).distinct())
LARGEST_SEGMENT = Statement(
    select(func.max(t.networks.c.segment)).where(t.networks.c.network_type == bindparam("network_type"))
)
_limit = func.coalesce(
    select(t.quotas.c.limit_)
    .where(t.quotas.c.project_id == bindparam("project"), t.quotas.c.resource == bindparam("resource"))
    .scalar_subquery(),
    bindparam("default"),
)
TAKE = Statement(
    update(t.usage)
    .where(
        t.usage.c.project_id == bindparam("project"),
        t.usage.c.resource == bindparam("resource"),
        t.usage.c.used + bindparam("count") <= case((_limit < 0, MAX_LIMIT), else_=_limit),
    )
    .values(used=t.usage.c.used + bindparam("count"))
)
USED = Statement(
    select(t.usage.c.used).where(
        t.usage.c.project_id == bindparam("project"), t.usage.c.resource == bindparam("resource")
    )
)
GIVE_BACK = Statement(
    update(t.usage)
    .where(t.usage.c.project_id == bindparam("project"), t.usage.c.resource == bindparam("resource"))
    .values(used=case((t.usage.c.used > bindparam("count"), t.usage.c.used - bindparam("count")), else_=0))
)
ADD = Statement(
    update(t.usage)
    .where(t.usage.c.project_id == bindparam("project"), t.usage.c.resource == bindparam("resource"))
    .values(used=t.usage.c.used + bindparam("count"))
)
ALL_USED = Statement(select(t.usage.c.resource, t.usage.c.used).where(t.usage.c.project_id == bindparam("project")))
LIMITS = Statement(select(t.quotas.c.resource, t.quotas.c.limit_).where(t.quotas.c.project_id == bindparam("project")))
ALL_LIMITS = Statement(select(t.quotas).order_by(t.quotas.c.project_id))
AGENTS = Statement(select(t.agents).order_by(t.agents.c.created_at, t.agents.c.host))
REMOVE_RULES_OF_GROUP = Statement(
    delete(t.security_group_rules).where(t.security_group_rules.c.security_group_id == bindparam("group_id"))
)


@lru_cache(maxsize=64)
def _wire(room: int) -> Statement:
    return Statement(
        update(t.ports)
        .where(
            among(t.ports.c.id, "id", room),
            t.ports.c.host == bindparam("host_is"),
            t.ports.c.status != "ACTIVE",
            t.ports.c.admin_state_up == 1,
        )
        .values(status="ACTIVE")
    )


async def mark_wired(tx: Transaction, host: str, port_ids: Sequence[str]) -> int:
    room = room_for(len(port_ids))
    return await tx.execute(_wire(room), host_is=host, **among_arguments("id", port_ids, room))


@lru_cache(maxsize=64)
def _expecting(room: int) -> Statement:
    return Statement(
        select(t.ports.c.network_id).where(among(t.ports.c.network_id, "network", room), _expected_at).distinct()
    )


async def networks_expecting(reader: Reader, host: str, network_ids: Sequence[str] | None) -> set[str]:
    """Networks, of those named (None: of all), with a port whose guest is about to come to the host."""
    pattern = f'%"migrating_to":"{host}"%'
    if network_ids is None:
        return {row[0] for row in await reader.fetch_all(_EXPECTING, expected_at=pattern)}
    if not network_ids:
        return set()
    room = room_for(len(network_ids))
    values = among_arguments("network", network_ids, room)
    return {row[0] for row in await reader.fetch_all(_expecting(room), expected_at=pattern, **values)}


@lru_cache(maxsize=64)
def _routers_at_work(room: int) -> Statement:
    guests = t.ports.alias("guests")
    return Statement(
        select(t.ports.c.device_id)
        .where(
            t.ports.c.device_owner == "network:router_interface",
            t.ports.c.network_id.in_(select(guests.c.network_id).where(among(guests.c.host, "host", room))),
        )
        .distinct()
    )


async def routers_at_work(reader: Reader, hosts: Sequence[str]) -> set[str]:
    """Routers with a guest on any of `hosts` on one of their networks: the others have nobody to serve."""
    if not hosts:
        return set()
    room = room_for(len(hosts))
    return {row[0] for row in await reader.fetch_all(_routers_at_work(room), **among_arguments("host", hosts, room))}


@lru_cache(maxsize=64)
def _routers_of_networks(room: int) -> Statement:
    return Statement(
        select(t.ports.c.device_id)
        .where(t.ports.c.device_owner == "network:router_interface", among(t.ports.c.network_id, "network", room))
        .distinct()
    )


async def routers_of_networks(reader: Reader, network_ids: Sequence[str]) -> set[str]:
    if not network_ids:
        return set()
    room = room_for(len(network_ids))
    found = await reader.fetch_all(_routers_of_networks(room), **among_arguments("network", network_ids, room))
    return {row[0] for row in found}


@lru_cache(maxsize=64)
def _networks_of_devices(room: int) -> Statement:
    return Statement(select(t.ports.c.network_id).where(among(t.ports.c.device_id, "device", room)).distinct())


async def networks_of_devices(reader: Reader, device_ids: Sequence[str]) -> set[str]:
    if not device_ids:
        return set()
    room = room_for(len(device_ids))
    found = await reader.fetch_all(_networks_of_devices(room), **among_arguments("device", device_ids, room))
    return {row[0] for row in found}


@lru_cache(maxsize=64)
def _members(room: int) -> Statement:
    joined = t.port_groups.join(t.addresses, t.addresses.c.port_id == t.port_groups.c.port_id)
    return Statement(
        select(t.port_groups.c.group_id, t.addresses.c.address)
        .select_from(joined)
        .where(among(t.port_groups.c.group_id, "group", room))
    )


async def members_of(reader: Reader, group_ids: Sequence[str]) -> dict[str, list[str]]:
    """The addresses of all ports in each group."""
    if not group_ids:
        return {}
    room = room_for(len(group_ids))
    found: dict[str, list[str]] = {}
    for group_id, address in await reader.fetch_all(_members(room), **among_arguments("group", group_ids, room)):
        found.setdefault(group_id, []).append(address)
    return found
