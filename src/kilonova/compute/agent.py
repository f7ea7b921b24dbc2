"""The agent of one host: takes orders, carries each out once at a time per server, reports how it ended."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from weakref import WeakValueDictionary

import msgspec

from kilonova.aio.supervise import Tasks
from kilonova.compute import adoption, orders
from kilonova.compute.assembly import fetch_image
from kilonova.compute.console_relay import ConsoleRelay
from kilonova.compute.host import Host
from kilonova.compute.journal import Journal
from kilonova.compute.monitors import Monitors
from kilonova.contract.compute import (
    AnyOrder,
    Build,
    BuildAgain,
    Destroy,
    Facts,
    GuestConsole,
    LeaveHost,
    MigrateLive,
    Order,
    Outcome,
    PrepareLive,
    Rebuild,
    ResizeHere,
    ReturnLive,
    Snapshot,
    TakeIn,
)
from kilonova.contract.scheduler import HostUpdate
from kilonova.model.errors import InternalError, KilonovaError, NotFound, NotSupported, Unavailable
from kilonova.model.fitting.offer import offered
from kilonova.model.ids import ServerId
from kilonova.observe import trace
from kilonova.virt.guest import GuestEvent, GuestEventKind
from kilonova.virt.hypervisor import Diagnosing, LiveMigration

log = logging.getLogger(__name__)

# Between tries to hand an outcome to a conductor that does not answer.
RETRY_S = (0.2, 1.0, 5.0)
# How long an order may still be under way when its guest was heard to end.
LISTEN_AGAIN_S = 2.0

# What keeps disks and links of a host busy, as Nova counts for IoOpsFilter and IoOpsWeigher.
HEAVY = (Build, BuildAgain, LeaveHost, MigrateLive, PrepareLive, Rebuild, ResizeHere, Snapshot, TakeIn)

# So many quick ones, and schedulers are told that they are over: else they would take the host for a busy one.
MANY = 4

_ENDED = frozenset({GuestEventKind.STOPPED, GuestEventKind.CRASHED})


class ComputeAgent:
    """Topic `compute.HOST`."""

    def __init__(self, host: Host, journal: Journal) -> None:
        self.host = host
        self._journal = journal
        self._tasks = Tasks(f"compute.{host.name}")
        self._under_way: dict[str, tuple[AnyOrder, asyncio.Task[Any]]] = {}
        # One order at a time per server; a lock lives as long as somebody has or waits for it.
        self._locks: WeakValueDictionary[ServerId, asyncio.Lock] = WeakValueDictionary()
        most = host.settings.max_concurrent_builds
        self._room = asyncio.Semaphore(most) if most else contextlib.nullcontext()
        self._failures = 0
        # Heavy orders since the last report: schedulers count them as still going on.
        self._begun = 0
        self._relay = ConsoleRelay(host.clock)
        self._monitors = Monitors(host.settings.monitors)

    async def start(self) -> None:
        """Connect, make the host known, take the guests found here over, and begin to listen to the hypervisor."""
        await self.host.hypervisor.start()
        self._tasks.start(self._listen(), name="events")
        await self.report()
        await self._compare()
        settings, clock = self.host.settings, self.host.clock
        self._tasks.every(settings.report_interval_s, self.report, clock, name="report")
        self._tasks.start(self._keep_comparing(settings.sync_interval_s), name="compare")

    async def _keep_comparing(self, every_s: float) -> None:
        while True:
            await self.host.clock.sleep(every_s)
            try:
                await self._compare()
            except KilonovaError as error:
                log.warning("%s: records and guests not compared: %s", self.host.name, error.message)

    async def _compare(self) -> None:
        await adoption.adopt(self.host, busy=self._busy)

    def _busy(self, server_id: ServerId) -> bool:
        return any(order.server_id == server_id for order, _ in self._under_way.values())

    async def close(self) -> None:
        """Guests keep running; orders under way are given up here and sent again by the conductor."""
        await self._tasks.close()
        await self._relay.close()
        await self.host.hypervisor.close()

    # -- contract.compute.Compute ----------------------------------------------------------------------------------

    async def perform(self, order: AnyOrder) -> None:
        saga = order.key.split(".", 1)[0]
        if not self._journal.admit(saga, order.epoch, self.host.clock.time()):
            log.warning("%s: order %s refused, epoch %s is over", self.host.name, order.key, order.epoch)
            return
        if order.key in self._under_way:
            return
        if isinstance(order, Destroy):
            self._give_up(Build, order.server_id)
        elif isinstance(order, ReturnLive):
            self._give_up(MigrateLive, order.server_id)
        task = self._tasks.start(self._carry_out(order), name=order.key)
        self._under_way[order.key] = order, task
        self._begun += isinstance(order, HEAVY)
        task.add_done_callback(lambda done: self._ended(order, done))

    def _ended(self, order: AnyOrder, task: "asyncio.Task[Any]") -> None:
        self._under_way.pop(order.key, None)
        if isinstance(order, HEAVY) and self._begun >= MANY and not task.cancelled():
            self._begun = 0
            self._tasks.start(self.report(), name="report")

    async def console_output(self, server_id: ServerId, lines: int | None) -> str:
        text = await self.host.hypervisor.console_output(server_id, lines=lines)
        # What follows the last line end counts as a line, as clients have always counted.
        return text if lines is None else "\n".join(text.split("\n")[-lines:]) if lines > 0 else ""

    async def console(self, server_id: ServerId, kind: Literal["vnc", "spice", "serial"]) -> GuestConsole:
        found = await self.host.hypervisor.console(server_id, kind)
        lending = self.host.settings.lendings.get(kind)
        if lending is not None and found.unix_path is not None:
            return GuestConsole(host=lending.told, port=await self._relay.lend(found.unix_path, lending))
        return GuestConsole(
            host=found.host,
            port=found.port,
            unix_path=found.unix_path,
            internal_access_path=found.internal_access_path,
        )

    async def diagnostics(self, server_id: ServerId) -> dict[str, object]:
        if not isinstance(self.host.hypervisor, Diagnosing):
            raise NotSupported("The hypervisor tells no diagnostics.")
        return await self.host.hypervisor.diagnostics(server_id)

    async def uptime(self) -> str:
        facts = await self.host.hypervisor.facts()
        hours, minutes = divmod(int(facts.uptime_s) // 60, 60)
        days, hours = divmod(hours, 24)
        return f" up {days} days, {hours:02}:{minutes:02}"

    async def complete_live(self, server_id: ServerId) -> None:
        if isinstance(self.host.hypervisor, LiveMigration):
            await self.host.hypervisor.complete(server_id)

    async def cache_images(self, image_ids: tuple[str, ...]) -> None:
        self._tasks.start(self._cache(image_ids), name="cache images")

    async def _cache(self, image_ids: tuple[str, ...]) -> None:
        for image_id in image_ids:
            try:
                await fetch_image(self.host, image_id)
            except KilonovaError as error:
                log.warning("%s: image %s not cached: %s", self.host.name, image_id, error.message)

    # -- orders ----------------------------------------------------------------------------------------------------

    def _give_up(self, kind: type[Order], server_id: ServerId) -> None:
        """A destroy makes any build of the server pointless, a return any move."""
        for order, task in list(self._under_way.values()):
            if isinstance(order, kind) and order.server_id == server_id:
                task.cancel()

    async def _carry_out(self, order: AnyOrder) -> None:
        lock = self._locks.setdefault(order.server_id, asyncio.Lock())
        async with lock, self._room if isinstance(order, Build) else contextlib.nullcontext():
            outcome = await self._outcome(order)
        await self._tell(lambda: self.host.conductor.outcome(outcome))

    async def _outcome(self, order: AnyOrder) -> Outcome:
        told = Outcome(key=order.key, server_id=order.server_id, host=self.host.name)
        try:
            with trace.span(type(order).__name__.lower()):
                facts: Facts = await orders.carry_out(self.host, order)
        except KilonovaError as error:
            return self._failed(told, order, error)
        except Exception as error:
            log.exception("%s: %s failed", self.host.name, order.key)
            return self._failed(told, order, InternalError(f"{type(error).__name__}: {error}").because(error))
        if isinstance(order, Build):
            self._count_failures(0)
        return msgspec.structs.replace(told, facts=facts)

    def _count_failures(self, in_a_row: int) -> None:
        """Builds that failed with none going well between them; told at once, so that others are tried meanwhile."""
        changed, self._failures = in_a_row != self._failures, in_a_row
        if changed:
            self._tasks.start(self.report(), name="report")

    def _failed(self, told: Outcome, order: AnyOrder, error: KilonovaError) -> Outcome:
        if isinstance(order, Build):
            self._count_failures(self._failures + 1)
        return msgspec.structs.replace(
            told, error=type(error).__name__, message=error.message, attributes=error.public()
        )

    async def _tell(self, say: Callable[[], Awaitable[None]]) -> None:
        """Say it until it was heard: an outcome must not get lost while the conductor is away."""
        tries = 0
        while True:
            try:
                return await say()
            except Unavailable:
                await self.host.clock.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1

    # -- the host itself -------------------------------------------------------------------------------------------

    async def report(self) -> None:
        """Say what this host has; until it was heard."""
        facts = await self.host.hypervisor.facts()
        self._begun = 0
        update = HostUpdate(
            host=self.host.name,
            node_id=self.host.node_id,
            hypervisor_hostname=facts.hypervisor_hostname,
            hypervisor_type=facts.hypervisor_type,
            hypervisor_version=facts.hypervisor_version,
            vcpus=facts.vcpus,
            memory_mib=facts.memory_mib,
            disk_gib=facts.disk_gib,
            host_ip=self.host.settings.host_ip,
            traits=facts.traits,
            cpu_info=facts.cpu_info,
            hardware=None if facts.hardware is None else offered(facts.hardware, self.host.settings.offer),
            metrics=await self._monitors.metrics(),
            build_failures=self._failures,
            io_ops=sum(isinstance(order, HEAVY) for order, _ in self._under_way.values()),
        )
        await self._tell(lambda: self.host.conductor.report(update))

    async def _listen(self) -> None:
        async for event in self.host.hypervisor.events():
            await self._heard(event)

    async def _heard(self, event: GuestEvent) -> None:
        """Only what nobody ordered is news; the outcome of an order tells of the rest."""
        if self._busy(event.guest):
            if event.kind in _ENDED:
                self._tasks.start(self._hear_later(event), name="hear later")
            return
        try:
            # The state now, not the event's: it may be one of an order that has just ended.
            info = await self.host.hypervisor.info(event.guest)
            await self.host.conductor.guest_changed(self.host.name, event.guest, int(info.power_state))
        except NotFound:
            return
        except Unavailable as error:
            log.warning("%s: %s", self.host.name, error.message)

    async def _hear_later(self, event: GuestEvent) -> None:
        """A guest that went off by itself amid an order (an attach, a snapshot …) is news when that is over."""
        await self.host.clock.sleep(LISTEN_AGAIN_S)
        await self._heard(event)
