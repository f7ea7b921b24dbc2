"""A server is deleted: guest, ports, volumes, claim, record, in that order; never undone, tried until it is done."""

from kilonova.conductor.faults import fault_of
from kilonova.conductor.world import World
from kilonova.contract.compute import Destroy
from kilonova.contract.work import DeleteServer
from kilonova.db.database import Transaction
from kilonova.db.repository import migrations, server_state
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName
from kilonova.saga.saga import HostOrder, Run, Saga

DeleteRun = Run[DeleteServer, World]

server_delete: Saga[DeleteServer, World] = Saga(DeleteServer, forward=True, deadline_s=3600.0)


@server_delete.order(shows="deleting", event="compute_terminate_instance")
async def destroy_guest(run: DeleteRun) -> HostOrder | None:
    """On its host, if that is alive; a dead one finds out by its own audit when it is back."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    if server.host is None or not await run.world.hosts.alive(server.host):
        return None
    return HostOrder(server.host, run.order(Destroy))


@server_delete.order()
async def destroy_left(run: DeleteRun) -> HostOrder | None:
    """What a move that was not confirmed has left on the old host."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    migration_id = await migrations.finished_of(run.world.db, server.id)
    if migration_id is None:
        return None
    source = (await migrations.get(run.world.db, migration_id)).source_compute
    if source in (None, server.host) or not await run.world.hosts.alive(HostName(source or "")):
        return None
    return HostOrder(HostName(source or ""), run.order(Destroy))


@server_delete.step()
async def release_neighbours(run: DeleteRun) -> None:
    server = await server_state.state_of(run.world.db, run.params.server_id)
    devices = await server_state.devices_of(run.world.db, server.id)
    if server.host is not None or server.vifs != "[]":
        given = await server_state.given_ports(run.world.db, server.id)
        await run.world.neighbours.release_ports(server.id, given=given)
    if devices:
        await run.world.neighbours.release_volumes(server.id, devices)
    await run.world.console.revoke(server.id)


@server_delete.step()
async def release_claim(run: DeleteRun) -> None:
    """And the claim of its old size, when a resize waited to be confirmed."""
    await run.world.placement.release(run.params.server_id)
    migration_id = await migrations.finished_of(run.world.db, run.params.server_id)
    if migration_id is not None:
        await run.world.placement.release(migration_id)


@server_delete.finish
async def forget(tx: Transaction, run: DeleteRun) -> None:
    now = run.world.clock.now()
    migration_id = await migrations.finished_of(tx, run.params.server_id)
    if migration_id is not None:
        await migrations.set_status(tx, migration_id, "confirmed", now)
    await server_state.record_devices(tx, run.params.server_id, now, ())
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        vm_state="deleted",
        task_state=None,
        power_state=0,
        terminated_at=now,
        deleted_at=now,
        deleted=1,
    )


@server_delete.fail
async def end_in_error(tx: Transaction, run: DeleteRun, error: KilonovaError) -> None:
    now = run.world.clock.now()
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        vm_state="error",
        task_state=None,
        fault=fault_of(error, now, run.failures),
    )
