"""What providers have, and what of it is in use."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from kilonova.contract.placement import Inventory
from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, insert_into
from kilonova.placement.errors import InventoryInUse
from kilonova.placement.store.tables import inventories

COLUMNS = (
    inventories.c.resource_class,
    inventories.c.total,
    inventories.c.reserved,
    inventories.c.allocation_ratio,
    inventories.c.min_unit,
    inventories.c.max_unit,
    inventories.c.step_size,
    inventories.c.used,
)

_of = Statement(select(*COLUMNS).where(inventories.c.provider_id == bindparam("provider_id")))
_set = Statement(
    update(inventories)
    .where(inventories.c.provider_id == bindparam("by_provider"), inventories.c.resource_class == bindparam("by_class"))
    .values(
        {
            name: bindparam(name)
            for name in ("total", "reserved", "allocation_ratio", "min_unit", "max_unit", "step_size")
        }
    )
)
# In one statement with its condition: nobody can take of it between the look and the removal.
_remove_unused = Statement(
    delete(inventories).where(
        inventories.c.provider_id == bindparam("provider_id"),
        inventories.c.resource_class == bindparam("resource_class"),
        inventories.c.used == 0,
    )
)


def inventory_of(row: tuple[Any, ...]) -> Inventory:
    """From a row of `COLUMNS`; equal ones are shared, since most hosts of a cloud have the same."""
    return _shared(*row[1:7])


@lru_cache(maxsize=4096)
def _shared(
    total: int, reserved: int, allocation_ratio: float, min_unit: int, max_unit: int, step_size: int
) -> Inventory:
    return Inventory(
        total=total,
        reserved=reserved,
        allocation_ratio=allocation_ratio,
        min_unit=min_unit,
        max_unit=max_unit,
        step_size=step_size,
    )


async def inventories_of(reader: Reader, provider_id: str) -> tuple[dict[str, Inventory], dict[str, int]]:
    """By resource class: what there is, and how much of it is in use."""
    rows = await reader.fetch_all(_of, provider_id=provider_id)
    return {row[0]: inventory_of(row) for row in rows}, {row[0]: row[7] for row in rows}


async def set_inventories(
    tx: Transaction, provider_id: str, wanted: Mapping[str, Inventory], *, keep_used: bool = False
) -> None:
    """Make them exactly `wanted`. One in use cannot go: `keep_used` leaves it. Errors: InventoryInUse."""
    found, _ = await inventories_of(tx, provider_id)
    for name, inventory in wanted.items():
        if name not in found:
            await tx.execute(
                insert_into(inventories), provider_id=provider_id, resource_class=name, **_values(inventory)
            )
        elif found[name] != inventory:
            await tx.execute(_set, by_provider=provider_id, by_class=name, **_values(inventory))
    gone = [name for name in found if name not in wanted]
    kept = [name for name in gone if not await tx.execute(_remove_unused, provider_id=provider_id, resource_class=name)]
    if kept and not keep_used:
        raise InventoryInUse(kept, provider_id)


def _values(inventory: Inventory) -> dict[str, int | float]:
    return {
        "total": inventory.total,
        "reserved": inventory.reserved,
        "allocation_ratio": inventory.allocation_ratio,
        "min_unit": inventory.min_unit,
        "max_unit": inventory.max_unit,
        "step_size": inventory.step_size,
    }
