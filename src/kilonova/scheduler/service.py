"""The scheduler: decide in memory, claim in placement, explain what could not be had."""

import logging
import random
from collections.abc import Hashable, Iterable

import msgspec

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.contract.placement import ClaimRefused, ClaimRequest, Placement, ProviderChange
from kilonova.contract.scheduler import FilterCount, HostUpdate, NoValidHost, RequestSpec, Selection
from kilonova.db.database import Database
from kilonova.model.ids import HostName
from kilonova.scheduler.decision import Decision
from kilonova.scheduler.explanation import explain, sentence
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.groups import Relations, group_of
from kilonova.scheduler.host import HostState
from kilonova.scheduler.inventory import Inventory
from kilonova.scheduler.request import Request
from kilonova.scheduler.rules import RESOURCES, Rules
from kilonova.scheduler.settings import SchedulerSettings

log = logging.getLogger(__name__)

# How often the copy is compared with placement, whatever was heard.
COMPARE_S = 60.0
# Refused requests make us look whether something was missed, but not more often than this.
SECOND_LOOK_S = 1.0
# Members of one group that several schedulers place at the same time: the pause, and how often before giving up a host.
CLASH_S = 0.02
CLASHES = 10
# Equally good hosts among which `shuffle_best_same_weighed_hosts` chooses, at most.
EQUALS = 64


class SchedulerService:
    """Implements `contract.scheduler.Scheduler`. `start` it; let its placement tell it what changes (`hear`)."""

    def __init__(
        self,
        db: Database,
        placement: Placement,
        clock: Clock,
        settings: SchedulerSettings | None = None,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings or SchedulerSettings()
        self.fleet = Fleet(self.settings)
        self.conflicts = 0
        self._rules = Rules(self.settings)
        self._decision = Decision(self.fleet, self._rules)
        self._inventory = Inventory(db, placement, self.fleet)
        self._relations = Relations(db, placement)
        self._placement = placement
        self._clock = clock
        self._rng = rng or random.Random()
        self._tasks = Tasks("scheduler")
        self._looked_at = 0.0
        self._told: dict[Hashable, tuple[FilterCount, ...]] = {}
        self._told_of = (-1, 0)

    async def start(self) -> None:
        """Load all hosts, then compare with placement now and then."""
        await self.load()
        self._tasks.start(self._keep_comparing(), name="compare")

    async def load(self) -> None:
        await self._inventory.load()

    async def close(self) -> None:
        await self._tasks.close()

    async def _keep_comparing(self) -> None:
        while True:
            await self._clock.sleep(COMPARE_S)
            try:
                await self._inventory.correct()
            except Exception:
                log.exception("comparing with placement failed")

    # -- decisions ----

    async def select(self, spec: RequestSpec, consumer: str, attempt: int, avoid: tuple[HostName, ...]) -> Selection:
        """Choose a host and claim on it for `consumer`. Errors: NoValidHost."""
        async with self._relations.one_at_a_time(group_of(spec)):
            return await self._select(spec, consumer, frozenset(avoid))

    async def _select(self, spec: RequestSpec, consumer: str, avoid: frozenset[HostName]) -> Selection:
        looked_again = False
        clashes = 0
        while True:
            request = await self._request(spec, consumer, avoid)
            host = self._choose(request)
            if host is None:
                if not looked_again and await self._look_again():
                    looked_again = True
                    continue
                if (kept := await self._keep(request, consumer)) is not None:
                    return kept
                raise self._refusal(request)
            if await self._claim(request, consumer, host):
                if request.group is None or not await self._relations.clashes(spec, consumer, host.name):
                    return _selection(host)
                await self._placement.release(consumer)
                # Both may have given way: a pause of chance lets one go first, and the other then sees it.
                clashes += 1
                await self._clock.sleep(self._rng.random() * CLASH_S * clashes)
                if clashes < CLASHES:
                    continue
            if spec.force_host is not None:
                raise self._refusal(request)
            # It was full after all: the next best.
            avoid |= {host.name}

    async def _request(self, spec: RequestSpec, consumer: str, avoid: frozenset[HostName]) -> Request:
        group = await self._relations.group(spec, consumer) if group_of(spec) is not None else None
        near = await self._relations.near(spec) if spec.hints else None
        return self._rules.request(spec, now=self._clock.time(), avoid=avoid, group=group, near=near)

    def _choose(self, request: Request) -> HostState | None:
        forced = request.spec.force_host
        if forced is not None:
            host = self.fleet.get(forced)
            return host if host is not None and forced not in request.avoid else None
        if self.settings.shuffle_best_same_weighed_hosts:
            found = self._decision.best(request, EQUALS)
            equals = [host for host in found if self.fleet.score(host) == self.fleet.score(found[0])]
            return self._rng.choice(equals) if equals else None
        found = self._decision.best(request, self.settings.host_subset_size)
        if len(found) > 1:
            return self._rng.choice(found)
        return found[0] if found else None

    async def _claim(self, request: Request, consumer: str, host: HostState) -> bool:
        """Whether the host is ours now. Reserved meanwhile, so that nobody else here counts on the same room."""
        spec = request.spec
        self._inventory.reserve(consumer, host, request.needs)
        try:
            await self._placement.claim(
                ClaimRequest(
                    consumer=consumer,
                    host=host.name,
                    resources=request.needs,
                    project_id=spec.project_id,
                    user_id=spec.user_id,
                )
            )
        except ClaimRefused as refused:
            self._inventory.give_up(consumer)
            self.conflicts += 1
            log.info("claim refused: %s", refused.message, extra={"server": spec.server_id, "host": host.name})
            await self._inventory.reload([host.name])
            return False
        except BaseException:
            self._inventory.give_up(consumer)
            self._tasks.start(self._inventory.reload([host.name]), name="reload")
            raise
        self.fleet.take(host, {}, io_ops=1)
        if (untold := self._inventory.granted(consumer)) is not None:
            self._tasks.start(self._inventory.reload([untold]), name="reload")
        return True

    async def _keep(self, request: Request, consumer: str) -> Selection | None:
        """A step that runs a second time finds the claim of the first: if that still will do, it is the answer."""
        for name in (await self._placement.holders((consumer,))).get(consumer, ()):
            host = self.fleet.get(name)
            if host is None:
                continue
            self.fleet.take(host, {key: -amount for key, amount in request.needs.items()})
            good = host in explain(self.fleet, self._rules, request, only=(host,)).ranked
            self.fleet.take(host, request.needs)
            if good and await self._claim(request, consumer, host):
                return _selection(host)
        return None

    async def _look_again(self) -> bool:
        """Before a refusal: whether the copy had missed something."""
        now = self._clock.time()
        if now - self._looked_at < SECOND_LOOK_S and not self._inventory.outdated:
            return False
        self._looked_at = now
        return await self._inventory.correct()

    # -- explanations ----

    async def explain(self, spec: RequestSpec) -> tuple[FilterCount, ...]:
        """The same decision without a claim."""
        await self._look_again()
        return self._counts(await self._request(spec, spec.server_id, frozenset()))

    def _counts(self, request: Request) -> tuple[FilterCount, ...]:
        forced = request.spec.force_host
        if forced is None:
            return self._counts_of_all(request)
        host = self.fleet.get(forced)
        if host is None:
            return (FilterCount(name="ForcedHost", given=len(self.fleet), passed=0, short="there is no such host"),)
        return explain(self.fleet, self._rules, request, only=(host,), stages=(RESOURCES,)).counts

    def _counts_of_all(self, request: Request) -> tuple[FilterCount, ...]:
        """A full cloud refuses the same again and again: as long as nothing changed the answer is remembered."""
        if not request.is_plain:
            return explain(self.fleet, self._rules, request).counts
        state = (self.fleet.changes, int(request.now))
        if self._told_of != state:
            self._told.clear()
            self._told_of = state
        # The image matters to IsolatedHostsFilter, which asks hosts, not profiles.
        key = (request.demand, request.spec.image_id)
        counts = self._told.get(key)
        if counts is None:
            counts = self._told[key] = explain(self.fleet, self._rules, request).counts
        return counts

    def _refusal(self, request: Request) -> NoValidHost:
        counts = self._counts(request)
        return NoValidHost(sentence(counts), [msgspec.to_builtins(count) for count in counts])

    # -- what is heard ----

    def hear(self, changes: Iterable[ProviderChange]) -> None:
        """What a placement service of this process changed: give this to its `listen`."""
        self._inventory.hear(changes)
        if outdated := self._inventory.outdated:
            self._tasks.start(self._inventory.reload(outdated), name="reload")

    async def placement_changed(self, changes: tuple[ProviderChange, ...]) -> None:
        self.hear(changes)

    async def host_updated(self, update: HostUpdate) -> None:
        await self._inventory.reported(update, self._clock.time())

    async def refresh(self, hosts: tuple[HostName, ...]) -> None:
        if hosts:
            await self._inventory.replace(hosts)
        else:
            await self._inventory.load()


def _selection(host: HostState) -> Selection:
    return Selection(host=host.name, node=host.node, availability_zone=host.profile.zone)
