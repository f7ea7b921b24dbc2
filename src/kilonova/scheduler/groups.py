"""What a request's server group and hints come to: the hosts of the servers they name."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from kilonova.contract.placement import Placement
from kilonova.contract.scheduler import RequestSpec
from kilonova.db.database import Database
from kilonova.model.ids import HostName
from kilonova.scheduler import records
from kilonova.scheduler.request import Group

# Hints that name servers to be with, or away from.
NEAR = ("same_host", "different_host")


class Relations:
    """Placement knows where servers are, from the moment their place is claimed."""

    def __init__(self, db: Database, placement: Placement) -> None:
        self._db = db
        self._placement = placement
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def one_at_a_time(self, group_id: str | None) -> AsyncIterator[None]:
        """Members of one group are placed one after the other, each seeing where the one before it went."""
        if group_id is None:
            yield
            return
        lock = self._locks.get(group_id)
        if lock is None:
            lock = self._locks[group_id] = asyncio.Lock()
        async with lock:
            yield

    async def group(self, spec: RequestSpec, consumer: str) -> Group | None:
        """The request's group with the places of its other members; None when there is none (any more)."""
        group_id = group_of(spec)
        rules = None if group_id is None else await records.group(self._db, group_id)
        if rules is None or group_id is None:
            return None
        others = tuple(member for member in rules.members if member not in (consumer, spec.server_id))
        places = await self._placement.holders(others) if others else {}
        return Group(
            id=group_id,
            policy=rules.policy,
            max_server_per_host=rules.max_server_per_host,
            members=Counter(host for hosts in places.values() for host in hosts),
        )

    async def near(self, spec: RequestSpec) -> dict[str, frozenset[HostName]]:
        found: dict[str, frozenset[HostName]] = {}
        for hint in NEAR:
            if named := spec.hints.get(hint):
                places = await self._placement.holders(tuple(named))
                found[hint] = frozenset(host for hosts in places.values() for host in hosts)
        return found

    async def clashes(self, spec: RequestSpec, consumer: str, host: HostName) -> bool:
        """Whether another scheduler placed a member at the same moment, against the policy.

        To be asked after the claim: of two that claim at once at least the later sees the other.
        """
        group = await self.group(spec, consumer)
        if group is None:
            return False
        if group.policy == "anti-affinity":
            return group.members.get(host, 0) >= group.max_server_per_host
        return group.policy == "affinity" and any(member != host for member in group.members)


def group_of(spec: RequestSpec) -> str | None:
    return spec.group_id or next(iter(spec.hints.get("group", [])), None)
