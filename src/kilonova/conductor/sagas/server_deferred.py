"""A server is deleted so that it can be had back for a while: powered off, all else kept."""

from kilonova.conductor.sagas.server_power import leave_as_it_was, on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import LeaveHost, PowerOff, PowerOn
from kilonova.contract.work import RestoreServer, SoftDeleteServer
from kilonova.db.database import Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

SoftDeleteRun = Run[SoftDeleteServer, World]

server_soft_delete: Saga[SoftDeleteServer, World] = Saga(SoftDeleteServer)


@server_soft_delete.order(shows="soft-deleting", event="compute_soft_delete_instance")
async def put_aside(run: SoftDeleteRun) -> HostOrder:
    """A server in error may have no guest; it can be deleted all the same."""
    return await on_its_host(run, LeaveHost, unplug=False, even_gone=True, grace_s=run.world.shutdown_timeout_s)


@put_aside.undo_order
async def power_on_again(run: SoftDeleteRun) -> HostOrder | None:
    server = await server_state.state_of(run.world.db, run.params.server_id)
    if run.cancelled or server.vm_state != "active":
        return None
    return await on_its_host(run, PowerOn)


@server_soft_delete.finish
async def put_away(tx: Transaction, run: SoftDeleteRun) -> None:
    """`deleted_at` without `deleted`: from when on it counts how long the server can be had back."""
    now = run.world.clock.now()
    await server_state.change(
        tx, run.params.server_id, now, vm_state="soft-delete", task_state=None, power_state=4, deleted_at=now
    )


@server_soft_delete.fail
async def still_there(tx: Transaction, run: SoftDeleteRun, error: KilonovaError) -> None:
    if not isinstance(error, Cancelled):
        await leave_as_it_was(tx, run, error)


RestoreRun = Run[RestoreServer, World]

server_restore: Saga[RestoreServer, World] = Saga(RestoreServer)


@server_restore.order(shows="restoring", event="compute_restore_instance")
async def power_on(run: RestoreRun) -> HostOrder:
    return await on_its_host(run, PowerOn)


@power_on.undo_order
async def power_off_again(run: RestoreRun) -> HostOrder | None:
    return None if run.cancelled else await on_its_host(run, PowerOff, grace_s=0.0)


@server_restore.finish
async def restored(tx: Transaction, run: RestoreRun) -> None:
    await server_state.change(
        tx,
        run.params.server_id,
        run.world.clock.now(),
        vm_state="active",
        task_state=None,
        power_state=1,
        deleted_at=None,
    )


@server_restore.fail
async def still_deleted(tx: Transaction, run: RestoreRun, error: KilonovaError) -> None:
    if not isinstance(error, Cancelled):
        await leave_as_it_was(tx, run, error)
