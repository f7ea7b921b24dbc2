"""Custom traits and custom resource classes, and which traits and aggregates a provider has."""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from sqlalchemy import bindparam, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.model.time import Timestamp
from kilonova.placement.store.tables import inventories, providers, resource_classes, traits

_custom_traits = Statement(select(traits.c.name, traits.c.created_at).order_by(traits.c.name))
_custom_classes = Statement(
    select(resource_classes.c.name, resource_classes.c.created_at).order_by(resource_classes.c.name)
)
_class_user = Statement(
    select(inventories.c.provider_id).where(inventories.c.resource_class == bindparam("name")).limit(1)
)
_trait_user = Statement(select(providers.c.id).where(providers.c.traits.like(bindparam("quoted"), escape="!")).limit(1))

_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=4096)
def names_in(text: str) -> frozenset[str]:
    """From the JSON list in a row; equal texts share one set."""
    return frozenset(msgspec.json.decode(text, type=list[str]))


def text_of(names: Iterable[str]) -> str:
    return _encode(sorted(names)).decode()


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
    # An underscore matches any character in LIKE.
    return await reader.fetch_one(_trait_user, quoted='%"' + name.replace("_", "!_") + '"%') is not None


async def class_in_use(reader: Reader, name: str) -> bool:
    return await reader.fetch_one(_class_user, name=name) is not None


async def add_custom_class(tx: Transaction, name: str, now: Timestamp) -> None:
    """Errors: AlreadyThere."""
    await tx.execute(insert_into(resource_classes), name=name, created_at=now)


async def remove_custom_class(tx: Transaction, name: str) -> bool:
    return await tx.execute(delete_by(resource_classes, ("name",)), name=name) > 0


async def rename_custom_class(tx: Transaction, name: str, new: str) -> bool:
    """Errors: AlreadyThere."""
    return await tx.execute(update_columns(resource_classes, ("name",), ("name",)), by_name=name, name=new) > 0


_set_traits = update_columns(providers, ("traits", "driver_traits"))
_set_aggregates = update_columns(providers, ("aggregates",))
_traits_of = Statement(
    select(providers.c.traits, providers.c.driver_traits).where(providers.c.id == bindparam("by_id"))
)


async def driver_traits_of(reader: Reader, provider_id: str) -> frozenset[str]:
    row = await reader.fetch_one(_traits_of, by_id=provider_id)
    return names_in(row[1]) if row else frozenset()


async def report_traits(tx: Transaction, provider_id: str, reported: frozenset[str]) -> None:
    """A driver speaks for what it reported itself: that is replaced, what others set stays."""
    row = await tx.fetch_one(_traits_of, by_id=provider_id)
    assert row is not None
    theirs = names_in(row[0]) - names_in(row[1])
    await tx.execute(
        _set_traits, by_id=provider_id, traits=text_of(theirs | reported), driver_traits=text_of(reported - theirs)
    )


async def set_traits(tx: Transaction, provider_id: str, wanted: Iterable[str]) -> None:
    """Make them exactly `wanted`; the driver keeps its say over those of its own that stay."""
    row = await tx.fetch_one(_traits_of, by_id=provider_id)
    assert row is not None
    wanted = frozenset(wanted)
    await tx.execute(
        _set_traits, by_id=provider_id, traits=text_of(wanted), driver_traits=text_of(names_in(row[1]) & wanted)
    )


async def set_aggregates(tx: Transaction, provider_id: str, wanted: Iterable[str]) -> None:
    await tx.execute(_set_aggregates, by_id=provider_id, aggregates=text_of(frozenset(wanted)))
