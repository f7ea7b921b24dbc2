"""The agent's life: hear bells, ask what is wanted, converge, report. Bells that come meanwhile make one round more."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import structs

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.contract.network_agent import (
    AgentFacts,
    Ask,
    HostState,
    MetadataSockets,
    NetworkDirectory,
    NetworkState,
)
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName, NetworkId, PortId
from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.metadata_socket import listen
from kilonova.network.agent.wanted import Wanted
from kilonova.network.errors import PortNotWanted

log = logging.getLogger(__name__)
T = TypeVar("T")

_RETRY_S = 2.0
_REPORT_S = 30.0
# Heals what a lost bell or a stranger's hand left different.
_RESYNC_S = 300.0


class Agent:
    """NetworkAgent and PortPlugger of a host with a network of ours."""

    def __init__(
        self,
        *,
        host: HostName,
        network: HostNetwork,
        directory: NetworkDirectory,
        metadata: MetadataSockets | None,
        clock: Clock,
    ) -> None:
        self._host = host
        self._network = network
        self._directory = directory
        self._metadata = metadata
        self._clock = clock
        # ip, nft and namespaces: one thread, so that nothing interleaves.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="host-network")
        self._tasks = Tasks("network-agent")
        self._wanted = Wanted()
        # First of all everything: what is not wanted is removed, so a part must never be taken for the whole.
        self._wanted.ring(everything=True)
        self._state = HostState()
        self._reported: set[PortId] = set()
        self._listening: set[NetworkId] = set()
        self._round = asyncio.Lock()

    async def start(self) -> None:
        """Known to the service and converged; keeps trying in the background when the service is not there yet."""
        self._tasks.start(self._work(), name="converge")
        self._tasks.every(_RESYNC_S, self._ask_for_everything, self._clock, name="resync")
        self._tasks.every(_REPORT_S, self._enroll, self._clock, name="enroll")

    async def close(self) -> None:
        """Stop working; everything on the host stays as it is."""
        await self._tasks.close()
        self._thread.shutdown(wait=True)

    async def changed(self, *, networks: list[str], routers: list[str], groups: list[str]) -> None:
        self._wanted.ring(networks=networks, routers=routers, groups=groups)

    async def plug(self, port_id: PortId, network_id: NetworkId) -> str | None:
        if port_id not in self._ports():
            # Its bell may be on its way still, or lost; the row is there before anybody can ask.
            self._wanted.ring(networks=[network_id])
            await self.converge()
            if port_id not in self._ports():
                raise PortNotWanted(port_id, self._host)
        return self._network.names.tap(port_id)

    async def unplug(self, port_id: PortId) -> None:
        async with self._round:
            await self._blocking(self._network.remove_port, port_id)
            self._reported.discard(port_id)
            networks = [network for network in self._state.networks if any(p.id == port_id for p in network.ports)]
            # Forgotten here, so that a plug makes it again if the service still wants it.
            for network in networks:
                left = structs.replace(network, ports=tuple(p for p in network.ports if p.id != port_id))
                self._state = self._wanted.merged(self._state, Ask(), HostState(networks=(left,)))
        self._wanted.ring(networks=[network.id for network in networks])

    async def converge(self) -> None:
        """One round: what was rung for until now is so afterwards. Errors: those of the service, NetworkUnavailable."""
        async with self._round:
            ask = self._wanted.take()
            if ask is None:
                return
            try:
                answer = await self._directory.wanted(self._host, ask)
                state = self._wanted.merged(self._state, ask, answer)
                await self._blocking(self._network.converge, state)
            except BaseException:
                self._wanted.put_back(ask)
                raise
            self._state = state
            await self._listen(state)
            await self._report(state)

    async def _work(self) -> None:
        while True:
            await self._wanted.rung()
            try:
                await self.converge()
            except KilonovaError as error:
                log.warning("host network not as wanted yet: %s", error, extra={"host": self._host})
                await self._clock.sleep(_RETRY_S)
            except Exception:
                log.exception("host network not as wanted yet")
                await self._clock.sleep(_RETRY_S)

    async def _ask_for_everything(self) -> None:
        self._wanted.ring(everything=True)

    async def _enroll(self) -> None:
        await self._directory.enroll(AgentFacts(host=self._host, wires=True))

    async def _report(self, state: HostState) -> None:
        # One that was switched off and on again is reported again.
        ports = {port.id for network in state.networks for port in network.ports if port.up and not port.expected}
        new = sorted(ports - self._reported)
        if new:
            await self._directory.wired(self._host, new)
        self._reported = ports

    async def _listen(self, state: HostState) -> None:
        if self._metadata is None:
            return
        served = {network.id for network in state.networks if any(s.dhcp_address for s in network.subnets)}
        for network_id in self._listening - served:
            await self._hang_up(network_id)
        for network_id in served - self._listening:
            namespace = self._network.names.dhcp_namespace(network_id)
            await self._metadata.opened(network_id, await self._blocking(listen, namespace))
            self._listening.add(network_id)

    async def _hang_up(self, network_id: NetworkId) -> None:
        self._listening.discard(network_id)
        if self._metadata is not None:
            await self._metadata.closed(network_id)

    def _ports(self) -> set[PortId]:
        return set(_port_ids(self._state.networks))

    async def _blocking(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


def _port_ids(networks: Iterable[NetworkState]) -> Iterable[PortId]:
    return (port.id for network in networks for port in network.ports)
