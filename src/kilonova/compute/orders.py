"""How each order is carried out. All are safe to repeat; what they changed goes back as Facts."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from kilonova.aio.blocking import blocking
from kilonova.compute import moving, ports, swapping, volumes
from kilonova.compute.abilities import able
from kilonova.compute.assembly import assemble, drop_config_drive, fetch_image
from kilonova.compute.host import Host
from kilonova.contract import compute as order_kinds
from kilonova.contract.compute import AnyOrder, Facts, Order, ServerRecord
from kilonova.model.errors import GuestNotFound, NotSupported
from kilonova.model.ids import NetworkId, PortId, VolumeId
from kilonova.observe import trace
from kilonova.virt.guest import LocalDisk, Nic, PowerState
from kilonova.virt.hypervisor import (
    CrashDumping,
    PasswordSetting,
    Pausing,
    Rescuing,
    Resizing,
    Snapshotting,
    Suspending,
)
from kilonova.virt.image_cache import image_format


async def carry_out(host: Host, order: AnyOrder) -> Facts:
    """Errors: the driver's, the neighbours', NotSupported for what this driver cannot do."""
    return await _HANDLERS[type(order)](host, order)


# -- made and unmade ---------------------------------------------------------------------------------------------------


async def build(host: Host, order: order_kinds.Build) -> Facts:
    record = await host.conductor.server(order.server_id)
    parts = await assemble(host, record)
    with trace.span("define and start", target="hypervisor", step="28"):
        await host.hypervisor.define(parts.spec)
        await host.hypervisor.power_on(record.id)
    await volumes.complete_attachments(host, parts.devices)
    return Facts(power_state=PowerState.RUNNING, vifs=parts.vifs, block_devices=parts.devices)


async def destroy(host: Host, order: order_kinds.Destroy) -> Facts:
    await host.hypervisor.destroy(order.server_id)
    await ports.unplug_all(host, order.server_id)
    await blocking(drop_config_drive, host, order.server_id)
    return Facts(power_state=PowerState.NOSTATE)


async def rebuild(host: Host, order: order_kinds.Rebuild) -> Facts:
    """New disks from the record's image; ports and volumes stay. A server that was stopped stays stopped."""
    record = await host.conductor.server(order.server_id)
    was_off = record.vm_state == "stopped"
    await host.hypervisor.destroy(record.id)
    await blocking(drop_config_drive, host, record.id)
    if order.reimage is not None:
        await volumes.reimage_root(host, record, order.reimage)
    parts = await assemble(host, record)
    await host.hypervisor.define(parts.spec)
    if not was_off:
        await host.hypervisor.power_on(record.id)
    await volumes.complete_attachments(host, parts.devices)
    power_state = PowerState.SHUTDOWN if was_off else PowerState.RUNNING
    return Facts(power_state=power_state, block_devices=parts.devices)


# -- power -------------------------------------------------------------------------------------------------------------


async def power_on(host: Host, order: order_kinds.PowerOn) -> Facts:
    """Defined anew first: devices may have changed while it was off."""
    await _define_again(host, await host.conductor.server(order.server_id))
    await host.hypervisor.power_on(order.server_id)
    return Facts(power_state=PowerState.RUNNING)


async def power_off(host: Host, order: order_kinds.PowerOff) -> Facts:
    await host.hypervisor.power_off(order.server_id, grace_s=order.grace_s)
    return Facts(power_state=PowerState.SHUTDOWN)


async def reboot(host: Host, order: order_kinds.Reboot) -> Facts:
    """Soft keeps the definition; hard makes it anew from the record, ports and storage connected afresh."""
    if order.hard:
        record = await host.conductor.server(order.server_id)
        await host.hypervisor.power_off(record.id, grace_s=0)
        for vif in await ports.current_vifs(host, record):
            await host.plugger.unplug(PortId(vif.port_id))
        vifs = await _define_again(host, record)
        await host.hypervisor.power_on(record.id)
        return Facts(power_state=PowerState.RUNNING, vifs=vifs)
    await host.hypervisor.power_off(order.server_id, grace_s=order.grace_s)
    await host.hypervisor.power_on(order.server_id)
    return Facts(power_state=PowerState.RUNNING)


async def _define_again(host: Host, record: ServerRecord) -> tuple[order_kinds.Vif, ...]:
    parts = await assemble(host, record)
    await host.hypervisor.define(parts.spec)
    return parts.vifs


async def pause(host: Host, order: order_kinds.Pause) -> Facts:
    await able(host, Pausing).pause(order.server_id)
    return Facts(power_state=PowerState.PAUSED)


async def unpause(host: Host, order: order_kinds.Unpause) -> Facts:
    await able(host, Pausing).unpause(order.server_id)
    return Facts(power_state=PowerState.RUNNING)


async def suspend(host: Host, order: order_kinds.Suspend) -> Facts:
    await able(host, Suspending).suspend(order.server_id)
    return Facts(power_state=PowerState.SHUTDOWN)


async def resume(host: Host, order: order_kinds.Resume) -> Facts:
    await able(host, Suspending).resume(order.server_id)
    return Facts(power_state=PowerState.RUNNING)


# -- disks -------------------------------------------------------------------------------------------------------------


async def snapshot(host: Host, order: order_kinds.Snapshot) -> Facts:
    """Into the image made for it; an image that has its bits already is done."""
    token = await host.token()
    image = await host.image.show(order.image_id, token)
    if image.status == "active":
        return Facts()
    target = host.work_dir / "snapshots" / f"{order.image_id}.qcow2"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        await able(host, Snapshotting).snapshot(order.server_id, target)
        await host.image.upload(order.image_id, target, token)
    finally:
        await blocking(_remove, target)
    return Facts()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def resize_here(host: Host, order: order_kinds.ResizeHere) -> Facts:
    hypervisor = able(host, Resizing)
    record = await host.conductor.server(order.server_id)
    await host.hypervisor.power_off(record.id, grace_s=order.grace_s)
    await hypervisor.keep_root(record.id)
    parts = await assemble(host, record, flavor=order.new_flavor)
    await host.hypervisor.define(parts.spec)
    if order.new_flavor.root_gib > order.old_flavor.root_gib and _has_local_root(parts.spec.disks):
        await hypervisor.grow_root(record.id, size_gib=order.new_flavor.root_gib)
    if order.start:
        await host.hypervisor.power_on(record.id)
    return Facts(power_state=PowerState.RUNNING if order.start else PowerState.SHUTDOWN)


def _has_local_root(disks: tuple[Any, ...]) -> bool:
    return any(isinstance(disk, LocalDisk) and disk.role == "root" for disk in disks)


async def confirm_resize(host: Host, order: order_kinds.ConfirmResizeHere) -> Facts:
    await able(host, Resizing).drop_kept_root(order.server_id)
    return Facts()


async def revert_resize(host: Host, order: order_kinds.RevertResizeHere) -> Facts:
    """Also after a resize that failed anywhere, or never began."""
    hypervisor = able(host, Resizing)
    record = await host.conductor.server(order.server_id)
    await host.hypervisor.power_off(record.id, grace_s=0)
    await hypervisor.restore_root(record.id)
    parts = await assemble(host, record, flavor=order.old_flavor, back=True)
    await host.hypervisor.define(parts.spec)
    if order.start:
        await host.hypervisor.power_on(record.id)
    return Facts(power_state=PowerState.RUNNING if order.start else PowerState.SHUTDOWN)


async def rescue(host: Host, order: order_kinds.Rescue) -> Facts:
    record = await host.conductor.server(order.server_id)
    image_id = order.image_id or record.image_id
    if image_id is None:
        raise NotSupported("There is no image to rescue from.")
    path = await fetch_image(host, image_id)
    told = msgspec.structs.replace(record, admin_password=order.password)
    parts = await assemble(host, told)
    size = max(record.flavor.root_gib, 0)
    root = LocalDisk(size_gib=size, base=path, base_format=image_format(path))
    rescue_spec = msgspec.structs.replace(parts.spec, disks=(root, *parts.spec.disks))
    await able(host, Rescuing).rescue(record.id, rescue_spec)
    return Facts(power_state=PowerState.RUNNING)


async def unrescue(host: Host, order: order_kinds.Unrescue) -> Facts:
    record = await host.conductor.server(order.server_id)
    parts = await assemble(host, record)
    await able(host, Rescuing).unrescue(record.id, parts.spec)
    return Facts(power_state=PowerState.RUNNING)


# -- devices -----------------------------------------------------------------------------------------------------------


async def attach_volume(host: Host, order: order_kinds.AttachVolume) -> Facts:
    record = await host.conductor.server(order.server_id)
    disk = await volumes.connect(host, record, order)
    await host.hypervisor.attach_volume(order.server_id, disk)
    await host.volume.attachment_complete(order.attachment_id, await host.token())
    return Facts(device=f"/dev/{disk.device}")


async def detach_volume(host: Host, order: order_kinds.DetachVolume) -> Facts:
    await _unless_gone(host.hypervisor.detach_volume(order.server_id, VolumeId(order.volume_id)))
    return Facts()


async def attach_interface(host: Host, order: order_kinds.AttachInterface) -> Facts:
    """Facts have all of the server's interfaces, the new one last."""
    token = await host.token()
    record = await host.conductor.server(order.server_id)
    port = await host.network.bind_port(
        token,
        order.port_id,
        server_id=record.id,
        host=host.name,
        zone=host.settings.zone,
        marked=order.created_here,
    )
    before = [vif for vif in await ports.current_vifs(host, record) if vif.port_id != port.id]
    given = set() if order.created_here else {port.id}
    (new,) = await ports.describe(host, [port], given=given, tags={port.id: order.tag}, old=[port.id])
    tap = await host.plugger.plug(PortId(port.id), NetworkId(port.network_id))
    await host.hypervisor.attach_nic(record.id, Nic(port_id=PortId(port.id), mac=new.mac, tap=tap, mtu=new.mtu))
    return Facts(vifs=(*before, new))


async def detach_interface(host: Host, order: order_kinds.DetachInterface) -> Facts:
    await _unless_gone(host.hypervisor.detach_nic(order.server_id, PortId(order.port_id)))
    await host.plugger.unplug(PortId(order.port_id))
    return Facts()


async def _unless_gone(work: Awaitable[None]) -> None:
    """A guest that is not there has no devices."""
    try:
        await work
    except GuestNotFound:
        return


async def set_password(host: Host, order: order_kinds.SetPassword) -> Facts:
    record = await host.conductor.server(order.server_id)
    user = record.image_properties.get("os_admin_user", "root")
    await able(host, PasswordSetting).set_password(order.server_id, user=user, password=order.password)
    return Facts()


async def crash_dump(host: Host, order: order_kinds.CrashDump) -> Facts:
    await able(host, CrashDumping).inject_nmi(order.server_id)
    return Facts()


_HANDLERS: dict[type[Order], Callable[[Host, Any], Awaitable[Facts]]] = {
    order_kinds.Build: build,
    order_kinds.Destroy: destroy,
    order_kinds.Rebuild: rebuild,
    order_kinds.PowerOn: power_on,
    order_kinds.PowerOff: power_off,
    order_kinds.Reboot: reboot,
    order_kinds.Pause: pause,
    order_kinds.Unpause: unpause,
    order_kinds.Suspend: suspend,
    order_kinds.Resume: resume,
    order_kinds.Snapshot: snapshot,
    order_kinds.ResizeHere: resize_here,
    order_kinds.ConfirmResizeHere: confirm_resize,
    order_kinds.RevertResizeHere: revert_resize,
    order_kinds.Rescue: rescue,
    order_kinds.Unrescue: unrescue,
    **moving.HANDLERS,
    **swapping.HANDLERS,
    order_kinds.AttachVolume: attach_volume,
    order_kinds.DetachVolume: detach_volume,
    order_kinds.AttachInterface: attach_interface,
    order_kinds.DetachInterface: detach_interface,
    order_kinds.SetPassword: set_password,
    order_kinds.CrashDump: crash_dump,
}
