"""A server of a lost host is made anew on another: the same server, ports and volumes; its local disks are lost."""

import msgspec

from kilonova.conductor.faults import fault_of
from kilonova.conductor.sagas.choosing import chosen
from kilonova.conductor.sagas.server_resize import (
    keep_old_claim,
    migration_of,
    record_devices,
    spec_elsewhere,
    take_old_claim_back,
)
from kilonova.conductor.world import World
from kilonova.contract.compute import BuildAgain, Destroy
from kilonova.contract.work import EvacuateServer
from kilonova.db.database import Transaction
from kilonova.db.repository import migrations, server_state
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

EvacuateRun = Run[EvacuateServer, World]

server_evacuate: Saga[EvacuateServer, World] = Saga(EvacuateServer)

server_evacuate.step(shows="rebuilding")(keep_old_claim).undo(take_old_claim_back)


@server_evacuate.step(event="conductor_rebuild_instance", timeout_s=120.0)
async def claim_refuge(run: EvacuateRun) -> dict[str, str]:
    """Errors: NoValidHost."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    assert server.host is not None
    spec = spec_elsewhere(server.spec(), run.params.host, with_disks=False)
    if run.params.force and run.params.host is not None:
        spec = msgspec.structs.replace(spec, requested_host=None, force_host=HostName(run.params.host))
    selection = await run.world.scheduler.select(spec, server.id, run.attempt, (server.host,))
    return chosen(selection)


@claim_refuge.record
async def record_refuge(tx: Transaction, run: EvacuateRun, chosen: dict[str, str]) -> None:
    now = run.world.clock.now()
    await migrations.set_destination(tx, run.params.migration_id, host=chosen["host"], node=chosen["node"], now=now)
    await migrations.set_status(tx, run.params.migration_id, "pre-migrating", now)


@server_evacuate.step()
async def take_ports(run: EvacuateRun) -> None:
    """The new host binds them as it builds; here is what binds them to the lost one again."""


@take_ports.undo
async def ports_back(run: EvacuateRun) -> None:
    migration = await migration_of(run)
    source = HostName(migration.source_compute or "")
    # The old claim is the migration's until this is undone too.
    held = (await run.world.placement.fits_of((migration.id,))).get(migration.id, {})
    await run.world.neighbours.bind_ports(run.params.server_id, source, held.get(source))


@server_evacuate.order(shows="rebuild_spawning", event="compute_rebuild_instance", timeout_s=600.0)
async def build_again(run: EvacuateRun) -> HostOrder:
    return HostOrder(run.result(claim_refuge)["host"], run.order(BuildAgain, start=run.params.start))


@build_again.undo_order
async def destroy(run: EvacuateRun) -> HostOrder:
    return HostOrder(run.result(claim_refuge)["host"], run.order(Destroy))


build_again.record(record_devices)


@server_evacuate.step(no_return=True)
async def release_old_claim(run: EvacuateRun) -> None:
    """The guest on the lost host goes by that host's own audit, when it is back."""
    await run.world.placement.release(run.params.migration_id)


@server_evacuate.finish
async def evacuated(tx: Transaction, run: EvacuateRun) -> None:
    now = run.world.clock.now()
    chosen = run.result(claim_refuge)
    await migrations.set_status(tx, run.params.migration_id, "done", now)
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        vm_state="active" if run.params.start else "stopped",
        task_state=None,
        power_state=1 if run.params.start else 4,
        host=chosen["host"],
        node=chosen["node"],
        availability_zone=chosen["zone"],
        fault=None,
    )


@server_evacuate.fail
async def not_evacuated(tx: Transaction, run: EvacuateRun, error: KilonovaError) -> None:
    """Its host is lost and no other has it: ERROR, from where it may be evacuated again. As in Nova, the migration is
    `error` where no host was found, and `failed` where the host found could not build the server.
    """
    now = run.world.clock.now()
    failed_there = any(failure["step"] == build_again.name for failure in run.failures)
    await migrations.set_status(tx, run.params.migration_id, "failed" if failed_there else "error", now)
    if not isinstance(error, Cancelled):
        fault = fault_of(error, now, run.failures)
        await server_state.change(tx, run.params.server_id, now, vm_state="error", task_state=None, fault=fault)
