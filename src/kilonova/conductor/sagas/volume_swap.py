"""A server's volume moves to another place: its host copies it under the running guest, the volume service ends it."""

import msgspec

from kilonova.conductor.sagas.server_power import leave_as_it_was, on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import BlockDevice, SwapVolume
from kilonova.contract.work import SwapVolumeWork
from kilonova.db.database import Reader, Transaction
from kilonova.db.repository import server_state
from kilonova.saga.saga import HostOrder, Run, Saga

SwapRun = Run[SwapVolumeWork, World]

# Copying a large volume takes hours.
_COPY_TIMEOUT_S = 6 * 3600.0

volume_swap: Saga[SwapVolumeWork, World] = Saga(SwapVolumeWork, deadline_s=2 * _COPY_TIMEOUT_S)


@volume_swap.step()
async def reserve_target(run: SwapRun) -> str:
    """An attachment of the other volume. Errors: the volume service's."""
    return await run.world.neighbours.reserve_volume(run.params.server_id, run.params.new_volume_id)


@reserve_target.undo
async def give_up(run: SwapRun) -> None:
    """The volume service forgets the migration, and its target."""
    neighbours, volume_id, target = run.world.neighbours, run.params.volume_id, run.params.new_volume_id
    await neighbours.release_attachment(run.params.server_id, target)
    await neighbours.end_migration(volume_id, target, error=True)


@volume_swap.order(event="compute_swap_volume", timeout_s=_COPY_TIMEOUT_S)
async def swap(run: SwapRun) -> HostOrder:
    """On its host, as the guest runs."""
    return await on_its_host(run, SwapVolume, volume_id=run.params.volume_id, attachment_id=run.result(reserve_target))


@swap.undo_order
async def swap_back(run: SwapRun) -> HostOrder | None:
    """What the guest wrote meanwhile comes back too."""
    mapping = await _mapping(run.world.db, run)
    # A server that is being deleted needs its disk nowhere.
    if run.cancelled or mapping is None or mapping.attachment_id is None:
        return None
    return await on_its_host(run, SwapVolume, volume_id=run.params.volume_id, attachment_id=mapping.attachment_id)


@volume_swap.step(no_return=True)
async def settle(run: SwapRun) -> str:
    """The id under which the volume goes on. Its old attachment goes first: the volume service wants it so."""
    neighbours = run.world.neighbours
    mapping = await _mapping(run.world.db, run)
    if mapping is not None and mapping.attachment_id is not None:
        await neighbours.drop_attachment(mapping.attachment_id)
    stays = await neighbours.end_migration(run.params.volume_id, run.params.new_volume_id)
    await neighbours.complete_attachment(run.result(reserve_target))
    return stays


@volume_swap.finish
async def swapped(tx: Transaction, run: SwapRun) -> None:
    devices = await server_state.devices_of(tx, run.params.server_id)
    now = run.world.clock.now()
    await server_state.record_devices(tx, run.params.server_id, now, tuple(_after(run, device) for device in devices))


def _after(run: SwapRun, device: BlockDevice) -> BlockDevice:
    if device.id != run.params.mapping_id:
        return device
    return msgspec.structs.replace(device, volume_id=run.result(settle), attachment_id=run.result(reserve_target))


async def _mapping(db: Reader, run: SwapRun) -> BlockDevice | None:
    devices = await server_state.devices_of(db, run.params.server_id)
    return next((device for device in devices if device.id == run.params.mapping_id), None)


volume_swap.fail(leave_as_it_was)
