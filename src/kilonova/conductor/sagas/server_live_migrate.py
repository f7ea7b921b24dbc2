"""A server goes to another host as it runs; until it runs there everything can be taken back."""

from typing import Any

import msgspec

from kilonova.conductor.sagas.choosing import chosen
from kilonova.conductor.sagas.server_resize import (
    DisksStay,
    keep_old_claim,
    migration_of,
    record_devices,
    spec_elsewhere,
    take_old_claim_back,
)
from kilonova.conductor.world import World
from kilonova.contract.compute import BeginLive, Destroy, MigrateLive, PrepareLive, ReturnLive, SettleLive
from kilonova.contract.work import AbortLiveMigration, LiveMigrateServer
from kilonova.db.database import Transaction
from kilonova.db.repository import migrations, server_state
from kilonova.model.errors import Conflict, KilonovaError
from kilonova.model.ids import HostName
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga, facts_of

LiveRun = Run[LiveMigrateServer, World]

# As OS-EXT-STS:power_state.
_RUNNING, _PAUSED = 1, 3


class GuestNotAlive(Conflict):
    def __init__(self, server_id: str) -> None:
        super().__init__(f"Instance {server_id} is neither running nor paused.")
        self.server_id = server_id


async def _source(run: Run[Any, World]) -> HostName:
    return HostName((await migration_of(run)).source_compute or "")


async def _target(run: Run[Any, World]) -> HostName:
    return HostName((await migration_of(run)).dest_compute or "")


server_live_migrate: Saga[LiveMigrateServer, World] = Saga(LiveMigrateServer)

server_live_migrate.step(shows="migrating")(keep_old_claim).undo(take_old_claim_back)


@server_live_migrate.step(event="conductor_live_migrate_instance", timeout_s=120.0)
async def claim_target(run: LiveRun) -> dict[str, str]:
    """Errors: NoValidHost, DisksStay, GuestNotAlive."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    assert server.host is not None
    if not await run.world.hosts.takes_guests(server.host):
        raise DisksStay(server.host)
    if server.power_state not in (_RUNNING, _PAUSED):
        raise GuestNotAlive(server.id)
    spec = spec_elsewhere(server.spec(), run.params.host)
    if run.params.force and run.params.host is not None:
        spec = msgspec.structs.replace(spec, requested_host=None, force_host=HostName(run.params.host))
    selection = await run.world.scheduler.select(spec, server.id, run.attempt, (server.host,))
    return chosen(selection)


@claim_target.record
async def record_target(tx: Transaction, run: LiveRun, chosen: dict[str, str]) -> None:
    now = run.world.clock.now()
    await migrations.set_destination(tx, run.params.migration_id, host=chosen["host"], node=chosen["node"], now=now)
    await migrations.set_status(tx, run.params.migration_id, "preparing", now)


@server_live_migrate.order(event="compute_check_can_live_migrate_source")
async def check_source(run: LiveRun) -> HostOrder:
    return HostOrder(await _source(run), run.order(BeginLive))


@server_live_migrate.order(event="compute_pre_live_migration", timeout_s=600.0)
async def prepare(run: LiveRun) -> HostOrder:
    address = facts_of(run.result(check_source)).address
    return HostOrder(await _target(run), run.order(PrepareLive, source=await _source(run), address=address))


@prepare.undo_order
async def clear_target(run: LiveRun) -> HostOrder:
    return HostOrder(await _target(run), run.order(Destroy))


@prepare.record
async def prepared(tx: Transaction, run: LiveRun, facts: Any) -> None:
    await migrations.set_status(tx, run.params.migration_id, "running", run.world.clock.now())


@server_live_migrate.order(event="compute_live_migration", timeout_s=1800.0)
async def migrate(run: LiveRun) -> HostOrder:
    address = facts_of(run.result(prepare)).address
    return HostOrder(await _source(run), run.order(MigrateLive, to=await _target(run), address=address))


@migrate.undo_order
async def migrate_back(run: LiveRun) -> HostOrder:
    address = facts_of(run.result(prepare)).address
    return HostOrder(await _source(run), run.order(ReturnLive, other=await _target(run), address=address))


@server_live_migrate.order(event="compute_post_live_migration_at_destination")
async def settle(run: LiveRun) -> HostOrder:
    return HostOrder(await _target(run), run.order(SettleLive))


@settle.undo_order
async def settle_back(run: LiveRun) -> HostOrder:
    return HostOrder(await _source(run), run.order(SettleLive))


settle.record(record_devices)


@server_live_migrate.order(event="compute_post_live_migration", no_return=True)
async def clear_source(run: LiveRun) -> HostOrder | None:
    """A host that is down finds out when it is back."""
    source = await _source(run)
    return HostOrder(source, run.order(Destroy)) if await run.world.hosts.alive(source) else None


@server_live_migrate.step()
async def release_old_claim(run: LiveRun) -> None:
    await run.world.placement.release(run.params.migration_id)


@server_live_migrate.finish
async def moved(tx: Transaction, run: LiveRun) -> None:
    now = run.world.clock.now()
    chosen = run.result(claim_target)
    await migrations.set_status(tx, run.params.migration_id, "completed", now)
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        task_state=None,
        host=chosen["host"],
        node=chosen["node"],
        availability_zone=chosen["zone"],
    )


@server_live_migrate.fail
async def not_moved(tx: Transaction, run: LiveRun, error: KilonovaError) -> None:
    now = run.world.clock.now()
    cancelled = isinstance(error, Cancelled)
    await migrations.set_status(tx, run.params.migration_id, "cancelled" if cancelled else "error", now)
    if not cancelled:
        await server_state.change(tx, run.params.server_id, now, task_state=None)


AbortRun = Run[AbortLiveMigration, World]

# Its beginning has the migration undone; what is left is to say so. Too late is no failure: the server has moved then.
server_live_migrate_abort: Saga[AbortLiveMigration, World] = Saga(AbortLiveMigration, forward=True)


@server_live_migrate_abort.step()
async def free_server(run: AbortRun) -> None:
    """Nothing holds the server any more."""


@free_server.record
async def freed(tx: Transaction, run: AbortRun, result: Any) -> None:
    await server_state.change(tx, run.params.server_id, run.world.clock.now(), task_state=None)
