"""A server gets another flavor, another host, or both; both claims stay until its owner confirms or reverts.

While a move is open the migration's consumer holds the old claim and the server's the new one, and what was on the old
host stays there: a resize on one host keeps the old root disk aside, a move the whole guest.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kilonova.conductor.sagas.choosing import chosen
from kilonova.conductor.sagas.server_power import on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import (
    ComeBack,
    ConfirmResizeHere,
    Destroy,
    Facts,
    FlavorOf,
    LeaveHost,
    ResizeHere,
    RevertResizeHere,
    TakeIn,
)
from kilonova.contract.scheduler import RequestSpec
from kilonova.contract.work import ConfirmResize, MigrateServer, ResizeServer, RevertResize, Work
from kilonova.db.database import Transaction
from kilonova.db.repository import migrations, server_state
from kilonova.db.repository.migrations import Migration
from kilonova.db.repository.server_state import ServerState
from kilonova.model.errors import KilonovaError, NotSupported
from kilonova.model.hypervisor import TAKES_GUESTS
from kilonova.model.ids import HostName
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga, facts_of

MoveRun = Run[Any, World]

# In system_metadata: the zone of the host a revert goes back to.
OLD_ZONE = "old_availability_zone"
# Disks may have to be copied.
MOVE_S = 1500.0


class DisksStay(NotSupported):
    """The message is what the action's event says."""

    def __init__(self, host: str) -> None:
        super().__init__(f"No other host can reach the disks of servers on {host}: they cannot go to another host.")
        self.host = host


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


def spec_elsewhere(spec: RequestSpec, host: str | None, *, with_disks: bool = True) -> RequestSpec:
    """The request asked of hosts that take guests over; only of `host` where it is named."""
    wanted = {f"trait:{TAKES_GUESTS}": "required"} if with_disks else {}
    return msgspec.structs.replace(
        spec,
        requested_host=None if host is None else HostName(host),
        force_host=None,
        extra_specs=spec.extra_specs | wanted,
    )


async def migration_of(run: MoveRun) -> Migration:
    return await migrations.get(run.world.db, run.params.migration_id)


async def keep_old_claim(run: MoveRun) -> None:
    await run.world.placement.move(source=run.params.server_id, target=run.params.migration_id)


async def take_old_claim_back(run: MoveRun) -> None:
    # Replaces the new claim, if it came to one, in the same transaction.
    await run.world.placement.move(source=run.params.migration_id, target=run.params.server_id)


async def claim_for_resize(run: Run[ResizeServer, World]) -> dict[str, str]:
    """Room for the new flavor beside the old one. Errors: NoValidHost."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    assert server.host is not None
    migration = await migration_of(run)
    spec = spec_for(server.spec(), migration.new_flavor)
    if await run.world.hosts.takes_guests(server.host):
        spec = spec_elsewhere(spec, None)
    else:
        spec = msgspec.structs.replace(spec, requested_host=server.host, force_host=None)
    avoid = () if run.world.resize_to_same_host else (server.host,)
    selection = await run.world.scheduler.select(spec, server.id, run.attempt, avoid)
    return chosen(selection)


async def claim_elsewhere(run: Run[MigrateServer, World]) -> dict[str, str]:
    """Room on another host. Errors: NoValidHost, DisksStay."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    assert server.host is not None
    if not await run.world.hosts.takes_guests(server.host):
        raise DisksStay(server.host)
    spec = spec_elsewhere(server.spec(), run.params.host)
    selection = await run.world.scheduler.select(spec, server.id, run.attempt, (server.host,))
    return chosen(selection)


async def record_destination(tx: Transaction, run: MoveRun, chosen: dict[str, str]) -> None:
    now = run.world.clock.now()
    await migrations.set_destination(tx, run.params.migration_id, host=chosen["host"], node=chosen["node"], now=now)
    await migrations.set_status(tx, run.params.migration_id, "migrating", now)


async def leave_old_host(run: MoveRun) -> HostOrder:
    migration = await migration_of(run)
    grace_s = run.world.shutdown_timeout_s
    return await on_its_host(run, LeaveHost, unplug=not migration.stays, grace_s=grace_s)


async def back_on_old_host(run: MoveRun) -> HostOrder | None:
    """Before a delete the guest may be as it likes."""
    migration = await migration_of(run)
    if run.cancelled:
        return None
    return await on_its_host(run, ComeBack, flavor=migration.old_flavor, start=migration.was_active)


async def guest_to(run: MoveRun, *, address: str) -> HostOrder:
    """`address`: how its old host is reached."""
    migration = await migration_of(run)
    if migration.stays:
        return await on_its_host(
            run,
            ResizeHere,
            old_flavor=migration.old_flavor,
            new_flavor=migration.new_flavor,
            start=migration.was_active,
        )
    assert migration.dest_compute is not None
    assert migration.source_compute is not None
    order = run.order(
        TakeIn,
        source=HostName(migration.source_compute),
        address=address,
        flavor=migration.new_flavor,
        start=migration.was_active,
    )
    return HostOrder(HostName(migration.dest_compute), order)


async def take_guest_back(run: MoveRun) -> HostOrder | None:
    migration = await migration_of(run)
    if migration.stays:
        return await on_its_host(run, RevertResizeHere, old_flavor=migration.old_flavor, start=False)
    assert migration.dest_compute is not None
    return HostOrder(HostName(migration.dest_compute), run.order(Destroy))


async def record_devices(tx: Transaction, run: MoveRun, facts: Facts) -> None:
    now = run.world.clock.now()
    if facts.vifs is not None:
        await server_state.record_vifs(tx, run.params.server_id, now, facts.vifs)
    if facts.block_devices is not None:
        await server_state.record_devices(tx, run.params.server_id, now, facts.block_devices)


async def record_flavor(tx: Transaction, run: MoveRun, server: ServerState, flavor: FlavorOf) -> None:
    spec = spec_for(server.spec(), flavor)
    await server_state.change(
        tx,
        server.id,
        run.world.clock.now(),
        flavor=msgspec.json.encode(flavor).decode(),
        flavor_id=flavor.id,
        request_spec=msgspec.json.encode(spec).decode(),
    )


async def as_before(tx: Transaction, run: MoveRun, error: KilonovaError) -> None:
    now = run.world.clock.now()
    await migrations.set_status(tx, run.params.migration_id, "error", now)
    if not isinstance(error, Cancelled):
        await server_state.change(tx, run.params.server_id, now, task_state=None)


def _moving(params: type[Work], claim: Callable[[Any], Awaitable[dict[str, str]]]) -> Saga[Any, World]:
    """`claim` makes room for the server on the host it is to be on."""
    saga: Saga[Any, World] = Saga(params)
    saga.step(shows="resize_prep", event="conductor_migrate_server")(keep_old_claim).undo(take_old_claim_back)
    placed = saga.step(event="compute_prep_resize", timeout_s=120.0)(claim)
    placed.record(record_destination)
    left = saga.order(shows="resize_migrating", event="compute_resize_instance")(leave_old_host)
    left.undo_order(back_on_old_host)

    @saga.order(shows="resize_finish", event="compute_finish_resize", timeout_s=MOVE_S)
    async def move_guest(run: MoveRun) -> HostOrder:
        return await guest_to(run, address=facts_of(run.result(left)).address)

    move_guest.undo_order(take_guest_back)
    move_guest.record(record_devices)

    @saga.finish
    async def await_confirmation(tx: Transaction, run: MoveRun) -> None:
        now = run.world.clock.now()
        migration = await migrations.get(tx, run.params.migration_id)
        server = await server_state.state_of(tx, run.params.server_id)
        await migrations.set_status(tx, migration.id, "finished", now)
        await record_flavor(tx, run, server, migration.new_flavor)
        await server_state.change(
            tx,
            server.id,
            now,
            vm_state="resized",
            task_state=None,
            power_state=1 if migration.was_active else 4,
            host=migration.dest_compute,
            node=migration.dest_node,
            availability_zone=run.result(placed)["zone"],
        )
        await server_state.keep(tx, server, now, {OLD_ZONE: server.availability_zone})

    saga.fail(as_before)
    return saga


server_resize = _moving(ResizeServer, claim_for_resize)
server_migrate = _moving(MigrateServer, claim_elsewhere)

ConfirmRun = Run[ConfirmResize, World]

server_resize_confirm: Saga[ConfirmResize, World] = Saga(ConfirmResize, forward=True)


@server_resize_confirm.order(event="compute_confirm_resize")
async def drop_old(run: ConfirmRun) -> HostOrder | None:
    """The old root disk, or all of the guest on its old host; one that is down finds out when it is back."""
    migration = await migration_of(run)
    if migration.stays:
        return await on_its_host(run, ConfirmResizeHere)
    assert migration.source_compute is not None
    source = HostName(migration.source_compute)
    return HostOrder(source, run.order(Destroy)) if await run.world.hosts.alive(source) else None


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


@server_resize_revert.order(shows="resize_reverting", event="compute_revert_resize")
async def leave_new(run: RevertRun) -> HostOrder | None:
    migration = await migration_of(run)
    if migration.stays:
        return await on_its_host(run, LeaveHost, unplug=False, grace_s=0.0)
    assert migration.dest_compute is not None
    target = HostName(migration.dest_compute)
    return HostOrder(target, run.order(Destroy)) if await run.world.hosts.alive(target) else None


@server_resize_revert.order(event="compute_finish_revert_resize", timeout_s=600.0)
async def restore_guest(run: RevertRun) -> HostOrder:
    migration = await migration_of(run)
    if migration.stays:
        return await on_its_host(run, RevertResizeHere, old_flavor=migration.old_flavor, start=migration.was_active)
    assert migration.source_compute is not None
    order = run.order(ComeBack, flavor=migration.old_flavor, start=migration.was_active)
    return HostOrder(HostName(migration.source_compute), order)


@restore_guest.record
async def record_old(tx: Transaction, run: RevertRun, facts: Facts) -> None:
    migration = await migrations.get(tx, run.params.migration_id)
    server = await server_state.state_of(tx, run.params.server_id)
    await record_devices(tx, run, facts)
    await record_flavor(tx, run, server, migration.old_flavor)
    await server_state.change(
        tx,
        server.id,
        run.world.clock.now(),
        host=migration.source_compute,
        node=migration.source_node,
        availability_zone=server.kept().get(OLD_ZONE, server.availability_zone),
    )


@server_resize_revert.step()
async def claim_old_only(run: RevertRun) -> None:
    await run.world.placement.move(source=run.params.migration_id, target=run.params.server_id)


@server_resize_revert.finish
async def reverted(tx: Transaction, run: RevertRun) -> None:
    now = run.world.clock.now()
    migration = await migrations.get(tx, run.params.migration_id)
    await migrations.set_status(tx, migration.id, "reverted", now)
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        vm_state="active" if migration.was_active else "stopped",
        task_state=None,
        power_state=1 if migration.was_active else 4,
    )
