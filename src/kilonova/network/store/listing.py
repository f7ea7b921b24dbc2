"""Lists by filters, order and page: statements of as many shapes as callers ask for, each compiled once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, func, or_, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement, among, among_arguments, room_for
from kilonova.network.store.tables import addresses, networks, port_groups, ports, security_groups, subnets

Clause = ColumnElement[bool]


@dataclass(frozen=True)
class Filter:
    """Rows whose `name` is any of `values`. A `name` is a column, or one of `SEARCHES`."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """`sorts` are (column, descending); `after` is the row before the page's first; None for no limit."""

    sorts: tuple[tuple[str, bool], ...] = (("created_at", False),)
    limit: int | None = None
    after: Mapping[str, Any] | None = None
    backwards: bool = False


@dataclass(frozen=True)
class _Shape:
    table: str
    filters: tuple[tuple[str, int], ...]
    scoped: bool
    sorts: tuple[tuple[str, bool], ...]
    limited: bool
    continued: bool


async def find(
    reader: Reader,
    table: Table,
    filters: Sequence[Filter] = (),
    *,
    project: str | None = None,
    page: Page | None = None,
) -> list[dict[str, Any]]:
    """Rows of `table` in order; `project` limits them to what its members may see."""
    page = page or Page()
    sorts = (*page.sorts, ("id", False)) if "id" not in dict(page.sorts) else page.sorts
    if page.backwards:
        sorts = tuple((name, not descending) for name, descending in sorts)
    rooms = [room_for(len(one.values)) for one in filters]
    shape = _Shape(
        table.name,
        tuple((one.name, room) for one, room in zip(filters, rooms, strict=True)),
        project is not None,
        sorts,
        page.limit is not None,
        page.after is not None,
    )
    arguments: dict[str, Any] = {} if project is None else {"project": project}
    if page.limit is not None:
        arguments["limit"] = page.limit
    for index, (one, room) in enumerate(zip(filters, rooms, strict=True)):
        arguments.update(among_arguments(f"f{index}", one.values, room))
    for index, (name, _) in enumerate(sorts if page.after is not None else ()):
        arguments[f"after{index}"] = _plain(page.after[name]) if page.after is not None else None
    rows = await reader.rows(_statement(shape), **arguments)
    return rows[::-1] if page.backwards else rows


def _plain(value: Any) -> Any:
    return "" if value is None else value


@lru_cache(maxsize=1024)
def _statement(shape: _Shape) -> Statement:
    table = ports.metadata.tables[shape.table]
    query = select(table)
    for index, (name, room) in enumerate(shape.filters):
        query = query.where(_matches(table, name, f"f{index}", room))
    if shape.scoped:
        query = query.where(_visible(table))
    if shape.continued:
        query = query.where(_beyond(table, shape.sorts))
    query = query.order_by(*(_key(table, name).desc() if down else _key(table, name) for name, down in shape.sorts))
    if shape.limited:
        query = query.limit(bindparam("limit"))
    return Statement(query)


def _key(table: Table, name: str) -> ColumnElement[Any]:
    """Databases disagree on where NULL sorts; as '' it sorts first everywhere."""
    column = table.c[name]
    return func.coalesce(column, "") if column.nullable and column.type.python_type is str else column


def _beyond(table: Table, sorts: Sequence[tuple[str, bool]]) -> Clause:
    """Keyset paging: greater in the first key that differs."""
    steps = []
    for index, (name, down) in enumerate(sorts):
        same = [_key(table, other) == bindparam(f"after{place}") for place, (other, _) in enumerate(sorts[:index])]
        mark: ColumnElement[Any] = bindparam(f"after{index}")
        key = _key(table, name)
        steps.append(and_(*same, key < mark if down else key > mark))
    return or_(*steps)


def _visible(table: Table) -> Clause:
    mine: Clause = table.c.project_id == bindparam("project")
    if table is networks:
        return or_(mine, networks.c.shared == 1, networks.c.external == 1)
    if table is subnets:
        return or_(mine, subnets.c.network_id.in_(select(networks.c.id).where(networks.c.shared == 1)))
    if table is ports:
        # Who owns a network sees what is on it.
        own = select(networks.c.id).where(networks.c.project_id == bindparam("project"))
        return or_(mine, ports.c.network_id.in_(own))
    return mine


def _matches(table: Table, name: str, argument: str, room: int) -> Clause:
    search = SEARCHES.get((table.name, name))
    if search is not None:
        return search(argument, room)
    column = table.c[name]
    if column.nullable and column.type.python_type is str:
        # `port_id=` finds those without one.
        return among(func.coalesce(column, ""), argument, room)
    return among(column, argument, room)


def _port_has_address(argument: str, room: int) -> Clause:
    return ports.c.id.in_(select(addresses.c.port_id).where(among(addresses.c.address, argument, room)))


def _port_has_address_like(argument: str, room: int) -> Clause:
    likes = [addresses.c.address.like(bindparam(f"{argument}_{index}")) for index in range(room)]
    return ports.c.id.in_(select(addresses.c.port_id).where(or_(*likes)))


def _port_is_on_subnet(argument: str, room: int) -> Clause:
    return ports.c.id.in_(select(addresses.c.port_id).where(among(addresses.c.subnet_id, argument, room)))


def _port_has_group(argument: str, room: int) -> Clause:
    return ports.c.id.in_(select(port_groups.c.port_id).where(among(port_groups.c.group_id, argument, room)))


def _default_group(argument: str, room: int) -> Clause:
    return among(func.coalesce(security_groups.c.is_default, 0), argument, room)


def _network_has_subnet(argument: str, room: int) -> Clause:
    return networks.c.id.in_(select(subnets.c.network_id).where(among(subnets.c.id, argument, room)))


SEARCHES: dict[tuple[str, str], Callable[[str, int], Clause]] = {
    (ports.name, "fixed_ips.ip_address"): _port_has_address,
    (ports.name, "fixed_ips.ip_address_substr"): _port_has_address_like,
    (ports.name, "fixed_ips.subnet_id"): _port_is_on_subnet,
    (ports.name, "security_groups"): _port_has_group,
    (security_groups.name, "is_default"): _default_group,
    (networks.name, "subnets"): _network_has_subnet,
}
