"""Sagas that have to do with a server's root disk: snapshot, rebuild, rescue, unrescue."""

import msgspec

from kilonova.conductor.faults import fault_of
from kilonova.conductor.sagas.server_power import leave_as_it_was, on_its_host
from kilonova.conductor.world import World
from kilonova.contract import compute, work
from kilonova.contract.compute import Facts
from kilonova.contract.scheduler import NoValidHost, RequestSpec
from kilonova.db.database import Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

# In system_metadata of a rescued server: what it was rescued with.
RESCUE_IMAGE = "rescue_image_id"
RESCUE_PASSWORD = "rescue_password"

server_snapshot: Saga[work.SnapshotServer, World] = Saga(work.SnapshotServer)


@server_snapshot.step(shows="image_snapshot", pure=True)
async def own_image(run: Run[work.SnapshotServer, World]) -> None:
    """The api has made the image, queued; from here on it is this saga's to take back."""


@own_image.undo
async def drop_image(run: Run[work.SnapshotServer, World]) -> None:
    await run.world.neighbours.drop_image(run.params.image_id)


@server_snapshot.order(shows="image_uploading", event="compute_snapshot_instance", timeout_s=1800.0)
async def snapshot(run: Run[work.SnapshotServer, World]) -> HostOrder:
    return await on_its_host(run, compute.Snapshot, image_id=run.params.image_id)


@snapshot.record
async def snapshot_taken(tx: Transaction, run: Run[work.SnapshotServer, World], facts: Facts) -> None:
    await server_state.change(tx, run.params.server_id, run.world.clock.now(), task_state=None)


server_snapshot.fail(leave_as_it_was)

server_rebuild: Saga[work.RebuildServer, World] = Saga(work.RebuildServer)


@server_rebuild.step(event="conductor_rebuild_server", pure=True)
async def ask_host(run: Run[work.RebuildServer, World]) -> None:
    """Whether the server's own host may have it with another image. Errors: NoValidHost."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    spec, old = server.spec(), run.params.old_spec
    before = None if old is None else msgspec.json.decode(old, type=RequestSpec)
    if server.host is None or before is None or spec.image_id == before.image_id:
        return
    await run.world.scheduler.check_rebuild(spec, HostName(server.host))


@server_rebuild.order(shows="rebuild_spawning", event="compute_rebuild_instance", timeout_s=600.0)
async def rebuild(run: Run[work.RebuildServer, World]) -> HostOrder:
    """The old root disk goes first, so there is nothing to undo to: a failure ends in ERROR, and rebuild mends that."""
    return await on_its_host(run, compute.Rebuild, reimage=run.params.reimage)


@rebuild.record
async def rebuilt(tx: Transaction, run: Run[work.RebuildServer, World], facts: Facts) -> None:
    server = await server_state.state_of(tx, run.params.server_id)
    now = run.world.clock.now()
    if facts.block_devices is not None:
        await server_state.record_devices(tx, server.id, now, facts.block_devices)
    # A server that was stopped stays so after a rebuild.
    stopped = facts.power_state is not None and facts.power_state != 1
    await server_state.change(
        tx,
        server.id,
        now,
        vm_state="stopped" if stopped else "active",
        task_state=None,
        power_state=4 if stopped else 1,
        launched_at=now,
        fault=None,
    )


@server_rebuild.fail
async def rebuild_failed(tx: Transaction, run: Run[work.RebuildServer, World], error: KilonovaError) -> None:
    if isinstance(error, Cancelled):
        return
    now = run.world.clock.now()
    # Refused before anything was touched, it still is what it was.
    kept = {"image_id": run.params.old_image_id, "request_spec": run.params.old_spec}
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        vm_state="error",
        task_state=None,
        fault=fault_of(error, now, run.failures),
        **(kept if isinstance(error, NoValidHost) else {}),
    )


server_rescue: Saga[work.RescueServer, World] = Saga(work.RescueServer)


@server_rescue.order(shows="rescuing", event="compute_rescue_instance")
async def rescue(run: Run[work.RescueServer, World]) -> HostOrder:
    return await on_its_host(run, compute.Rescue, image_id=run.params.image_id, password=run.params.password)


@rescue.undo_order
async def unrescue_again(run: Run[work.RescueServer, World]) -> HostOrder:
    return await on_its_host(run, compute.Unrescue)


@rescue.record
async def rescued(tx: Transaction, run: Run[work.RescueServer, World], facts: Facts) -> None:
    now = run.world.clock.now()
    server = await server_state.state_of(tx, run.params.server_id)
    # What an unrescue that fails goes back to.
    kept = {RESCUE_IMAGE: run.params.image_id, RESCUE_PASSWORD: run.params.password}
    await server_state.keep(tx, server, now, kept)
    await server_state.change(tx, run.params.server_id, now, vm_state="rescued", task_state=None, power_state=1)


server_rescue.fail(leave_as_it_was)

server_unrescue: Saga[work.UnrescueServer, World] = Saga(work.UnrescueServer)


@server_unrescue.order(shows="unrescuing", event="compute_unrescue_instance")
async def unrescue(run: Run[work.UnrescueServer, World]) -> HostOrder:
    return await on_its_host(run, compute.Unrescue)


@unrescue.undo_order
async def rescue_again(run: Run[work.UnrescueServer, World]) -> HostOrder | None:
    # Before a delete the guest may be as it likes.
    if run.cancelled:
        return None
    server = await server_state.state_of(run.world.db, run.params.server_id)
    kept = server.kept()
    image, password = kept.get(RESCUE_IMAGE), kept.get(RESCUE_PASSWORD)
    return await on_its_host(run, compute.Rescue, image_id=image, password=password)


@unrescue.record
async def unrescued(tx: Transaction, run: Run[work.UnrescueServer, World], facts: Facts) -> None:
    now = run.world.clock.now()
    server = await server_state.state_of(tx, run.params.server_id)
    await server_state.keep(tx, server, now, {RESCUE_IMAGE: None, RESCUE_PASSWORD: None})
    await server_state.change(tx, run.params.server_id, now, vm_state="active", task_state=None, power_state=1)


server_unrescue.fail(leave_as_it_was)
