"""All providers in memory, for REST's questions: exact, because nothing changes without a new generation."""

from sqlalchemy import func, select

from kilonova.contract.placement import ProviderState
from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.placement.store import providers
from kilonova.placement.store.tables import providers as table

_signature = Statement(select(func.count(), func.sum(table.c.generation), func.max(table.c.number)))
_all = Statement(select(table.c.id, table.c.generation))

PAGE = 5000


class Picture:
    """`current` looks whether anything changed (one small query) and reads again what did."""

    def __init__(self, db: Reader) -> None:
        self._db = db
        self._seen: tuple[int, ...] | None = None
        self._known: dict[str, ProviderState] = {}

    async def current(self) -> dict[str, ProviderState]:
        """All providers by id, in the order of their making. Not to be changed."""
        signature = await self._db.fetch_one(_signature)
        if signature != self._seen:
            await self._catch_up()
            self._seen = signature
        return self._known

    async def _catch_up(self) -> None:
        generations: dict[str, int] = dict(await self._db.fetch_all(_all))
        if len(generations) > 2 * len(self._known) + 100:
            self._known = {}
            after = ""
            while page := await providers.page(self._db, after, PAGE):
                after = page[-1].name
                self._known.update((state.id, state) for state in page)
            return
        known = {}
        for provider_id, generation in generations.items():
            state = self._known.get(provider_id)
            if state is None or state.generation != generation:
                state = await providers.with_id(self._db, provider_id)
            if state is not None:
                known[provider_id] = state
        self._known = known
