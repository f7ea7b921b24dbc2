"""Who holds what: written so that no race can give away more than there is.

Locks are taken in one order everywhere (consumer, then providers by id, then their inventories), and capacity is
checked by the very statement that takes. A claim for a new consumer is four statements and reads nothing; PostgreSQL
takes them all in one, which saves three ways there and back.
"""

from collections.abc import Mapping

import msgspec
from sqlalchemy import bindparam, delete, select, update

from kilonova.contract.placement import ProviderChange
from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, insert_into
from kilonova.model.allocation import what_is_short
from kilonova.model.fitting.host import Fit
from kilonova.model.ids import HostName
from kilonova.model.time import Timestamp
from kilonova.placement.errors import ProviderNotFound
from kilonova.placement.store.fits import fits_on
from kilonova.placement.store.holdings import Amounts, Holdings, consumer, decode_amounts
from kilonova.placement.store.inventories import inventories_of
from kilonova.placement.store.tables import allocations, consumers, providers
from kilonova.placement.store.taking import BUMP, FIRST, add_at_once, amounts_of, give_back, take

_encode = msgspec.json.Encoder(order="sorted").encode


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer as it is written; `generation` is the one it has to have now, None for whichever."""

    id: str
    project_id: str
    user_id: str
    type: str
    generation: int | None = None


class Short(Exception):
    """A provider cannot give `wanted` even after it got `back` back; internal, the transaction is rolled back by it."""

    def __init__(self, provider_id: str, name: HostName, *, wanted: Amounts, back: Amounts) -> None:
        super().__init__(f"{name} is short")
        self.provider_id = provider_id
        self.name = name
        self.wanted = wanted
        self.back = back


class Clash(Exception):
    """Somebody else has what a fit is made of; internal, the transaction is rolled back by it."""


class ConsumerChanged(Exception):
    """The consumer is not of the generation the caller knows; internal."""


_bump = Statement(BUMP)
_bump_and_tell = Statement(BUMP.returning(providers.c.generation, providers.c.name))
_generation = Statement(select(providers.c.generation, providers.c.name).where(providers.c.id == bindparam("by_id")))
_take_away_rows = Statement(
    delete(allocations)
    .where(allocations.c.consumer_id == bindparam("consumer_id"))
    .returning(allocations.c.provider_id, allocations.c.resources)
)
_forget_consumer = Statement(delete(consumers).where(consumers.c.id == bindparam("by_id")))
_touch = (
    update(consumers)
    .where(consumers.c.id == bindparam("by_id"))
    .values(
        generation=consumers.c.generation + 1,
        project_id=bindparam("project_id"),
        user_id=bindparam("user_id"),
        type=bindparam("type"),
        updated_at=bindparam("updated_at"),
    )
)
_touch_any = Statement(_touch)
_touch_known = Statement(_touch.where(consumers.c.generation == bindparam("by_generation")))


async def add(
    tx: Transaction, holder: Holder, wanted: Holdings, now: Timestamp, fit: Fit | None = None
) -> list[ProviderChange]:
    """Let a consumer that holds nothing yet hold `wanted`. Errors: AlreadyThere when it does, Short, Clash.

    A `fit` is for claims of one provider.
    """
    if tx.dialect == "postgresql" and len(wanted) == 1 and fit is None:
        return [await _add_to_one(tx, holder, *next(iter(wanted.items())), now)]
    await enter(tx, holder, now)
    return await _settle(tx, holder.id, {}, wanted, fit)


async def enter(tx: Transaction, holder: Holder, now: Timestamp) -> None:
    """A new consumer. Errors: AlreadyThere."""
    await tx.execute(
        insert_into(consumers),
        id=holder.id,
        generation=FIRST,
        project_id=holder.project_id,
        user_id=holder.user_id,
        type=holder.type,
        created_at=now,
        updated_at=now,
    )


async def _add_to_one(
    tx: Transaction, holder: Holder, provider_id: str, wanted: Amounts, now: Timestamp
) -> ProviderChange:
    row = await tx.fetch_one(
        add_at_once(len(wanted)),
        id=holder.id,
        project_id=holder.project_id,
        user_id=holder.user_id,
        type=holder.type,
        created_at=now,
        updated_at=now,
        by_id=provider_id,
        resources=_encode(wanted).decode(),
        **amounts_of(wanted),
    )
    if row is None:
        raise ProviderNotFound(provider_id)
    generation, name, taken = row
    if taken != len(wanted):
        raise Short(provider_id, HostName(name), wanted=wanted, back={})
    return ProviderChange(name=HostName(name), generation=generation, consumer=holder.id, used=wanted, consumers=1)


async def replace(
    tx: Transaction, holder: Holder, wanted: Holdings, now: Timestamp, fit: Fit | None = None
) -> list[ProviderChange]:
    """Let a consumer hold `wanted` instead of what it holds; nothing wanted ends it.

    Errors: ConsumerChanged, Short, Clash.
    """
    held = await surrender(tx, holder, now, ends=not wanted)
    return await _settle(tx, holder.id, held, wanted, fit)


async def surrender(tx: Transaction, holder: Holder, now: Timestamp, *, ends: bool) -> Holdings:
    """What a consumer holds, no longer its own but not counted back yet. Errors: ConsumerChanged."""
    known = {} if holder.generation is None else {"by_generation": holder.generation}
    touched = await tx.execute(
        _touch_known if known else _touch_any,
        by_id=holder.id,
        project_id=holder.project_id,
        user_id=holder.user_id,
        type=holder.type,
        updated_at=now,
        **known,
    )
    if not touched:
        raise ConsumerChanged
    if ends:
        await tx.execute(_forget_consumer, by_id=holder.id)
    return await _take_away(tx, holder.id)


async def drop(tx: Transaction, consumer: str) -> list[ProviderChange]:
    """End a consumer and free what it holds; empty when there is none."""
    if not await tx.execute(_forget_consumer, by_id=consumer):
        return []
    return await _settle(tx, consumer, await _take_away(tx, consumer), {})


async def _take_away(tx: Transaction, consumer: str) -> Holdings:
    rows = await tx.fetch_all(_take_away_rows, consumer_id=consumer)
    return {provider: decode_amounts(resources) for provider, resources in rows}


async def _settle(
    tx: Transaction, consumer: str, held: Holdings, wanted: Holdings, fit: Fit | None = None
) -> list[ProviderChange]:
    """Count `held` back and `wanted` in, provider by provider; the rows of `held` are gone already."""
    await write_rows(tx, consumer, wanted, fit)
    changes = []
    for provider_id in sorted({*held, *wanted}):
        generation, name = await bump(tx, provider_id)
        back, taken = held.get(provider_id, {}), wanted.get(provider_id, {})
        if back:
            await tx.execute(give_back(len(back)), by_provider=provider_id, **amounts_of(back))
        if taken and await tx.execute(take(len(taken)), by_provider=provider_id, **amounts_of(taken)) != len(taken):
            raise Short(provider_id, name, wanted=taken, back=back)
        # The provider's row is locked: nobody can give the same away meanwhile.
        if taken and fit is not None and (clash := fit.clashes(await fits_on(tx, provider_id, but=consumer))):
            raise Clash(clash)
        changes.append(
            ProviderChange(
                name=name,
                generation=generation,
                consumer=consumer,
                used=_difference(back, taken),
                consumers=bool(taken) - bool(back),
            )
        )
    return changes


async def write_rows(tx: Transaction, consumer: str, wanted: Holdings, fit: Fit | None = None) -> None:
    for provider_id, amounts in wanted.items():
        await tx.execute(
            insert_into(allocations),
            consumer_id=consumer,
            provider_id=provider_id,
            resources=_encode(amounts).decode(),
            fit=None if fit is None else msgspec.json.encode(fit).decode(),
        )


async def bump(tx: Transaction, provider_id: str) -> tuple[int, HostName]:
    """Give the provider its next generation (its row is locked from here on). Errors: ProviderNotFound."""
    if tx.dialect == "mysql":
        # MariaDB has no UPDATE … RETURNING.
        await tx.execute(_bump, by_id=provider_id)
        row = await tx.fetch_one(_generation, by_id=provider_id)
    else:
        row = await tx.fetch_one(_bump_and_tell, by_id=provider_id)
    if row is None:
        raise ProviderNotFound(provider_id)
    return row[0], HostName(row[1])


async def reason_of(reader: Reader, short: Short) -> str:
    """What was short, as it stands after the rollback."""
    found, used = await inventories_of(reader, short.provider_id)
    before = {name: amount - short.back.get(name, 0) for name, amount in used.items()}
    return what_is_short(found, before, short.wanted) or "it was full for a moment"


def _difference(back: Amounts, taken: Amounts) -> Amounts:
    difference = {name: taken.get(name, 0) - back.get(name, 0) for name in {*back, *taken}}
    return {name: amount for name, amount in difference.items() if amount}


_rename_consumer = Statement(
    update(consumers)
    .where(consumers.c.id == bindparam("source"))
    .values(id=bindparam("target"), moved_from=bindparam("moved_from"), generation=consumers.c.generation + 1)
)
_rename_rows = Statement(
    update(allocations).where(allocations.c.consumer_id == bindparam("source")).values(consumer_id=bindparam("target"))
)
_moved_from = Statement(select(consumers.c.moved_from).where(consumers.c.id == bindparam("by_id")))


async def move(tx: Transaction, source: str, target: str) -> list[ProviderChange]:
    """`target` gets what `source` holds instead of its own, unless that has been done before."""
    if await tx.fetch_value(_moved_from, by_id=target) == source:
        return []
    if await consumer(tx, source) is None:
        return []
    changes = await drop(tx, target)
    await tx.execute(_rename_consumer, source=source, target=target, moved_from=source)
    await tx.execute(_rename_rows, source=source, target=target)
    return changes


def without_zeros(holdings: Mapping[str, Amounts]) -> Holdings:
    cleaned = {provider: {name: n for name, n in amounts.items() if n} for provider, amounts in holdings.items()}
    return {provider: amounts for provider, amounts in cleaned.items() if amounts}
