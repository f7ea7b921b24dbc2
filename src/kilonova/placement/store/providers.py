"""Resource providers, alone and with all that belongs to them."""

from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from kilonova.contract.placement import ProviderState
from kilonova.db.database import Reader, Row, Transaction
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.model.ids import HostName
from kilonova.model.time import Timestamp
from kilonova.placement.store.inventories import COLUMNS, inventory_of
from kilonova.placement.store.tables import allocations, inventories, providers
from kilonova.placement.store.traits import names_in

_p = providers.c
_OWN = (_p.id, _p.name, _p.generation, _p.parent_id, _p.root_id, _p.traits, _p.aggregates)
_NAME_IS = _p.name == bindparam("name")
_ID_IS = _p.id == bindparam("id")
_BETWEEN = (_p.name > bindparam("after")) & (_p.name <= bindparam("last"))

_page_end = Statement(select(_p.name).where(_p.name > bindparam("after")).order_by(_p.name).limit(bindparam("limit")))
_id_of = Statement(select(_p.id).where(_NAME_IS))
_generations = Statement(select(_p.name, _p.generation))
_children = Statement(select(_p.id).where(_p.parent_id == bindparam("parent_id")))
_any_allocation = Statement(
    select(allocations.c.consumer_id).where(allocations.c.provider_id == bindparam("provider_id")).limit(1)
)


class Parts:
    """The statements that load providers under one condition, with all that belongs to them."""

    def __init__(self, condition: "ColumnElement[bool]") -> None:
        def of(query: "Select[Any]", owner: Any) -> Statement:
            return Statement(query.join(providers, _p.id == owner).where(condition))

        own = allocations.c.provider_id
        self.own = Statement(select(*_OWN).where(condition).order_by(_p.name))
        # With the generation: what is used and the generation it belongs to must come from one look.
        self.inventories = of(select(*COLUMNS, _p.generation, inventories.c.provider_id), inventories.c.provider_id)
        self.consumers = Statement(
            select(own, func.count()).join(providers, _p.id == own).where(condition).group_by(own)
        )


_page, _by_name, _by_id = Parts(_BETWEEN), Parts(_NAME_IS), Parts(_ID_IS)


async def page(reader: Reader, after: str, limit: int) -> list[ProviderState]:
    """Up to `limit` providers in the order of their names, from the first behind `after`."""
    names = await reader.fetch_all(_page_end, after=after, limit=limit)
    return await _load(reader, _page, after=after, last=names[-1][0]) if names else []


async def named(reader: Reader, name: str) -> ProviderState | None:
    return next(iter(await _load(reader, _by_name, name=name)), None)


async def with_id(reader: Reader, provider_id: str) -> ProviderState | None:
    return next(iter(await _load(reader, _by_id, id=provider_id)), None)


async def _load(reader: Reader, parts: Parts, **condition: str) -> list[ProviderState]:
    rows = await reader.fetch_all(parts.own, **condition)
    if not rows:
        return []
    stock = _by_provider(await reader.fetch_all(parts.inventories, **condition))
    consumers: dict[str, int] = dict(await reader.fetch_all(parts.consumers, **condition))
    return [
        ProviderState(
            id=row[0],
            name=HostName(row[1]),
            generation=stock[row[0]][0][8] if row[0] in stock else row[2],
            parent_id=row[3],
            root_id=row[4],
            inventories={entry[0]: inventory_of(entry) for entry in stock.get(row[0], ())},
            used={entry[0]: entry[7] for entry in stock.get(row[0], ())},
            traits=names_in(row[5]),
            aggregates=names_in(row[6]),
            consumers=consumers.get(row[0], 0),
        )
        for row in rows
    ]


def _by_provider(rows: list[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[-1], []).append(row)
    return grouped


async def id_of(reader: Reader, name: str) -> str | None:
    return await reader.fetch_value(_id_of, name=name)  # type: ignore[no-any-return]


async def generations(reader: Reader) -> dict[HostName, int]:
    return {HostName(name): generation for name, generation in await reader.fetch_all(_generations)}


async def create(tx: Transaction, *, id: str, name: str, parent_id: str | None, root_id: str, now: Timestamp) -> None:
    """Errors: AlreadyThere."""
    await tx.execute(
        insert_into(providers),
        id=id,
        name=name,
        parent_id=parent_id,
        root_id=root_id,
        created_at=now,
        updated_at=now,
    )


async def rename(tx: Transaction, provider_id: str, name: str, now: Timestamp) -> None:
    """Errors: AlreadyThere."""
    await tx.execute(update_columns(providers, ("name", "updated_at")), by_id=provider_id, name=name, updated_at=now)


async def adopt(tx: Transaction, provider_id: str, *, parent_id: str | None, root_id: str) -> None:
    """Give a provider another parent; its own children come along only as far as their `root_id` is set too."""
    await tx.execute(
        update_columns(providers, ("parent_id", "root_id")), by_id=provider_id, parent_id=parent_id, root_id=root_id
    )


async def children(reader: Reader, provider_id: str) -> list[str]:
    return [row[0] for row in await reader.fetch_all(_children, parent_id=provider_id)]


async def is_used(reader: Reader, provider_id: str) -> bool:
    return await reader.fetch_one(_any_allocation, provider_id=provider_id) is not None


async def remove(tx: Transaction, provider_id: str) -> None:
    """With its inventories; the caller has locked it and seen that nobody uses it."""
    await tx.execute(delete_by(inventories, ("provider_id",)), provider_id=provider_id)
    await tx.execute(delete_by(providers), id=provider_id)
