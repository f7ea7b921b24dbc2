"""How long hosts have been up: asked of the hosts themselves, all at once."""

import asyncio
from collections.abc import Iterable

from kilonova.api.request import Request
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName

# A host that does not answer within this is not waited for: a list of hypervisors is worth more than its uptime.
_PATIENCE_S = 5.0
_AT_ONCE = 32


async def uptimes(request: Request, hosts: Iterable[HostName]) -> dict[str, str | None]:
    """host → what its agent says, None where that is nothing."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(host: HostName) -> tuple[str, str | None]:
        async with turns:
            return host, await _asked(request, host)

    return dict(await asyncio.gather(*(ask(host) for host in hosts)))


async def _asked(request: Request, host: HostName) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await request.world.compute(host).uptime()
    except (KilonovaError, TimeoutError):
        return None
