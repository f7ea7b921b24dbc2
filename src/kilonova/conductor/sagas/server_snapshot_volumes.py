"""An image of a server that boots from a volume: snapshots of its volumes, and a record of how to boot from them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.conductor.sagas.server_power import leave_as_it_was, on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import BlockDevice, Pause, Unpause
from kilonova.contract.work import SnapshotVolumes
from kilonova.db.database import Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError, Unavailable
from kilonova.saga.saga import Cancelled, HostOrder, Run, Saga

SnapshotRun = Run[SnapshotVolumes, World]

server_snapshot_volumes: Saga[SnapshotVolumes, World] = Saga(SnapshotVolumes)


@server_snapshot_volumes.step(shows="image_snapshot")
async def own_volume_image(run: SnapshotRun) -> None:
    """The api has made the image, queued; from here on it is this saga's to take back."""


@own_volume_image.undo
async def drop_volume_image(run: SnapshotRun) -> None:
    await run.world.neighbours.drop_image(run.params.image_id)


@server_snapshot_volumes.order(event="compute_quiesce")
async def hold_still(run: SnapshotRun) -> HostOrder | None:
    """The guest writes nothing while its volumes are copied."""
    return await on_its_host(run, Pause) if await _runs(run) else None


@hold_still.undo_order
async def go_on_again(run: SnapshotRun) -> HostOrder | None:
    return await on_its_host(run, Unpause) if not run.cancelled and await _runs(run) else None


async def _runs(run: SnapshotRun) -> bool:
    server = await server_state.state_of(run.world.db, run.params.server_id)
    return server.vm_state == "active"


@server_snapshot_volumes.step()
async def take_snapshots(run: SnapshotRun) -> dict[str, Any]:
    """Volume id → the id and size (GiB) of its snapshot."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    return await run.world.neighbours.snapshot_volumes(
        run.params.image_id, name=server.name, volume_ids=await _volume_ids(run)
    )


@take_snapshots.undo
async def drop_snapshots(run: SnapshotRun) -> None:
    await run.world.neighbours.drop_snapshots(run.params.image_id, await _volume_ids(run))


async def _volume_ids(run: SnapshotRun) -> list[str]:
    devices = await server_state.devices_of(run.world.db, run.params.server_id)
    return [device.volume_id for device in devices if device.volume_id is not None]


@server_snapshot_volumes.step(timeout_s=1800.0)
async def await_snapshots(run: SnapshotRun) -> None:
    """Errors: Unavailable while they are being made (tried again), VolumeFailed."""
    ids = [one["id"] for one in run.result(take_snapshots).values()]
    if not await run.world.neighbours.snapshots_ready(ids):
        raise Unavailable("Volume snapshots are being created.")


@server_snapshot_volumes.order(event="compute_unquiesce")
async def go_on(run: SnapshotRun) -> HostOrder | None:
    return await on_its_host(run, Unpause) if await _runs(run) else None


@server_snapshot_volumes.step(shows="image_uploading")
async def describe_boot(run: SnapshotRun) -> None:
    devices = await server_state.devices_of(run.world.db, run.params.server_id)
    await run.world.neighbours.write_boot_mapping(
        run.params.image_id, boot_properties(devices, run.result(take_snapshots))
    )


@server_snapshot_volumes.finish
async def snapshots_taken(tx: Transaction, run: SnapshotRun) -> None:
    await server_state.change(tx, run.params.server_id, run.world.clock.now(), task_state=None)


@server_snapshot_volumes.fail
async def no_snapshots(tx: Transaction, run: SnapshotRun, error: KilonovaError) -> None:
    if not isinstance(error, Cancelled):
        await leave_as_it_was(tx, run, error)


def boot_properties(devices: Sequence[BlockDevice], snapshots: dict[str, Any]) -> dict[str, str]:
    """Properties of an image that boots from snapshots. Source of names: Nova's block_device_mapping of images."""
    mapping = [
        {
            "source_type": "snapshot",
            "destination_type": "volume",
            "device_type": "disk",
            "snapshot_id": snapshots[device.volume_id]["id"],
            "volume_size": snapshots[device.volume_id]["size"],
            "boot_index": device.boot_index,
            "delete_on_termination": device.delete_on_termination,
            "device_name": device.device_name,
            "disk_bus": device.disk_bus,
            "guest_format": device.guest_format,
            "image_id": None,
            "volume_id": None,
            "volume_type": None,
            "no_device": None,
            "tag": device.tag,
        }
        for device in devices
        if device.volume_id is not None
    ]
    root = next((device.device_name for device in devices if device.boot_index == 0), None)
    return {
        "block_device_mapping": msgspec.json.encode(mapping).decode(),
        "bdm_v2": "True",
        "root_device_name": root or "/dev/vda",
    }
