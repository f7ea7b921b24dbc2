"""Orders by which a guest leaves this host or comes to it. All are safe to repeat."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from kilonova.compute import ports, volumes
from kilonova.compute.abilities import able
from kilonova.compute.assembly import Parts, assemble, fit_here
from kilonova.compute.host import Host
from kilonova.contract import compute as order_kinds
from kilonova.contract.compute import Facts, Order
from kilonova.model.errors import GuestNotFound, KilonovaError
from kilonova.model.ids import ServerId
from kilonova.virt.guest import PowerState
from kilonova.virt.hypervisor import ColdMigration, LiveMigration

log = logging.getLogger(__name__)

# How often it is told how far a guest has moved.
PROGRESS_S = 2.0


async def leave_host(host: Host, order: order_kinds.LeaveHost) -> Facts:
    try:
        await host.hypervisor.power_off(order.server_id, grace_s=order.grace_s)
    except GuestNotFound:
        if not order.even_gone:
            raise
    if order.unplug:
        await ports.unplug_all(host, order.server_id)
    return Facts(power_state=PowerState.SHUTDOWN, address=_address(host))


def _address(host: Host) -> str:
    return host.hypervisor.address if isinstance(host.hypervisor, ColdMigration) else ""


async def take_in(host: Host, order: order_kinds.TakeIn) -> Facts:
    hypervisor = able(host, ColdMigration)
    record = await host.conductor.server(order.server_id)
    parts = await assemble(host, record, flavor=order.flavor, moved=True, with_disks=True)
    await hypervisor.receive(parts.spec, source=order.source, address=order.address)
    return await _go_on(host, parts, start=order.start)


async def come_back(host: Host, order: order_kinds.ComeBack) -> Facts:
    """Also when it never left."""
    record = await host.conductor.server(order.server_id)
    parts = await assemble(host, record, flavor=order.flavor, moved=True, with_disks=True, back=True)
    await host.hypervisor.define(parts.spec)
    return await _go_on(host, parts, start=order.start)


async def build_again(host: Host, order: order_kinds.BuildAgain) -> Facts:
    record = await host.conductor.server(order.server_id)
    parts = await assemble(host, record, moved=True)
    await host.hypervisor.define(parts.spec)
    return await _go_on(host, parts, start=order.start)


async def _go_on(host: Host, parts: Parts, *, start: bool) -> Facts:
    if start:
        await host.hypervisor.power_on(parts.spec.id)
    await volumes.complete_attachments(host, parts.devices)
    return Facts(
        power_state=PowerState.RUNNING if start else PowerState.SHUTDOWN,
        vifs=parts.vifs,
        block_devices=parts.devices,
    )


async def begin_live(host: Host, order: order_kinds.BeginLive) -> Facts:
    able(host, LiveMigration)
    return Facts(address=_address(host))


async def prepare_live(host: Host, order: order_kinds.PrepareLive) -> Facts:
    """The ports stay bound where the guest runs until it runs here; only their devices are made."""
    hypervisor = able(host, LiveMigration)
    record = await host.conductor.server(order.server_id)
    await ports.expect(host, record.id)
    parts = await assemble(host, record, with_disks=True, bind=False)
    await hypervisor.expect(parts.spec, source=order.source, address=order.address)
    return Facts(address=_address(host))


async def migrate_live(host: Host, order: order_kinds.MigrateLive) -> Facts:
    hypervisor = able(host, LiveMigration)
    over = asyncio.Event()
    telling = asyncio.create_task(_tell_progress(host, hypervisor, order.server_id, over))
    try:
        await hypervisor.migrate_out(order.server_id, to=order.to, address=order.address)
    finally:
        # A cancellation alone may get lost: asyncio.wait_for (3.11) forgets one that comes with its result.
        over.set()
        telling.cancel()
    return Facts()


async def _tell_progress(host: Host, hypervisor: LiveMigration, server_id: ServerId, over: asyncio.Event) -> None:
    while not over.is_set():
        await host.clock.sleep(PROGRESS_S)
        try:
            progress = await hypervisor.progress(server_id)
            if progress is not None:
                await host.conductor.live_progress(server_id, progress)
        except KilonovaError as error:
            log.info("%s: how far %s has moved is not told: %s", host.name, server_id, error.message)


async def return_live(host: Host, order: order_kinds.ReturnLive) -> Facts:
    """Nothing came to the other host if the guest is unknown there."""
    try:
        await able(host, LiveMigration).migrate_back(order.server_id, other=order.other, address=order.address)
    except GuestNotFound:
        return Facts()
    return Facts()


async def settle_live(host: Host, order: order_kinds.SettleLive) -> Facts:
    record = await host.conductor.server(order.server_id)
    devices = await volumes.connect_volumes(host, record, afresh=True)
    await volumes.complete_attachments(host, devices)
    fit = await fit_here(host, record, record.flavor)
    vifs = await ports.ensure_ports(host, record, fit)
    await ports.expect_no_more(host, record.id)
    await ports.plug(host, vifs, fit)
    return Facts(vifs=vifs, block_devices=devices)


HANDLERS: dict[type[Order], Callable[[Host, Any], Awaitable[Facts]]] = {
    order_kinds.LeaveHost: leave_host,
    order_kinds.TakeIn: take_in,
    order_kinds.ComeBack: come_back,
    order_kinds.BuildAgain: build_again,
    order_kinds.BeginLive: begin_live,
    order_kinds.PrepareLive: prepare_live,
    order_kinds.MigrateLive: migrate_live,
    order_kinds.ReturnLive: return_live,
    order_kinds.SettleLive: settle_live,
}
