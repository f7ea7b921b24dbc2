"""Backups: a snapshot, after which older ones of its kind go."""

from kilonova.conductor.sagas.server_power import leave_as_it_was, on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import Snapshot
from kilonova.contract.work import BackupServer
from kilonova.db.database import Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

BackupRun = Run[BackupServer, World]

server_backup: Saga[BackupServer, World] = Saga(BackupServer)


@server_backup.step(shows="image_backup")
async def own_backup(run: BackupRun) -> None:
    """The api has made the image, queued; from here on it is this saga's to take back."""


@own_backup.undo
async def drop_backup(run: BackupRun) -> None:
    await run.world.neighbours.drop_image(run.params.image_id)


@server_backup.order(shows="image_uploading", event="compute_backup_instance", timeout_s=1800.0)
async def back_up(run: BackupRun) -> HostOrder:
    return await on_its_host(run, Snapshot, image_id=run.params.image_id)


@server_backup.step(no_return=True)
async def rotate(run: BackupRun) -> None:
    """Only now: an old backup goes when there is a new one."""
    params = run.params
    await run.world.neighbours.rotate_backups(params.server_id, params.backup_type, keep=params.rotation)


@server_backup.finish
async def backed_up(tx: Transaction, run: BackupRun) -> None:
    await server_state.change(tx, run.params.server_id, run.world.clock.now(), task_state=None)


@server_backup.fail
async def not_backed_up(tx: Transaction, run: BackupRun, error: KilonovaError) -> None:
    if not isinstance(error, Cancelled):
        await leave_as_it_was(tx, run, error)
