"""nova-conductor: records for hosts that have no database, and the runner of sagas."""

import logging
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.conductor.changes import Changes
from kilonova.conductor.definitions import definitions
from kilonova.conductor.duties import DutySettings, duties_of
from kilonova.conductor.world import World
from kilonova.contract.compute import Outcome, ServerRecord
from kilonova.contract.conductor import Expected, PlacedFit
from kilonova.contract.events import EventListener
from kilonova.contract.placement import Inventory, Provider
from kilonova.contract.scheduler import HostUpdate
from kilonova.db.database import Database
from kilonova.db.lease import Leases
from kilonova.db.repository import migrations, server_state
from kilonova.db.statement import Statement, insert_into
from kilonova.db.tables.sagas import spans as spans_table
from kilonova.db.tables.servers import servers
from kilonova.duty.keeper import TURN_S, Keeper
from kilonova.model.errors import Conflict, NotFound
from kilonova.model.ids import HostName, SagaId, ServerId
from kilonova.model.move_progress import MoveProgress
from kilonova.observe import trace
from kilonova.observe.trace import Span
from kilonova.saga import store
from kilonova.saga.executor import Executor
from kilonova.saga.saga import HostOrder
from kilonova.saga.turn import Meddle

log = logging.getLogger(__name__)

# Where the server's system_metadata keeps it.
GUEST_PASSWORD = "password"

_RUNNING, _SHUTDOWN, _CRASHED = 1, 4, 6

_GONE = Statement(select(servers.c.deleted, servers.c.host).where(servers.c.id == bindparam("id")))


class PasswordAlreadySet(Conflict):
    """A guest tells its password once."""

    def __init__(self, server_id: ServerId) -> None:
        super().__init__(f"Instance {server_id} has told its password already.")
        self.server_id = server_id


class Ratios:
    """Allocation ratios and reserved amounts hosts are reported to placement with (nova.conf, [DEFAULT])."""

    def __init__(
        self, *, cpu: float, ram: float, disk: float, reserved_cpus: int, reserved_mib: int, reserved_gib: int
    ) -> None:
        self.cpu = cpu
        self.ram = ram
        self.disk = disk
        self.reserved_cpus = reserved_cpus
        self.reserved_mib = reserved_mib
        self.reserved_gib = reserved_gib


class ConductorService:
    """Topic `conductor`. `alone` as for the executor; `me` names this process in leases."""

    def __init__(
        self,
        world: World,
        *,
        me: str,
        alone: bool,
        ratios: Ratios,
        events: EventListener,
        report_interval_s: float,
        host: str,
        control: Sequence[str],
        duties: DutySettings,
    ) -> None:
        """`control` are the binaries that live and die with this process, on `host`: they are seen as it is."""
        self._world = world
        self._db: Database = world.db
        self._clock: Clock = world.clock
        self._ratios = ratios
        self._report_interval_s = report_interval_s
        self._alone = alone
        self._host_name = host
        self._control = tuple(control)
        self._tasks = Tasks("conductor")
        self._changes = Changes(world.db, events, world.clock, self._tasks)
        self._me = me
        self.executor = self._executor(None)
        leases = Leases(world.db, world.clock, owner=me)
        # By the name: a trial puts another executor in its place.
        self._keeper = Keeper(
            leases, world.clock, duties_of(world, duties, lambda saga_id: self.executor.wake(saga_id))
        )

    async def start(self) -> None:
        async with self._db.begin() as tx:
            for binary in self._control:
                await self._world.hosts.service_seen(tx, binary, self._host_name)
        self._tasks.every(self._report_interval_s, self._beat, self._clock, name="heartbeats")
        self._tasks.every(TURN_S, self._keeper.turn, self._clock, name="duties")
        self.executor.start(alone=self._alone)

    def _executor(self, meddle: Meddle | None) -> Executor[World]:
        world = self._world
        return Executor(
            world.db,
            world,
            definitions(max_attempts=world.max_attempts),
            world.clock,
            me=self._me,
            send=self._send,
            changed=self._changes.changed,
            meddle=meddle,
        )

    async def restart_sagas(self, meddle: Meddle | None = None) -> None:
        """As if the process had died and come back; `meddle` is a trial's."""
        await self.executor.close()
        self.executor = self._executor(meddle)
        self.executor.start(alone=True)

    def _wake(self, saga_id: SagaId) -> None:
        """Whichever executor is there then: a trial puts another in its place."""
        self.executor.wake(saga_id)

    async def close(self) -> None:
        await self.executor.close()
        await self._tasks.close()
        await self._keeper.close()

    # -- contract.conductor.Conductor ------------------------------------------------------------------------------

    async def wake(self, saga_id: SagaId) -> None:
        self.executor.wake(saga_id)

    async def server(self, server_id: ServerId) -> ServerRecord:
        with trace.span("who is this server?", kind="db", target="db", step="16-17"):
            return await server_state.record_of(self._db, server_id)

    async def fits(self, server_id: ServerId) -> tuple[PlacedFit, ...]:
        moves = await migrations.open_of(self._db, server_id)
        found = await self._world.placement.fits_of((server_id, *moves))
        return tuple(
            PlacedFit(host=host, fit=fit, old=consumer != server_id)
            for consumer, fits in found.items()
            for host, fit in fits.items()
        )

    async def outcome(self, outcome: Outcome) -> None:
        await self.executor.hear(SagaId(outcome.key.split(".", 1)[0]), outcome.key, outcome)

    async def guest_password(self, server_id: ServerId) -> str:
        server = await server_state.state_of(self._db, server_id)
        return server.kept().get(GUEST_PASSWORD, "")

    async def tell_guest_password(self, server_id: ServerId, password: str) -> None:
        async with self._db.begin() as tx:
            server = await server_state.state_of(tx, server_id)
            if server.kept().get(GUEST_PASSWORD):
                raise PasswordAlreadySet(server_id)
            await server_state.keep(tx, server, self._clock.now(), {GUEST_PASSWORD: password})

    async def guest_changed(self, host: HostName, server_id: ServerId, power_state: int) -> None:
        """The hypervisor is right about power: an idle server whose guest went off is stopped, not restarted."""
        now = self._clock.now()
        async with self._db.begin() as tx:
            try:
                server = await server_state.state_of(tx, server_id)
            except NotFound:
                return
            if server.host != host or server.task_state is not None or server.power_state == power_state:
                return
            vm_state = server.vm_state
            if power_state in (_SHUTDOWN, _CRASHED) and vm_state in ("active", "paused"):
                vm_state = "stopped"
            elif power_state == _RUNNING and vm_state == "stopped":
                vm_state = "active"
            await server_state.change(tx, server_id, now, power_state=power_state, vm_state=vm_state)
        self._changes.changed(server_id)

    async def live_progress(self, server_id: ServerId, progress: MoveProgress) -> None:
        async with self._db.begin() as tx:
            await migrations.set_progress(tx, server_id, progress, self._clock.now())

    async def report(self, update: HostUpdate) -> None:
        if await self._world.hosts.reported(update):
            await self._world.placement.report(self._provider(update))
        await self._world.scheduler.host_updated(update)

    async def expected(self, host: HostName, known: tuple[ServerId, ...]) -> tuple[Expected, ...]:
        found = [
            Expected(server_id=server_id, vm_state=vm_state, task_state=task_state, power_state=power_state)
            for server_id, vm_state, task_state, power_state in await server_state.on_host(self._db, host)
        ]
        if await store.count_open(self._db):
            # A host asks as it starts: orders it was given before died with it.
            async with self._db.begin() as tx:
                await store.ring_host(tx, host, self._clock.now())
        ours = {expected.server_id for expected in found}
        for server_id in known:
            if server_id in ours:
                continue
            row = await self._db.fetch_one(_GONE, id=server_id)
            # Only what the record says is deleted, or runs elsewhere, may go; the unknown is left alone.
            gone = row is not None and (row[0] or (row[1] is not None and row[1] != host))
            # What a move has left here, or brought already, is needed until the move is over.
            if gone and not await migrations.open_on(self._db, server_id, host):
                found.append(Expected(server_id=server_id, vm_state="deleted", task_state=None, gone=True))
        return tuple(found)

    async def spans(self, spans: tuple[Span, ...]) -> None:
        async with self._db.begin() as tx:
            await tx.execute_many(
                insert_into(spans_table),
                [{name: getattr(span, name) for name in Span.__struct_fields__} for span in spans],
            )

    async def _beat(self) -> None:
        for binary in self._control:
            self._world.hosts.beat(binary, self._host_name)
        await self._world.hosts.write_heartbeats()

    # -- inside ----------------------------------------------------------------------------------------------------

    async def _send(self, order: HostOrder) -> None:
        await self._world.compute(order.host).perform(order.order)  # type: ignore[arg-type]

    def _provider(self, update: HostUpdate) -> Provider:
        ratios = self._ratios
        inventories = _cpus(update, ratios) | {
            "MEMORY_MB": Inventory(
                total=update.memory_mib,
                reserved=min(ratios.reserved_mib, update.memory_mib // 4),
                allocation_ratio=ratios.ram,
                max_unit=update.memory_mib,
            ),
            "DISK_GB": Inventory(
                total=update.disk_gib,
                reserved=min(ratios.reserved_gib, update.disk_gib),
                allocation_ratio=ratios.disk,
                max_unit=update.disk_gib,
            ),
        }
        return Provider(id=update.node_id, name=HostName(update.host), inventories=inventories, traits=update.traits)


def _cpus(update: HostUpdate, ratios: Ratios) -> dict[str, Inventory]:
    """Shared and dedicated CPUs; of a host that tells of no cells all are shared."""
    topology = None if update.hardware is None else update.hardware.topology
    cells = () if topology is None else topology.cells
    shared = sum(len(cell.shared) for cell in cells) if cells else update.vcpus
    dedicated = sum(len(cell.dedicated) for cell in cells)
    found = {}
    if shared:
        reserved = min(ratios.reserved_cpus, shared)
        found["VCPU"] = Inventory(total=shared, reserved=reserved, allocation_ratio=ratios.cpu, max_unit=shared)
    if dedicated:
        found["PCPU"] = Inventory(total=dedicated, max_unit=dedicated)
    return found
