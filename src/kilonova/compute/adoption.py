"""An agent starts: what runs here and what should, brought together. Nothing is destroyed without a recorded order."""

import logging

from kilonova.compute.host import Host
from kilonova.model.errors import KilonovaError

log = logging.getLogger(__name__)


async def adopt(host: Host) -> None:
    """Tell the conductor how the found guests are; remove those whose deletion is in the record."""
    found = {info.id: info for info in await host.hypervisor.guests()}
    for expected in await host.conductor.expected(host.name, tuple(found)):
        info = found.get(expected.server_id)
        try:
            if expected.gone:
                log.info("%s: guest %s was deleted meanwhile", host.name, expected.server_id)
                await host.hypervisor.destroy(expected.server_id)
            elif info is not None and expected.task_state is None:
                await host.conductor.guest_changed(host.name, expected.server_id, int(info.power_state))
        except KilonovaError as error:
            log.error("%s: guest %s: %s", host.name, expected.server_id, error.message)
