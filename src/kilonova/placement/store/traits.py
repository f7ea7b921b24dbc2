"""Traits and aggregates of providers, custom traits, custom resource classes."""

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.model.time import Timestamp
from kilonova.placement.store.tables import provider_aggregates, provider_traits, resource_classes, traits

_custom_traits = Statement(select(traits.c.name, traits.c.created_at).order_by(traits.c.name))
_custom_classes = Statement(select(resource_classes.c.name, resource_classes.c.created_at).order_by("name"))
_traits_of = Statement(
    select(provider_traits.c.trait, provider_traits.c.by_driver).where(
        provider_traits.c.provider_id == bindparam("provider_id")
    )
)
_aggregates_of = Statement(
    select(provider_aggregates.c.aggregate_id).where(provider_aggregates.c.provider_id == bindparam("provider_id"))
)
_trait_user = Statement(
    select(provider_traits.c.provider_id).where(provider_traits.c.trait == bindparam("trait")).limit(1)
)


async def custom_traits(reader: Reader) -> dict[str, str]:
    """Name → when it was made."""
    return dict(await reader.fetch_all(_custom_traits))


async def custom_classes(reader: Reader) -> dict[str, str]:
    """Name → when it was made."""
    return dict(await reader.fetch_all(_custom_classes))


async def add_custom_trait(tx: Transaction, name: str, now: Timestamp) -> None:
    """Errors: AlreadyThere."""
    await tx.execute(insert_into(traits), name=name, created_at=now)


async def remove_custom_trait(tx: Transaction, name: str) -> bool:
    return await tx.execute(delete_by(traits, ("name",)), name=name) > 0


async def trait_in_use(reader: Reader, name: str) -> bool:
    return await reader.fetch_one(_trait_user, trait=name) is not None


async def add_custom_class(tx: Transaction, name: str, now: Timestamp) -> None:
    """Errors: AlreadyThere."""
    await tx.execute(insert_into(resource_classes), name=name, created_at=now)


async def remove_custom_class(tx: Transaction, name: str) -> bool:
    return await tx.execute(delete_by(resource_classes, ("name",)), name=name) > 0


async def rename_custom_class(tx: Transaction, name: str, new: str) -> bool:
    """Errors: AlreadyThere."""
    return await tx.execute(update_columns(resource_classes, ("name",), ("name",)), by_name=name, name=new) > 0


async def traits_of(reader: Reader, provider_id: str) -> dict[str, bool]:
    """Trait → whether the host's driver reported it."""
    return {name: bool(by_driver) for name, by_driver in await reader.fetch_all(_traits_of, provider_id=provider_id)}


async def set_traits(tx: Transaction, provider_id: str, wanted: Iterable[str], *, by_driver: bool) -> None:
    """Make the provider's traits `wanted`; a driver speaks for its own only, what others set stays."""
    found = await traits_of(tx, provider_id)
    wanted = frozenset(wanted)
    gone = [name for name, drivers in found.items() if name not in wanted and (drivers or not by_driver)]
    remove = delete_by(provider_traits, ("provider_id", "trait"))
    await tx.execute_many(remove, [{"provider_id": provider_id, "trait": name} for name in gone])
    new = [{"provider_id": provider_id, "trait": name, "by_driver": int(by_driver)} for name in wanted - found.keys()]
    await tx.execute_many(insert_into(provider_traits), new)


async def set_aggregates(tx: Transaction, provider_id: str, wanted: Iterable[str]) -> None:
    found = {row[0] for row in await tx.fetch_all(_aggregates_of, provider_id=provider_id)}
    wanted = frozenset(wanted)
    remove = delete_by(provider_aggregates, ("provider_id", "aggregate_id"))
    await tx.execute_many(remove, [{"provider_id": provider_id, "aggregate_id": name} for name in found - wanted])
    new = [{"provider_id": provider_id, "aggregate_id": name} for name in wanted - found]
    await tx.execute_many(insert_into(provider_aggregates), new)
