"""Which CPUs, pages and devices of hosts are whose."""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from sqlalchemy import and_, bindparam, select

from kilonova.contract.placement import Fits
from kilonova.db.database import Reader
from kilonova.db.statement import Statement, among, among_arguments, room_for
from kilonova.model.fitting.host import Fit
from kilonova.model.ids import HostName
from kilonova.placement.store.tables import allocations, providers

# Names in one statement.
SOME = 256

_a, _p = allocations.c, providers.c
_decode = msgspec.json.Decoder(Fit).decode
_on = Statement(select(_a.consumer_id, _a.fit).where(_a.provider_id == bindparam("provider_id"), _a.fit.is_not(None)))


async def fits_on(reader: Reader, provider_id: str, *, but: str) -> list[Fit]:
    """Those of all consumers `but` one."""
    rows = await reader.fetch_all(_on, provider_id=provider_id)
    return [_decode(fit) for consumer, fit in rows if consumer != but]


@lru_cache(maxsize=32)
def _by_names(room: int) -> Statement:
    """One look: fits and the generation they belong to."""
    with_fit = and_(_a.provider_id == _p.id, _a.fit.is_not(None))
    return Statement(
        select(_p.name, _p.generation, _a.consumer_id, _a.fit)
        .outerjoin(allocations, with_fit)
        .where(among(_p.name, "name", room))
    )


async def fits_by_host(reader: Reader, hosts: Iterable[HostName]) -> dict[HostName, Fits]:
    names = list(hosts)
    found: dict[HostName, Fits] = {}
    for start in range(0, len(names), SOME):
        some = names[start : start + SOME]
        room = room_for(len(some))
        rows = await reader.fetch_all(_by_names(room), **among_arguments("name", some, room))
        for name, generation, consumer, fit in rows:
            of = found.setdefault(HostName(name), Fits(generation=generation, of={})).of
            if fit is not None:
                of[consumer] = _decode(fit)
    return found


@lru_cache(maxsize=32)
def _by_consumers(room: int) -> Statement:
    return Statement(
        select(_a.consumer_id, _p.name, _a.fit)
        .join(providers, _p.id == _a.provider_id)
        .where(among(_a.consumer_id, "consumer", room), _a.fit.is_not(None))
    )


async def fits_by_consumer(reader: Reader, consumers: Iterable[str]) -> dict[str, dict[HostName, Fit]]:
    ids = list(consumers)
    found: dict[str, dict[HostName, Fit]] = {}
    for start in range(0, len(ids), SOME):
        some = ids[start : start + SOME]
        room = room_for(len(some))
        rows = await reader.fetch_all(_by_consumers(room), **among_arguments("consumer", some, room))
        for consumer, name, fit in rows:
            found.setdefault(consumer, {})[HostName(name)] = _decode(fit)
    return found
