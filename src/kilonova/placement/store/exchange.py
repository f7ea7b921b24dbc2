"""Several consumers at once: what all of them give back is there for all of them, in whichever order they come."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from kilonova.contract.placement import ProviderChange
from kilonova.db.database import Transaction
from kilonova.model.time import Timestamp
from kilonova.placement.store.allocations import Holder, Short, add, bump, enter, replace, surrender, write_rows
from kilonova.placement.store.holdings import Amounts, Holdings
from kilonova.placement.store.taking import amounts_of, give_back, take


class Wish(msgspec.Struct, frozen=True):
    """`known`: the consumer holds something already."""

    holder: Holder
    wanted: Holdings
    known: bool


async def exchange(tx: Transaction, wishes: Sequence[Wish], now: Timestamp) -> list[ProviderChange]:
    """Let each consumer hold what it wishes instead of what it holds. Errors: AlreadyThere, ConsumerChanged, Short."""
    if len(wishes) == 1:
        return await _alone(tx, wishes[0], now)
    given: dict[str, Counter[str]] = {}
    for wish in sorted(wishes, key=lambda wish: wish.holder.id):
        for provider_id, amounts in (await _give(tx, wish, now)).items():
            given.setdefault(provider_id, Counter()).update(amounts)
    providers = {provider_id for wish in wishes for provider_id in wish.wanted}
    changes = []
    for provider_id in sorted(providers | given.keys()):
        takers = [wish.wanted[provider_id] for wish in wishes if provider_id in wish.wanted]
        changes.append(await _settle(tx, provider_id, given.get(provider_id, Counter()), takers))
    return changes


async def _alone(tx: Transaction, wish: Wish, now: Timestamp) -> list[ProviderChange]:
    if wish.known:
        return await replace(tx, wish.holder, wish.wanted, now)
    return await add(tx, wish.holder, wish.wanted, now) if wish.wanted else []


async def _give(tx: Transaction, wish: Wish, now: Timestamp) -> Holdings:
    held: Holdings = {}
    if wish.known:
        held = await surrender(tx, wish.holder, now, ends=not wish.wanted)
    elif wish.wanted:
        await enter(tx, wish.holder, now)
    await write_rows(tx, wish.holder.id, wish.wanted)
    return held


async def _settle(tx: Transaction, provider_id: str, back: Counter[str], takers: list[Amounts]) -> ProviderChange:
    generation, name = await bump(tx, provider_id)
    if back:
        await tx.execute(give_back(len(back)), by_provider=provider_id, **amounts_of(back))
    for taken in takers:
        if await tx.execute(take(len(taken)), by_provider=provider_id, **amounts_of(taken)) != len(taken):
            raise Short(provider_id, name, wanted=taken, back=back)
        back.subtract(taken)
    return ProviderChange(name=name, generation=generation, reload=True)
