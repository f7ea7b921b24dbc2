"""A server gets another flavor on its host; both sizes stay claimed until its owner confirms or reverts.

While a resize is open the migration's consumer holds the old claim and the server's the new one.
"""

from typing import Any

import msgspec

from kilonova.conductor.sagas.server_power import on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import ConfirmResizeHere, Facts, FlavorOf, ResizeHere, RevertResizeHere
from kilonova.contract.scheduler import RequestSpec
from kilonova.contract.work import ConfirmResize, ResizeServer, RevertResize
from kilonova.db.database import Transaction
from kilonova.db.repository import migrations, server_state
from kilonova.model.errors import KilonovaError
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

ResizeRun = Run[ResizeServer, World]

server_resize: Saga[ResizeServer, World] = Saga(ResizeServer)


def spec_for(spec: RequestSpec, flavor: FlavorOf, **changes: Any) -> RequestSpec:
    """The server's request, asked again with another flavor."""
    return msgspec.structs.replace(
        spec,
        flavor_id=flavor.id,
        flavor_name=flavor.name,
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        root_gib=flavor.root_gib,
        ephemeral_gib=flavor.ephemeral_gib,
        swap_mib=flavor.swap_mib,
        extra_specs=flavor.extra_specs,
        **changes,
    )


@server_resize.step(shows="resize_prep", event="conductor_migrate_server")
async def keep_old_claim(run: ResizeRun) -> None:
    await run.world.placement.move(source=run.params.server_id, target=run.params.migration_id)


@keep_old_claim.undo
async def take_old_claim_back(run: ResizeRun) -> None:
    # Replaces the new claim, if it came to one, in the same transaction.
    await run.world.placement.move(source=run.params.migration_id, target=run.params.server_id)


@server_resize.step(event="compute_prep_resize")
async def claim_new(run: ResizeRun) -> dict[str, str]:
    """Room for the new flavor beside the old one, on the server's own host. Errors: NoValidHost."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    migration = await migrations.get(run.world.db, run.params.migration_id)
    spec = spec_for(server.spec(), migration.new_flavor, requested_host=server.host, force_host=None)
    chosen = await run.world.scheduler.select(spec, server.id, run.attempt, ())
    return {"host": chosen.host}


@server_resize.order(shows="resize_migrating", event="compute_resize_instance", timeout_s=600.0)
async def resize_guest(run: ResizeRun) -> HostOrder:
    migration = await migrations.get(run.world.db, run.params.migration_id)
    return await on_its_host(
        run,
        ResizeHere,
        old_flavor=migration.old_flavor,
        new_flavor=migration.new_flavor,
        start=migration.old_vm_state == "active",
    )


@resize_guest.undo_order
async def revert_guest(run: ResizeRun) -> HostOrder:
    migration = await migrations.get(run.world.db, run.params.migration_id)
    return await on_its_host(
        run, RevertResizeHere, old_flavor=migration.old_flavor, start=migration.old_vm_state == "active"
    )


@server_resize.finish
async def await_confirmation(tx: Transaction, run: ResizeRun) -> None:
    now = run.world.clock.now()
    migration = await migrations.get(tx, run.params.migration_id)
    server = await server_state.state_of(tx, run.params.server_id)
    await migrations.set_status(tx, migration.id, "finished", now)
    await _record_flavor(tx, run, server, migration.new_flavor)
    await server_state.change(
        tx,
        server.id,
        now,
        vm_state="resized",
        task_state=None,
        power_state=1 if migration.old_vm_state == "active" else 4,
    )


@server_resize.fail
async def as_before(tx: Transaction, run: ResizeRun, error: KilonovaError) -> None:
    now = run.world.clock.now()
    await migrations.set_status(tx, run.params.migration_id, "error", now)
    if not isinstance(error, Cancelled):
        await server_state.change(tx, run.params.server_id, now, task_state=None)


async def _record_flavor(tx: Transaction, run: Run[Any, World], server: Any, flavor: FlavorOf) -> None:
    spec = spec_for(server.spec(), flavor)
    await server_state.change(
        tx,
        server.id,
        run.world.clock.now(),
        flavor=msgspec.json.encode(flavor).decode(),
        flavor_id=flavor.id,
        request_spec=msgspec.json.encode(spec).decode(),
    )


ConfirmRun = Run[ConfirmResize, World]

server_resize_confirm: Saga[ConfirmResize, World] = Saga(ConfirmResize, forward=True)


@server_resize_confirm.order(event="compute_confirm_resize")
async def drop_old_disk(run: ConfirmRun) -> HostOrder:
    return await on_its_host(run, ConfirmResizeHere)


@server_resize_confirm.step()
async def release_old_claim(run: ConfirmRun) -> None:
    await run.world.placement.release(run.params.migration_id)


@server_resize_confirm.finish
async def confirmed(tx: Transaction, run: ConfirmRun) -> None:
    now = run.world.clock.now()
    server = await server_state.state_of(tx, run.params.server_id)
    await migrations.set_status(tx, run.params.migration_id, "confirmed", now)
    vm_state = "stopped" if server.power_state == 4 else "active"
    await server_state.change(tx, server.id, now, vm_state=vm_state, task_state=None)


RevertRun = Run[RevertResize, World]

server_resize_revert: Saga[RevertResize, World] = Saga(RevertResize, forward=True)


@server_resize_revert.order(shows="resize_reverting", event="compute_revert_resize", timeout_s=600.0)
async def restore_guest(run: RevertRun) -> HostOrder:
    migration = await migrations.get(run.world.db, run.params.migration_id)
    return await on_its_host(
        run, RevertResizeHere, old_flavor=migration.old_flavor, start=migration.old_vm_state == "active"
    )


@restore_guest.record
async def record_old_flavor(tx: Transaction, run: RevertRun, facts: Facts) -> None:
    migration = await migrations.get(tx, run.params.migration_id)
    server = await server_state.state_of(tx, run.params.server_id)
    await _record_flavor(tx, run, server, migration.old_flavor)


@server_resize_revert.step()
async def claim_old_only(run: RevertRun) -> None:
    await run.world.placement.move(source=run.params.migration_id, target=run.params.server_id)


@server_resize_revert.finish
async def reverted(tx: Transaction, run: RevertRun) -> None:
    now = run.world.clock.now()
    migration = await migrations.get(tx, run.params.migration_id)
    await migrations.set_status(tx, migration.id, "reverted", now)
    active = migration.old_vm_state == "active"
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        vm_state="active" if active else "stopped",
        task_state=None,
        power_state=1 if active else 4,
    )
