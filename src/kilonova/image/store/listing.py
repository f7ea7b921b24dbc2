"""One page of images: filtered, sorted, after a marker, and only what the caller may see."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, false, func, or_, select, true

from kilonova.db.database import Reader
from kilonova.db.statement import Statement, among
from kilonova.image.store import images as image_rows
from kilonova.image.store.tables import images, members, properties, tags
from kilonova.model.image import Image

# What NULL sorts as, so that a marker can be compared with.
_SORTED = {
    "name": func.coalesce(images.c.name, ""),
    "size": func.coalesce(images.c.size, -1),
    "disk_format": func.coalesce(images.c.disk_format, ""),
    "container_format": func.coalesce(images.c.container_format, ""),
    "owner": func.coalesce(images.c.owner, ""),
    "status": images.c.status,
    "visibility": images.c.visibility,
    "min_disk": images.c.min_disk,
    "min_ram": images.c.min_ram,
    "id": images.c.id,
    "created_at": images.c.created_at,
    "updated_at": images.c.updated_at,
}
SORT_KEYS = frozenset(_SORTED)
_ABSENT: dict[str, Any] = {"size": -1}


@dataclass(frozen=True)
class Shape:
    """What decides the SQL text. `filters` are (column, operator, how many values)."""

    sees_all: bool
    visibility: str | None = None
    any_member_status: bool = False
    filters: tuple[tuple[str, str, int], ...] = ()
    tags: int = 0
    properties: int = 0
    sort: tuple[tuple[str, bool], ...] = (("created_at", False), ("id", False))
    marker: bool = False


@dataclass
class Query:
    """A shape in the making, with its arguments. `me` is the caller's project; `sort` pairs a key with "ascending?"."""

    sees_all: bool
    me: str | None
    limit: int
    visibility: str | None = None
    member_status: str = "accepted"
    sort: tuple[tuple[str, bool], ...] = (("created_at", False), ("id", False))
    marker: Image | None = None
    _filters: list[tuple[str, str, int]] = field(default_factory=list)
    _tags: int = 0
    _properties: int = 0
    _arguments: dict[str, Any] = field(default_factory=dict)

    def where(self, column: str, operator: str, *values: Any) -> None:
        index = len(self._filters)
        self._filters.append((column, operator, len(values)))
        self._arguments |= {f"f{index}_{number}": value for number, value in enumerate(values)}

    def tagged(self, tag: str) -> None:
        self._arguments[f"tag_{self._tags}"] = tag
        self._tags += 1

    def with_property(self, name: str, value: str) -> None:
        self._arguments |= {f"name_{self._properties}": name, f"value_{self._properties}": value}
        self._properties += 1

    def shape(self) -> Shape:
        return Shape(
            sees_all=self.sees_all,
            visibility=self.visibility,
            any_member_status=self.member_status == "all",
            filters=tuple(self._filters),
            tags=self._tags,
            properties=self._properties,
            sort=self.sort,
            marker=self.marker is not None,
        )

    def arguments(self) -> dict[str, Any]:
        found = {**self._arguments, "page": self.limit}
        if not self.sees_all:
            found["me"] = self.me
            if self.member_status != "all":
                found["member_status"] = self.member_status
        if self.marker is not None:
            for key, _ in self.sort:
                value = getattr(self.marker, key)
                found[f"after_{key}"] = _ABSENT.get(key, "") if value is None else value
        return found


async def page(db: Reader, query: Query) -> list[Image]:
    rows = await db.fetch_all(_statement(query.shape()), **query.arguments())
    return await image_rows.complete(db, rows)


@lru_cache(maxsize=512)
def _statement(shape: Shape) -> Statement:
    conditions = [_visible(shape)]
    if shape.visibility not in (None, "all"):
        conditions.append(images.c.visibility == bindparam("visibility", shape.visibility))
    conditions += [_filter(index, *one) for index, one in enumerate(shape.filters)]
    for index in range(shape.tags):
        mine = and_(tags.c.image_id == images.c.id, tags.c.tag == bindparam(f"tag_{index}"))
        conditions.append(exists().where(mine))
    for index in range(shape.properties):
        named = and_(properties.c.image_id == images.c.id, properties.c.name == bindparam(f"name_{index}"))
        conditions.append(exists().where(named, properties.c.value == bindparam(f"value_{index}")))
    if shape.marker:
        conditions.append(_after(shape.sort))
    order = [_SORTED[key].asc() if ascending else _SORTED[key].desc() for key, ascending in shape.sort]
    return Statement(select(images).where(*conditions).order_by(*order).limit(bindparam("page")))


def _visible(shape: Shape) -> "ColumnElement[bool]":
    """Public images, one's own, and those one is a member of; community ones only where asked for."""
    if shape.sees_all:
        return true()
    mine = and_(members.c.image_id == images.c.id, members.c.member_id == bindparam("me"))
    if not shape.any_member_status:
        mine = and_(mine, members.c.status == bindparam("member_status"))
    ways = [
        images.c.visibility == "public",
        images.c.owner == bindparam("me"),
        and_(images.c.visibility == "shared", exists().where(mine)),
    ]
    if shape.visibility in ("community", "all"):
        ways.append(images.c.visibility == "community")
    return or_(*ways)


def _filter(index: int, column: str, operator: str, count: int) -> "ColumnElement[bool]":
    target = images.c[column]
    if operator == "in":
        return among(target, f"f{index}", count) if count else false()
    value: BindParameter[Any] = bindparam(f"f{index}_0")
    comparisons: dict[str, ColumnElement[bool]] = {
        "eq": target == value,
        "ne": target != value,
        "gt": target > value,
        "gte": target >= value,
        "lt": target < value,
        "lte": target <= value,
    }
    return comparisons[operator]


def _after(sort: tuple[tuple[str, bool], ...]) -> "ColumnElement[bool]":
    """Strictly after the marker in the order of `sort`."""
    steps: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, ascending in sort:
        column = _SORTED[key]
        value: BindParameter[Any] = bindparam(f"after_{key}")
        steps.append(and_(*equal, column > value if ascending else column < value))
        equal.append(column == value)
    return or_(*steps)
