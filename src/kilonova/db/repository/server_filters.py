"""Conditions and orders of server lists, as SQL built once per shape. Source of names: Nova's server filters."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, String, and_, bindparam, cast, func, or_

from kilonova.db.statement import among
from kilonova.db.tables.servers import servers

_C = servers.c

# A filter's or sort key's name → column.
COLUMNS: dict[str, ColumnElement[Any]] = {
    "access_ip_v4": _C.access_ip_v4,
    "access_ip_v6": _C.access_ip_v6,
    "auto_disk_config": _C.disk_config,
    "availability_zone": _C.availability_zone,
    "config_drive": _C.config_drive,
    "created_at": _C.created_at,
    "deleted": _C.deleted,
    "description": _C.description,
    "flavor": _C.flavor_id,
    "group_id": _C.group_id,
    "host": _C.host,
    "hostname": _C.hostname,
    "id": _C.id,
    "image": _C.image_id,
    "key_name": _C.key_name,
    "launch_index": _C.launch_index,
    "launched_at": _C.launched_at,
    "locked_by": _C.locked_by,
    "name": _C.name,
    "node": _C.node,
    "power_state": _C.power_state,
    "progress": _C.progress,
    "project_id": _C.project_id,
    "reservation_id": _C.reservation_id,
    "root_device_name": _C.root_device_name,
    "task_state": _C.task_state,
    "terminated_at": _C.terminated_at,
    "updated_at": _C.updated_at,
    "user_id": _C.user_id,
    "vm_state": _C.vm_state,
    "addresses": _C.addresses,
    "tags": _C.tags,
    "number": _C.number,
}

# Sort keys whose column may be NULL, and what it then counts as, so that a page can go on behind it.
_NULLABLE = frozenset(
    {"availability_zone", "description", "host", "image", "key_name", "launched_at", "locked_by", "node", "task_state",
     "terminated_at"}
)  # fmt: skip

_NUMBERS = frozenset({"config_drive", "launch_index", "power_state", "progress"})


class Condition(msgspec.Struct, frozen=True):
    """`kind` of comparison of the column `name` with `values`:

    is, is_not, in, is_null, not_null, since (at or after), until (at or before), matches (a regular expression), gone
    (deleted, or in that state), and of a JSON list's members all_of, any_of, none_of, not_all_of.
    """

    kind: str
    name: str
    values: tuple[Any, ...] = ()

    @property
    def shape(self) -> tuple[str, str, int]:
        return (self.kind, self.name, len(self.values))


def arguments_of(conditions: Iterable[Condition]) -> dict[str, Any]:
    return {
        f"c{number}_{index}": value
        for number, condition in enumerate(conditions)
        for index, value in enumerate(condition.values)
    }


def where(shapes: Sequence[tuple[str, str, int]]) -> list[ColumnElement[bool]]:
    """One clause per condition; its arguments are named as `arguments_of` names them."""
    return [_clause(kind, name, f"c{number}", count) for number, (kind, name, count) in enumerate(shapes)]


def _clause(kind: str, name: str, prefix: str, count: int) -> ColumnElement[bool]:
    column = COLUMNS[name]
    first: BindParameter[Any] = bindparam(f"{prefix}_0")
    if kind == "is":
        return column == first
    if kind == "is_not":
        return column != first
    if kind == "gone":
        return or_(_C.deleted == 1, column == first)
    if kind == "in":
        return among(column, prefix, count)
    if kind == "is_null":
        return column.is_(None)
    if kind == "not_null":
        return column.is_not(None)
    if kind == "since":
        return column >= first
    if kind == "until":
        return column <= first
    if kind == "matches":
        text = cast(column, String) if name in _NUMBERS else column
        return text.regexp_match(first, flags="i")
    return _members(kind, [_holds(column, f"{prefix}_{index}") for index in range(count)])


def _holds(column: ColumnElement[Any], argument: str) -> ColumnElement[bool]:
    """The JSON list has the member (quoted by the caller). Exact on every engine, where LIKE would not be."""
    return func.replace(column, bindparam(argument), "") != column


def _members(kind: str, each: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    if kind == "all_of":
        return and_(*each)
    if kind == "any_of":
        return or_(*each)
    if kind == "not_all_of":
        return ~and_(*each)
    if kind == "none_of":
        return ~or_(*each)
    raise ValueError(f"no such comparison: {kind}")


def sort_column(key: str) -> ColumnElement[Any]:
    column = COLUMNS[key]
    return func.coalesce(column, "") if key in _NULLABLE else column


def keyset(order: Sequence[tuple[str, bool]]) -> ColumnElement[bool]:
    """Whatever comes behind the marker, whose values are the arguments `after_0` …"""
    alternatives = []
    for number, (key, descending) in enumerate(order):
        column = sort_column(key)
        value: BindParameter[Any] = bindparam(f"after_{number}")
        same = [sort_column(before) == bindparam(f"after_{index}") for index, (before, _) in enumerate(order[:number])]
        alternatives.append(and_(*same, column < value if descending else column > value))
    return or_(*alternatives)
