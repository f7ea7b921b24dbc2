"""A server's volume gives way to another with its content, under the running guest."""

from collections.abc import Awaitable, Callable
from typing import Any

from kilonova.compute import volumes
from kilonova.compute.abilities import able
from kilonova.compute.host import Host
from kilonova.contract import compute as order_kinds
from kilonova.contract.compute import Facts, Order
from kilonova.model.ids import VolumeId
from kilonova.virt.hypervisor import VolumeSwapping


async def swap_volume(host: Host, order: order_kinds.SwapVolume) -> Facts:
    """Happy where the disk is there already."""
    record = await host.conductor.server(order.server_id)
    disk, size_gib = await volumes.connect_in_place(host, record, order)
    hypervisor = able(host, VolumeSwapping)
    await hypervisor.swap_volume(order.server_id, VolumeId(order.volume_id), disk, size_gib=size_gib)
    return Facts()


HANDLERS: dict[type[Order], Callable[[Host, Any], Awaitable[Facts]]] = {order_kinds.SwapVolume: swap_volume}
