"""The scheduler: decide in memory, claim in placement, explain what could not be had."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterable, Sequence

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.contract.placement import ClaimRefused, ClaimRequest, Placement, ProviderChange
from kilonova.contract.scheduler import Candidate, Explained, HostUpdate, NoValidHost, RequestSpec, Selection
from kilonova.db.database import Database
from kilonova.model.fitting.fit import Lack
from kilonova.model.ids import HostName
from kilonova.observe.metrics import Figure
from kilonova.scheduler.choice import Choice
from kilonova.scheduler.counts import Counts
from kilonova.scheduler.explanation import explain
from kilonova.scheduler.fitted import fit_on
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.groups import Relations, group_of
from kilonova.scheduler.host import HostState
from kilonova.scheduler.inventory import Inventory
from kilonova.scheduler.likeness import Likeness
from kilonova.scheduler.request import Request
from kilonova.scheduler.rooms import Rooms
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.scheduler.telling import Telling

log = logging.getLogger(__name__)

# How often the copy is compared with placement, whatever was heard.
COMPARE_S = 60.0
# Refused requests make us look whether something was missed, but not more often than this.
SECOND_LOOK_S = 1.0
# Members of one group that several schedulers place at the same time: the pause, and how often before giving up a host.
CLASH_S = 0.02
CLASHES = 10


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
        self.counts = Counts()
        self._rules = Rules(self.settings)
        self._rng = rng or random.Random()
        self._choice = Choice(self.fleet, self._rules, self.settings, self._rng)
        self._telling = Telling(self.fleet, self._rules, self._choice)
        self._rooms = Rooms(db, placement, self.fleet)
        self._inventory = Inventory(db, placement, self.fleet, self._rooms)
        self._relations = Relations(db, placement)
        self._likeness = Likeness(db, self.fleet, self.settings)
        self._placement = placement
        self._clock = clock
        self._tasks = Tasks("scheduler")
        self._fitting = asyncio.Lock()
        self._looked_at = 0.0

    async def start(self) -> None:
        """Load all hosts, then compare with placement now and then."""
        await self.load()
        self._tasks.start(self._keep_comparing(), name="compare")

    async def load(self) -> None:
        await self._rooms.load()
        await self._inventory.load()
        self._rules.projects = self._inventory.projects

    def figures(self) -> list[Figure]:
        """For /metrics."""
        return list(self.counts.figures(self.fleet, self._clock.time()))

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
        async with self._relations.one_at_a_time(group_of(spec)), self._turn(spec):
            return await self._select(spec, consumer, frozenset(avoid))

    def _turn(self, spec: RequestSpec) -> contextlib.AbstractAsyncContextManager[object]:
        """Those that are fitted go one by one: two at once would choose the same CPUs, and one had to give way."""
        if not (spec.extra_specs or spec.image_properties or spec.port_devices):
            return contextlib.nullcontext()
        fitted = self._rules.request(spec, now=0.0).demand.is_fitted
        return self._fitting if fitted else contextlib.nullcontext()

    async def _select(self, spec: RequestSpec, consumer: str, avoid: frozenset[HostName]) -> Selection:
        looked_again = False
        clashes = 0
        while True:
            request = await self._request(spec, consumer, avoid)
            host = self._choice.host_for(request)
            candidates = self._choice.top(request, self.settings.told_candidates)
            if host is None:
                if not looked_again and await self._look_again():
                    looked_again = True
                    continue
                if (kept := await self._keep(request, consumer)) is not None:
                    return kept
                raise self._refused(request)
            if await self._claim(request, consumer, host):
                # Who forces a host means it, whatever the group's policy says.
                strict = request.group is not None and spec.force_host is None
                if not strict or not await self._relations.clashes(spec, consumer, host.name):
                    self.counts.placed += 1
                    return _selection(host, candidates)
                await self._placement.release(consumer)
                self.counts.conflicts += 1
                # Both may have given way: a pause of chance lets one go first, and the other then sees it.
                clashes += 1
                await self._clock.sleep(self._rng.random() * CLASH_S * clashes)
                if clashes < CLASHES:
                    continue
            if request.demand.is_fitted and clashes < CLASHES:
                # The host may have other CPUs and devices than those that were taken: look again.
                clashes += 1
                continue
            if spec.force_host is not None:
                raise self._refused(request)
            # It was full after all: the next best.
            avoid |= {host.name}

    async def _request(self, spec: RequestSpec, consumer: str, avoid: frozenset[HostName]) -> Request:
        group = await self._relations.group(spec, consumer) if group_of(spec) is not None else None
        near = await self._relations.near(spec) if spec.hints else None
        request = self._rules.request(spec, now=self._clock.time(), avoid=avoid, group=group, near=near)
        request.alike = await self._likeness.of(spec)
        if request.demand.is_fitted:
            request.rooms = await self._rooms.all(consumer)
        return request

    def _refused(self, request: Request) -> NoValidHost:
        self.counts.refused += 1
        return self._telling.refusal(request)

    async def _claim(self, request: Request, consumer: str, host: HostState) -> bool:
        """Whether the host is ours now. Reserved meanwhile, so that nobody else here counts on the same room."""
        spec = request.spec
        fit = fit_on(request, host.name)
        if isinstance(fit, Lack):
            # Forced hosts are asked by nobody else.
            return False
        self._inventory.reserve(consumer, host, request.needs)
        try:
            await self._placement.claim(
                ClaimRequest(
                    consumer=consumer,
                    host=host.name,
                    resources=request.needs,
                    project_id=spec.project_id,
                    user_id=spec.user_id,
                    fit=fit,
                )
            )
        except ClaimRefused as refused:
            self._inventory.give_up(consumer)
            self.counts.conflicts += 1
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
            good = host in explain(self.fleet, self._rules, request, only=(host,)).passed
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

    async def explain(self, spec: RequestSpec, count: int, avoid: tuple[HostName, ...]) -> Explained:
        """The same decision for `count` servers one after the other, without a claim; what it has itself is free."""
        told = await self._explained(spec, count, frozenset(avoid))
        if told.refusal is None or not await self._look_again():
            return told
        return await self._explained(spec, count, frozenset(avoid))

    async def _explained(self, spec: RequestSpec, count: int, avoid: frozenset[HostName]) -> Explained:
        request = await self._request(spec, spec.server_id, avoid)
        held = (await self._placement.holders((spec.server_id,))).get(spec.server_id, ())
        hosts = [host for name in held if (host := self.fleet.get(name)) is not None]
        # No await while the fleet is other than it really is.
        for host in hosts:
            self.fleet.take(host, {name: -amount for name, amount in request.needs.items()}, servers=-1)
        try:
            return self._telling.decision(request, count)
        finally:
            for host in hosts:
                self.fleet.take(host, request.needs, servers=1)

    async def check_rebuild(self, spec: RequestSpec, host: HostName) -> None:
        """Errors: NoValidHost."""
        known = self.fleet.get(host)
        if known is None:
            return
        request = await self._request(spec, spec.server_id, frozenset())
        if (refusal := self._telling.rebuild(request, known)) is not None:
            self.counts.refused += 1
            raise refusal

    # -- what is heard ----

    def hear(self, changes: Iterable[ProviderChange]) -> None:
        """What a placement service of this process changed: give this to its `listen`."""
        self._inventory.hear(changes)
        if outdated := self._inventory.outdated:
            self._tasks.start(self._inventory.reload(outdated), name="reload")

    async def placement_changed(self, changes: tuple[ProviderChange, ...]) -> None:
        self.hear(changes)

    async def host_updated(self, update: HostUpdate) -> None:
        self._rooms.heard(update)
        await self._inventory.reported(update, self._clock.time())

    async def refresh(self, hosts: tuple[HostName, ...]) -> None:
        if hosts:
            await self._inventory.replace(hosts)
        else:
            await self._inventory.load()
        self._rules.projects = self._inventory.projects


def _selection(host: HostState, candidates: Sequence[Candidate] = ()) -> Selection:
    return Selection(host=host.name, node=host.node, availability_zone=host.profile.zone, candidates=tuple(candidates))
