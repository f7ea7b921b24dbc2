"""Reads: who holds what of whom."""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement, among, among_arguments, room_for
from kilonova.model.ids import HostName
from kilonova.placement.store.tables import allocations, consumers, providers

Amounts = dict[str, int]
Holdings = dict[str, Amounts]  # by provider id

decode_amounts = msgspec.json.Decoder(Amounts).decode


class Consumer(msgspec.Struct, frozen=True):
    id: str
    generation: int
    project_id: str
    user_id: str
    type: str


_consumer = Statement(
    select(consumers.c.id, consumers.c.generation, consumers.c.project_id, consumers.c.user_id, consumers.c.type).where(
        consumers.c.id == bindparam("by_id")
    )
)
_held_by = Statement(
    select(allocations.c.provider_id, allocations.c.resources).where(
        allocations.c.consumer_id == bindparam("consumer_id")
    )
)
_held_of = Statement(
    select(
        allocations.c.consumer_id,
        allocations.c.resources,
        consumers.c.generation,
        consumers.c.project_id,
        consumers.c.user_id,
        consumers.c.type,
    )
    .join(consumers, consumers.c.id == allocations.c.consumer_id)
    .where(allocations.c.provider_id == bindparam("provider_id"))
)
_all = Statement(
    select(allocations.c.consumer_id, providers.c.name, allocations.c.resources).join(
        providers, providers.c.id == allocations.c.provider_id
    )
)


async def consumer(reader: Reader, consumer_id: str) -> Consumer | None:
    row = await reader.fetch_one(_consumer, by_id=consumer_id)
    return None if row is None else Consumer(*row)


async def held_by(reader: Reader, consumer_id: str) -> Holdings:
    return {
        provider: decode_amounts(amounts)
        for provider, amounts in await reader.fetch_all(_held_by, consumer_id=consumer_id)
    }


async def held_of(reader: Reader, provider_id: str) -> dict[str, tuple[Amounts, Consumer]]:
    """What each consumer holds of a provider."""
    rows = await reader.fetch_all(_held_of, provider_id=provider_id)
    return {row[0]: (decode_amounts(row[1]), Consumer(row[0], *row[2:])) for row in rows}


async def everything(reader: Reader) -> dict[str, dict[str, Amounts]]:
    """Consumer → provider name → amounts."""
    found: dict[str, dict[str, Amounts]] = {}
    for consumer_id, name, amounts in await reader.fetch_all(_all):
        found.setdefault(consumer_id, {})[name] = decode_amounts(amounts)
    return found


@lru_cache(maxsize=32)
def _names_held(room: int) -> Statement:
    return Statement(
        select(allocations.c.consumer_id, providers.c.name)
        .join(providers, providers.c.id == allocations.c.provider_id)
        .where(among(allocations.c.consumer_id, "consumer", room))
    )


async def holders(reader: Reader, wanted: Iterable[str]) -> dict[str, tuple[HostName, ...]]:
    """Names of the providers that each of the consumers holds something of."""
    ids = list(wanted)
    found: dict[str, tuple[HostName, ...]] = {}
    for start in range(0, len(ids), 256):
        some = ids[start : start + 256]
        room = room_for(len(some))
        for consumer_id, name in await reader.fetch_all(_names_held(room), **among_arguments("consumer", some, room)):
            found[consumer_id] = (*found.get(consumer_id, ()), HostName(name))
    return found
