"""A server is put away: its disk becomes an image, its host is freed; and it comes back from that image, anywhere.

Ports and volumes stay the server's all the while; only the host lets go of them.
"""

from typing import Any

import msgspec

from kilonova.conductor.sagas.choosing import chosen
from kilonova.conductor.sagas.server_power import leave_as_it_was, on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import Build, Destroy, Facts, PowerOff, PowerOn, Snapshot
from kilonova.contract.work import OffloadServer, ShelveServer, UnshelveServer
from kilonova.db.database import Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

# What the server boots from when it comes back (system_metadata).
SHELVED_IMAGE = server_state.SHELVED_IMAGE

ShelveRun = Run[ShelveServer, World]

server_shelve: Saga[ShelveServer, World] = Saga(ShelveServer)


@server_shelve.step(shows="shelving", pure=True)
async def own_image(run: ShelveRun) -> None:
    """The api has made the image, queued; from here on it is this saga's to take back."""


@own_image.undo
async def drop_image(run: ShelveRun) -> None:
    if run.params.image_id is not None:
        await run.world.neighbours.drop_image(run.params.image_id)


@server_shelve.order(event="compute_shelve_instance", timeout_s=300.0)
async def power_off(run: ShelveRun) -> HostOrder:
    return await on_its_host(run, PowerOff, grace_s=run.world.shutdown_timeout_s)


@power_off.undo_order
async def power_on_again(run: ShelveRun) -> HostOrder | None:
    server = await server_state.state_of(run.world.db, run.params.server_id)
    return await on_its_host(run, PowerOn) if server.vm_state == "active" else None


@server_shelve.order(shows="shelving_image_uploading", timeout_s=1800.0)
async def snapshot(run: ShelveRun) -> HostOrder | None:
    """None for a server that boots from a volume: nothing of it is on the host only."""
    if run.params.image_id is None:
        return None
    return await on_its_host(run, Snapshot, image_id=run.params.image_id)


@server_shelve.order(shows="shelving_offloading", event="compute_shelve_offload_instance", no_return=True)
async def free_host(run: ShelveRun) -> HostOrder:
    return await on_its_host(run, Destroy)


@server_shelve.step()
async def release_claim(run: ShelveRun) -> None:
    await run.world.neighbours.let_host_go(run.params.server_id)
    await run.world.placement.release(run.params.server_id)


@server_shelve.finish
async def offloaded(tx: Transaction, run: ShelveRun) -> None:
    server = await server_state.state_of(tx, run.params.server_id)
    await server_state.keep(tx, server, run.world.clock.now(), {SHELVED_IMAGE: run.params.image_id})
    await _without_host(tx, run)


server_shelve.fail(leave_as_it_was)


async def _without_host(tx: Transaction, run: Run[Any, World]) -> None:
    await server_state.change(
        tx,
        run.params.server_id,
        run.world.clock.now(),
        vm_state="shelved_offloaded",
        task_state=None,
        power_state=4,
        host=None,
        node=None,
    )


OffloadRun = Run[OffloadServer, World]

server_shelve_offload: Saga[OffloadServer, World] = Saga(OffloadServer, forward=True)


@server_shelve_offload.order(shows="shelving_offloading", event="compute_shelve_offload_instance")
async def free_shelved_host(run: OffloadRun) -> HostOrder:
    return await on_its_host(run, Destroy)


@server_shelve_offload.step()
async def release_shelved_claim(run: OffloadRun) -> None:
    await run.world.neighbours.let_host_go(run.params.server_id)
    await run.world.placement.release(run.params.server_id)


@server_shelve_offload.finish
async def shelved_offloaded(tx: Transaction, run: OffloadRun) -> None:
    await _without_host(tx, run)


UnshelveRun = Run[UnshelveServer, World]

server_unshelve: Saga[UnshelveServer, World] = Saga(UnshelveServer)


@server_unshelve.step(shows="unshelving", event="conductor_unshelve_instance", timeout_s=120.0)
async def place(run: UnshelveRun) -> dict[str, str]:
    """A host for the server, unless it still has one; what was named at its create binds no more.

    Errors: NoValidHost.
    """
    server = await server_state.state_of(run.world.db, run.params.server_id)
    if server.host is not None:
        return {"host": server.host, "node": server.node or "", "zone": server.availability_zone or "", "kept": "yes"}
    named = None if run.params.host is None else HostName(run.params.host)
    spec = msgspec.structs.replace(server.spec(), force_host=None, requested_host=named)
    selection = await run.world.scheduler.select(spec, server.id, run.attempt, ())
    return chosen(selection) | {"kept": ""}


@place.undo
async def release_new_claim(run: UnshelveRun) -> None:
    server = await server_state.state_of(run.world.db, run.params.server_id)
    if server.host is None:
        await run.world.neighbours.let_host_go(server.id)
        await run.world.placement.release(server.id)


@server_unshelve.order(shows="spawning", event="compute_unshelve_instance", timeout_s=600.0)
async def build(run: UnshelveRun) -> HostOrder:
    placed = run.result(place)
    return HostOrder(placed["host"], run.order(PowerOn if placed["kept"] else Build))


@build.undo_order
async def destroy(run: UnshelveRun) -> HostOrder:
    placed = run.result(place)
    return HostOrder(placed["host"], run.order(PowerOff if placed["kept"] else Destroy))


@build.record
async def built(tx: Transaction, run: UnshelveRun, facts: Facts) -> None:
    now = run.world.clock.now()
    placed = run.result(place)
    if facts.vifs is not None:
        await server_state.record_vifs(tx, run.params.server_id, now, facts.vifs)
    if facts.block_devices is not None:
        await server_state.record_devices(tx, run.params.server_id, now, facts.block_devices)
    await server_state.change(
        tx,
        run.params.server_id,
        now,
        power_state=1,
        host=placed["host"],
        node=placed["node"],
        availability_zone=placed["zone"],
    )


@server_unshelve.step(no_return=True)
async def drop_shelved_image(run: UnshelveRun) -> None:
    """The guest's disk has no backing in it: the image was fetched into the host's cache."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    image_id = server.kept().get(SHELVED_IMAGE)
    if image_id is not None:
        await run.world.neighbours.drop_image(image_id)


@server_unshelve.finish
async def active_again(tx: Transaction, run: UnshelveRun) -> None:
    now = run.world.clock.now()
    server = await server_state.state_of(tx, run.params.server_id)
    await server_state.keep(tx, server, now, {SHELVED_IMAGE: None})
    await server_state.change(tx, server.id, now, vm_state="active", task_state=None)


@server_unshelve.fail
async def still_shelved(tx: Transaction, run: UnshelveRun, error: KilonovaError) -> None:
    if not isinstance(error, Cancelled):
        await leave_as_it_was(tx, run, error)
