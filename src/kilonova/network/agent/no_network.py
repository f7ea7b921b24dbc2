"""A host without a network of ours: no root, no tools, or simulated guests. Guests use QEMU's user-mode network."""

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.contract.network_agent import AgentFacts, NetworkDirectory
from kilonova.model.ids import HostName, NetworkId, PortId

_REPORT_S = 30.0


class NoNetworkAgent:
    """NetworkAgent and PortPlugger that touch nothing; the service calls such a host's ports ACTIVE by itself."""

    def __init__(self, *, host: HostName, directory: NetworkDirectory, clock: Clock) -> None:
        self._facts = AgentFacts(host=host, wires=False)
        self._directory = directory
        self._clock = clock
        self._tasks = Tasks("network-agent")

    async def start(self) -> None:
        self._tasks.every(_REPORT_S, self._enroll, self._clock, name="enroll")

    async def close(self) -> None:
        await self._tasks.close()

    async def changed(self, *, networks: list[str], routers: list[str], groups: list[str]) -> None:
        pass

    async def plug(self, port_id: PortId, network_id: NetworkId) -> str | None:
        return None

    async def unplug(self, port_id: PortId) -> None:
        pass

    async def remove_all(self) -> None:
        await self._tasks.close()

    async def _enroll(self) -> None:
        await self._directory.enroll(self._facts)
