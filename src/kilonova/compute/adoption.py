"""What runs on a host and what should, brought together: when its agent starts, and now and then.

Nothing is destroyed without a recorded order.
"""

import logging
from collections.abc import Callable

from kilonova.aio.blocking import blocking
from kilonova.compute import ports
from kilonova.compute.assembly import drop_config_drive
from kilonova.compute.host import Host
from kilonova.contract.conductor import Expected
from kilonova.model.errors import GuestNotFound, KilonovaError
from kilonova.model.ids import ServerId
from kilonova.virt.guest import GuestInfo, PowerState

log = logging.getLogger(__name__)


async def adopt(host: Host, *, busy: Callable[[ServerId], bool]) -> None:
    """Tell the conductor how guests are where its record says otherwise; remove those whose deletion is in the record.

    Servers that are `busy` (an order is under way) are left to their orders.
    """
    found = {info.id: info for info in await host.hypervisor.guests()}
    for expected in await host.conductor.expected(host.name, tuple(found)):
        if expected.task_state is not None or busy(expected.server_id):
            continue
        try:
            await _settle(host, expected, found.get(expected.server_id))
        except KilonovaError as error:
            log.error("%s: guest %s: %s", host.name, expected.server_id, error.message)


async def _settle(host: Host, expected: Expected, info: GuestInfo | None) -> None:
    server_id = expected.server_id
    if expected.gone:
        log.info("%s: guest %s was deleted meanwhile", host.name, server_id)
        await host.hypervisor.destroy(server_id)
        await ports.unplug_all(host, server_id)
        await blocking(drop_config_drive, host, server_id)
        return
    state = PowerState.NOSTATE if info is None else info.power_state
    if state != expected.power_state and info is not None:
        # As it is by now: between the list and here an order may have come and gone.
        state = await _state_now(host, server_id)
    if state != expected.power_state:
        await host.conductor.guest_changed(host.name, server_id, int(state))


async def _state_now(host: Host, server_id: ServerId) -> PowerState:
    try:
        return (await host.hypervisor.info(server_id)).power_state
    except GuestNotFound:
        return PowerState.NOSTATE
