"""Volumes and interfaces come to a server and go: attach and detach, each with what it takes to undo it."""

from typing import Any

import msgspec

from kilonova.conductor.sagas.server_power import leave_as_it_was, on_its_host
from kilonova.conductor.world import World
from kilonova.contract.compute import AttachInterface, AttachVolume, BlockDevice, DetachInterface, DetachVolume, Facts
from kilonova.contract.placement import ClaimRequest
from kilonova.contract.work import AttachInterfaceWork, AttachVolumeWork, DetachInterfaceWork, DetachVolumeWork
from kilonova.db.database import Reader, Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError
from kilonova.saga.saga import HostOrder, Run, Saga

AttachVolumeRun = Run[AttachVolumeWork, World]

volume_attach: Saga[AttachVolumeWork, World] = Saga(AttachVolumeWork)


async def _mapping(db: Reader, run: Run[Any, World]) -> BlockDevice | None:
    devices = await server_state.devices_of(db, run.params.server_id)
    return next((device for device in devices if device.id == run.params.mapping_id), None)


async def _remap(tx: Transaction, run: Run[Any, World], mapping: BlockDevice | None) -> None:
    """Put `mapping` in the place of the work's one; None takes it out."""
    devices = await server_state.devices_of(tx, run.params.server_id)
    kept = [device for device in devices if device.id != run.params.mapping_id]
    now = run.world.clock.now()
    await server_state.record_devices(
        tx, run.params.server_id, now, tuple(kept) if mapping is None else (*kept, mapping)
    )


@volume_attach.step()
async def reserve_volume(run: AttachVolumeRun) -> str:
    """An attachment at the volume service. Errors: its own."""
    return await run.world.neighbours.reserve_volume(run.params.server_id, run.params.volume_id)


@reserve_volume.undo
async def release_volume(run: AttachVolumeRun) -> None:
    await run.world.neighbours.release_attachment(run.params.server_id, run.params.volume_id)


@volume_attach.order(event="compute_attach_volume")
async def attach_volume(run: AttachVolumeRun) -> HostOrder | None:
    """On its host; a server that has none (shelved) gets the volume when it is back."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    mapping = await _mapping(run.world.db, run)
    if mapping is None:
        return None
    if server.host is None:
        # Clients wait for `in-use`; the host that takes the server up connects it.
        await run.world.neighbours.complete_attachment(run.result(reserve_volume))
        return None
    return await on_its_host(
        run,
        AttachVolume,
        volume_id=run.params.volume_id,
        attachment_id=run.result(reserve_volume),
        device=mapping.device_name,
        tag=mapping.tag,
    )


@attach_volume.undo_order
async def take_volume_out(run: AttachVolumeRun) -> HostOrder | None:
    server = await server_state.state_of(run.world.db, run.params.server_id)
    if server.host is None:
        return None
    return await on_its_host(run, DetachVolume, volume_id=run.params.volume_id)


@attach_volume.record
async def record_attachment(tx: Transaction, run: AttachVolumeRun, facts: Facts) -> None:
    mapping = await _mapping(tx, run)
    if mapping is not None:
        device = facts.device or mapping.device_name
        attachment = run.result(reserve_volume)
        await _remap(tx, run, msgspec.structs.replace(mapping, device_name=device, attachment_id=attachment))


@volume_attach.fail
async def not_attached(tx: Transaction, run: AttachVolumeRun, error: KilonovaError) -> None:
    await _remap(tx, run, None)


DetachVolumeRun = Run[DetachVolumeWork, World]

volume_detach: Saga[DetachVolumeWork, World] = Saga(DetachVolumeWork)


@volume_detach.step()
async def mark_detaching(run: DetachVolumeRun) -> None:
    """At the volume service, so that nobody else detaches it meanwhile. Errors: its own."""
    await run.world.neighbours.begin_detaching(run.params.volume_id)


@mark_detaching.undo
async def stays_attached(run: DetachVolumeRun) -> None:
    await run.world.neighbours.roll_detaching(run.params.volume_id)


@volume_detach.order(event="compute_detach_volume", timeout_s=120.0)
async def detach_volume(run: DetachVolumeRun) -> HostOrder | None:
    """Done when the guest has let go. Errors: DetachRefused."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    if server.host is None:
        return None
    return await on_its_host(run, DetachVolume, volume_id=run.params.volume_id)


@detach_volume.undo_order
async def put_volume_back(run: DetachVolumeRun) -> HostOrder | None:
    """The guest may have let go before something else failed."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    mapping = await _mapping(run.world.db, run)
    if run.cancelled or server.host is None or mapping is None or mapping.attachment_id is None:
        return None
    return await on_its_host(
        run,
        AttachVolume,
        volume_id=run.params.volume_id,
        attachment_id=mapping.attachment_id,
        device=mapping.device_name,
        tag=mapping.tag,
    )


@volume_detach.step(no_return=True)
async def give_volume_back(run: DetachVolumeRun) -> None:
    await run.world.neighbours.release_attachment(run.params.server_id, run.params.volume_id)


@volume_detach.finish
async def detached(tx: Transaction, run: DetachVolumeRun) -> None:
    await _remap(tx, run, None)


volume_detach.fail(leave_as_it_was)

AttachInterfaceRun = Run[AttachInterfaceWork, World]

interface_attach: Saga[AttachInterfaceWork, World] = Saga(AttachInterfaceWork)


@interface_attach.step()
async def have_port(run: AttachInterfaceRun) -> str:
    """The port to plug: the one given, or one made on the network for this run. Errors: the network service's."""
    return await run.world.neighbours.have_port(run.params.server_id, run.key, run.params)


@have_port.undo
async def drop_port(run: AttachInterfaceRun) -> None:
    await run.world.neighbours.drop_port(run.params.server_id, run.key, run.params)


@interface_attach.order(event="compute_attach_interface")
async def plug(run: AttachInterfaceRun) -> HostOrder:
    return await on_its_host(
        run,
        AttachInterface,
        port_id=run.result(have_port),
        tag=run.params.tag,
        created_here=run.params.port_id is None or run.params.made,
    )


@plug.undo_order
async def unplug(run: AttachInterfaceRun) -> HostOrder | None:
    port_id = run.result(have_port)
    return None if port_id is None else await on_its_host(run, DetachInterface, port_id=port_id)


@plug.record
async def record_plugged(tx: Transaction, run: AttachInterfaceRun, facts: Facts) -> None:
    if facts.vifs is not None:
        await server_state.record_vifs(tx, run.params.server_id, run.world.clock.now(), facts.vifs)


interface_attach.fail(leave_as_it_was)

DetachInterfaceRun = Run[DetachInterfaceWork, World]

interface_detach: Saga[DetachInterfaceWork, World] = Saga(DetachInterfaceWork)


@interface_detach.order(event="compute_detach_interface", timeout_s=120.0)
async def take_out(run: DetachInterfaceRun) -> HostOrder:
    return await on_its_host(run, DetachInterface, port_id=run.params.port_id)


@take_out.undo_order
async def plug_again(run: DetachInterfaceRun) -> HostOrder | None:
    """The guest may have let go before something else failed."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    vif = next((vif for vif in server.interfaces() if vif.port_id == run.params.port_id), None)
    if run.cancelled or vif is None:
        return None
    return await on_its_host(run, AttachInterface, port_id=vif.port_id, tag=vif.tag, created_here=vif.created_here)


@interface_detach.step(no_return=True)
async def give_port_back(run: DetachInterfaceRun) -> None:
    """Ports made for the server are deleted, given ones only unbound."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    given = await server_state.given_ports(run.world.db, server.id)
    await run.world.neighbours.release_ports(server.id, given=given, only=run.params.port_id)


@interface_detach.step()
async def give_device_back(run: DetachInterfaceRun) -> None:
    """Where the port was on a PCI device of the host, that is free for others from now on."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    spec = server.spec()
    held = (await run.world.placement.fits_of((server.id,))).get(server.id, {})
    for host, fit in held.items():
        kept = tuple(device for device in fit.devices if device.name != run.params.port_id)
        if len(kept) == len(fit.devices):
            continue
        await run.world.placement.claim(
            ClaimRequest(
                consumer=server.id,
                host=host,
                resources=spec.resources(),
                project_id=spec.project_id,
                user_id=spec.user_id,
                fit=msgspec.structs.replace(fit, devices=kept) if kept or fit.cells else None,
            )
        )


@interface_detach.finish
async def port_gone(tx: Transaction, run: DetachInterfaceRun) -> None:
    server = await server_state.state_of(tx, run.params.server_id)
    now = run.world.clock.now()
    left = tuple(vif for vif in server.interfaces() if vif.port_id != run.params.port_id)
    await server_state.record_vifs(tx, server.id, now, left)
    spec = server.spec()
    if any(one.name == run.params.port_id for one in spec.port_devices):
        kept = tuple(one for one in spec.port_devices if one.name != run.params.port_id)
        without = msgspec.structs.replace(spec, port_devices=kept)
        await server_state.change(tx, server.id, now, request_spec=msgspec.json.encode(without).decode())


interface_detach.fail(leave_as_it_was)
