"""The cloud's own face of placement."""

import logging
from collections.abc import Callable
from typing import Protocol

from kilonova.aio.clock import Clock
from kilonova.contract.placement import (
    ClaimRefused,
    ClaimRequest,
    Fits,
    FitTaken,
    Provider,
    ProviderChange,
    ProviderState,
)
from kilonova.db.database import Database, Transaction
from kilonova.db.errors import AlreadyThere, TryAgain
from kilonova.model.fitting.host import Fit
from kilonova.model.ids import HostName
from kilonova.placement.errors import ProviderInUse, ProviderIsParent, ProviderNotFound
from kilonova.placement.standard import is_custom
from kilonova.placement.store import allocations, fits, holdings, inventories, providers, traits
from kilonova.placement.store.allocations import Clash, ConsumerChanged, Holder, Short
from kilonova.placement.store.holdings import Holdings

log = logging.getLogger(__name__)

# Claims and releases for one and the same consumer that may come between two looks at it.
TRIES = 20

Listener = Callable[[tuple[ProviderChange, ...]], None]


class _Work(Protocol):
    async def __call__(self, tx: Transaction) -> list[ProviderChange]: ...


class PlacementService:
    """Implements `contract.placement.Placement`. Any number of them may share a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self._ids: dict[str, str] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """`listener` hears, once it is durable, of every change made through this service. It must be quick."""
        self._listeners.append(listener)

    def tell(self, *changes: ProviderChange) -> None:
        for listener in self._listeners:
            listener(changes)

    async def change(self, work: _Work) -> list[ProviderChange]:
        """Run `work` in a transaction and tell the listeners what it changed."""

        async def and_tell(tx: Transaction) -> list[ProviderChange]:
            changes = await work(tx)
            if changes:
                tx.after_commit(lambda: self.tell(*changes))
            return changes

        return await self.db.run(and_tell)

    async def claim(self, request: ClaimRequest) -> None:
        """All of it or nothing; again with the same consumer replaces. Errors: ClaimRefused, FitTaken."""
        holder = Holder(
            id=request.consumer,
            project_id=request.project_id,
            user_id=request.user_id,
            type=request.consumer_type,
        )
        provider_id = await self._id(request.host)
        if provider_id is None:
            raise ClaimRefused(request.host, "placement knows no such host")
        wanted = allocations.without_zeros({provider_id: request.resources})
        try:
            await self._hold(holder, wanted, request.fit)
        except ProviderNotFound:
            # Made anew under another id since we looked: the next claim looks again.
            self._ids.pop(request.host, None)
            raise ClaimRefused(request.host, "placement knows no such host any more") from None
        except Short as short:
            raise ClaimRefused(request.host, await allocations.reason_of(self.db, short)) from None
        except Clash as clash:
            raise FitTaken(request.host, str(clash)) from None

    async def _hold(self, holder: Holder, wanted: Holdings, fit: Fit | None) -> None:
        """New consumers are the rule, so that is what is tried first, without a look."""
        for _ in range(TRIES):
            now = self.clock.now()
            try:
                if wanted:
                    await self.change(lambda tx, now=now: allocations.add(tx, holder, wanted, now, fit))
                    return
            except AlreadyThere:
                if await self._has(holder.id, wanted, fit):
                    return
            try:
                await self.change(lambda tx, now=now: allocations.replace(tx, holder, wanted, now, fit))
                return
            except ConsumerChanged:
                # It ended in between: then it is new after all.
                if not wanted:
                    return
        raise TryAgain(f"Too many are changing what {holder.id} holds.")

    async def _has(self, consumer: str, wanted: Holdings, fit: Fit | None) -> bool:
        if await holdings.held_by(self.db, consumer) != wanted:
            return False
        has = (await fits.fits_by_consumer(self.db, (consumer,))).get(consumer, {})
        return list(has.values()) == ([] if fit is None else [fit])

    async def _id(self, name: str) -> str | None:
        known = self._ids.get(name)
        if known is None:
            known = await providers.id_of(self.db, name)
            if known is not None:
                self._ids[name] = known
        return known

    async def release(self, consumer: str) -> None:
        await self.change(lambda tx: allocations.drop(tx, consumer))

    async def move(self, *, source: str, target: str) -> None:
        await self.change(lambda tx: allocations.move(tx, source, target))

    async def report(self, provider: Provider) -> None:
        """Nothing is written while nothing is new. A host that comes back under another id keeps its provider's."""
        known = await providers.named(self.db, provider.name) or await providers.with_id(self.db, provider.id)
        if known is not None and await self._says_nothing_new(known, provider):
            return
        await self._make_known(provider.traits)
        now = self.clock.now()

        async def write(tx: Transaction) -> list[ProviderChange]:
            if known is None:
                await providers.create(
                    tx, id=provider.id, name=provider.name, parent_id=None, root_id=provider.id, now=now
                )
            elif known.name != provider.name:
                await providers.rename(tx, known.id, provider.name, now)
            own_id = provider.id if known is None else known.id
            generation, name = await allocations.bump(tx, own_id)
            await inventories.set_inventories(tx, own_id, provider.inventories, keep_used=True)
            await traits.report_traits(tx, own_id, provider.traits)
            return [ProviderChange(name=name, generation=generation, reload=True)]

        await self.change(write)

    async def _says_nothing_new(self, known: ProviderState, provider: Provider) -> bool:
        if known.name != provider.name or known.inventories != provider.inventories:
            return False
        theirs = await traits.driver_traits_of(self.db, known.id)
        return provider.traits <= known.traits and theirs <= provider.traits

    async def _make_known(self, names: frozenset[str]) -> None:
        """Custom traits that a driver reports exist from then on."""
        custom = sorted(name for name in names if is_custom(name))
        known = await traits.custom_traits(self.db) if custom else {}
        for name in custom:
            if name not in known:
                try:
                    async with self.db.begin() as tx:
                        await traits.add_custom_trait(tx, name, self.clock.now())
                except AlreadyThere:
                    log.debug("trait made by somebody else at the same moment: %s", name)

    async def forget(self, name: HostName) -> None:
        provider_id = await providers.id_of(self.db, name)
        if provider_id is not None:
            await self.remove(provider_id)

    async def remove(self, provider_id: str) -> None:
        """Errors: ProviderNotFound, ProviderInUse, ProviderIsParent."""

        async def write(tx: Transaction) -> list[ProviderChange]:
            # The lock first: a claim that comes now finds no provider afterwards.
            generation, name = await allocations.bump(tx, provider_id)
            if await providers.is_used(tx, provider_id):
                raise ProviderInUse(provider_id)
            if await providers.children(tx, provider_id):
                raise ProviderIsParent(provider_id)
            await providers.remove(tx, provider_id)
            self._ids.pop(name, None)
            return [ProviderChange(name=name, generation=generation, reload=True)]

        await self.change(write)

    async def consumers(self) -> dict[str, dict[str, dict[str, int]]]:
        return await holdings.everything(self.db)

    async def holders(self, consumers: tuple[str, ...]) -> dict[str, tuple[HostName, ...]]:
        return await holdings.holders(self.db, consumers)

    async def providers(self, after: str, limit: int) -> tuple[ProviderState, ...]:
        return tuple(await providers.page(self.db, after, limit))

    async def provider(self, name: HostName) -> ProviderState | None:
        return await providers.named(self.db, name)

    async def fits(self, hosts: tuple[HostName, ...]) -> dict[HostName, Fits]:
        return await fits.fits_by_host(self.db, hosts)

    async def fits_of(self, consumers: tuple[str, ...]) -> dict[str, dict[HostName, Fit]]:
        return await fits.fits_by_consumer(self.db, consumers)

    async def generations(self) -> dict[HostName, int]:
        return await providers.generations(self.db)
