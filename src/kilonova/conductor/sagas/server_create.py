"""A server is created: volumes made, a host chosen and claimed, the guest built there; where that fails, on another."""

from typing import Any

from kilonova.conductor.faults import fault_of
from kilonova.conductor.sagas.choosing import chosen
from kilonova.conductor.world import World
from kilonova.contract.compute import BlockDevice, Build, Destroy, Facts
from kilonova.contract.work import CreateServer
from kilonova.db.database import Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError, Unavailable
from kilonova.model.ids import HostName
from kilonova.observe import trace
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

CreateRun = Run[CreateServer, World]

# What nova.conf says of attempts counts: see `definitions`.
server_create: Saga[CreateServer, World] = Saga(CreateServer, attempts=3, retry_from="place")


@server_create.step()
async def make_volumes(run: CreateRun) -> list[dict[str, Any]]:
    """Ask for the volumes the mappings want made; answers the mappings with their volume ids."""
    server = await server_state.record_of(run.world.db, run.params.server_id)
    return await run.world.neighbours.make_volumes(server)


@make_volumes.undo
async def drop_volumes(run: CreateRun) -> None:
    await run.world.neighbours.drop_made_volumes(run.params.server_id)


@make_volumes.record
async def record_volumes(tx: Transaction, run: CreateRun, made: list[dict[str, Any]]) -> None:
    if made:
        devices = tuple(BlockDevice(**device) for device in made)
        await server_state.record_devices(tx, run.params.server_id, run.world.clock.now(), devices)


@server_create.step(timeout_s=600.0, pure=True)
async def await_volumes(run: CreateRun) -> None:
    """Errors: Unavailable while one is being made (tried again), VolumeFailed."""
    for device in run.result(make_volumes) or ():
        if device["destination_type"] == "volume" and not await run.world.neighbours.volume_ready(device["volume_id"]):
            raise Unavailable(f"Volume {device['volume_id']} is being created.")


@server_create.step(shows="scheduling", event="scheduler_select_destinations", timeout_s=120.0)
async def place(run: CreateRun) -> dict[str, str]:
    """Choose a host and claim on it for the server. Errors: NoValidHost."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    avoid = tuple(HostName(failure["host"]) for failure in run.failures if failure.get("host"))
    selection = await run.world.scheduler.select(server.spec(), server.id, run.attempt, avoid)
    return chosen(selection)


@place.undo
async def release_claim(run: CreateRun) -> None:
    await run.world.placement.release(run.params.server_id)


@place.record
async def record_host(tx: Transaction, run: CreateRun, chosen: dict[str, str]) -> None:
    with trace.span("host on the record", kind="db", target="db", step="11"):
        await server_state.change(
            tx,
            run.params.server_id,
            run.world.clock.now(),
            host=chosen["host"],
            node=chosen["node"],
            availability_zone=chosen["zone"],
        )


@server_create.step(pure=True)
async def wire(run: CreateRun) -> None:
    """The host makes ports and attaches volumes as it builds; here is what takes them back."""


@wire.undo
async def unwire(run: CreateRun) -> None:
    server = await server_state.state_of(run.world.db, run.params.server_id, even_deleted=True)
    given = await server_state.given_ports(run.world.db, server.id)
    await run.world.neighbours.release_ports(server.id, given=given)
    await run.world.neighbours.release_attachments(server.id)


@server_create.order(shows="spawning", event="compute__do_build_and_run_instance", timeout_s=600.0)
async def build(run: CreateRun) -> HostOrder:
    return HostOrder(run.result(place)["host"], run.order(Build))


@build.undo_order
async def destroy(run: CreateRun) -> HostOrder:
    return HostOrder(run.result(place)["host"], run.order(Destroy))


@build.record
async def record_build(tx: Transaction, run: CreateRun, facts: Facts) -> None:
    now = run.world.clock.now()
    if facts.vifs is not None:
        await server_state.record_vifs(tx, run.params.server_id, now, facts.vifs)
    if facts.block_devices is not None:
        await server_state.record_devices(tx, run.params.server_id, now, facts.block_devices)
    with trace.span("ACTIVE", kind="db", target="db"):
        await server_state.change(
            tx,
            run.params.server_id,
            now,
            vm_state="active",
            task_state=None,
            power_state=1 if facts.power_state is None else facts.power_state,
            launched_at=now,
            fault=None,
        )


@server_create.fail
async def end_in_error(tx: Transaction, run: CreateRun, error: KilonovaError) -> None:
    if isinstance(error, Cancelled):
        return
    now = run.world.clock.now()
    await server_state.record_vifs(tx, run.params.server_id, now, ())
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        vm_state="error",
        task_state=None,
        host=None,
        node=None,
        fault=fault_of(error, now, run.failures),
    )
