"""The compute hosts of this process: one with a real hypervisor, or any number of simulated ones."""

import asyncio
import importlib.util
import logging
import os
import shutil
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.bus.bus import Bus, Subscription
from kilonova.bus.proxy import proxy, serve
from kilonova.compute.agent import ComputeAgent
from kilonova.compute.host import Host
from kilonova.compute.journal import Journal
from kilonova.config.options import Config
from kilonova.contract.compute import Compute
from kilonova.contract.conductor import Conductor
from kilonova.contract.network_agent import (
    NETWORK,
    MetadataSockets,
    NetworkAgent,
    NetworkDirectory,
    PortPlugger,
    agent_topic,
)
from kilonova.launch import settings as translate
from kilonova.launch.state_dir import StateDir
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName
from kilonova.network.agent.agent import Agent
from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.names import prefix_for
from kilonova.network.agent.no_network import NoNetworkAgent
from kilonova.peers.image import ImageClient
from kilonova.peers.network import NetworkClient
from kilonova.peers.volume import VolumeClient
from kilonova.virt.hypervisor import Hypervisor
from kilonova.virt.image_cache import ImageCache
from kilonova.virt.simulated.fleet import SimulatedFleet

log = logging.getLogger(__name__)

# How many simulated hosts are started at a time: each says hello to conductor, scheduler and placement.
AT_ONCE = 32
# How often old entries leave the agents' journal.
PRUNE_S = 3600.0
# A hypervisor that takes longer to say what it has counts as away.
HYPERVISOR_S = 10.0


def driver_of(config: Config) -> str:
    """`libvirt` or `simulated`; `auto` is libvirt where QEMU, libvirt and its Python binding are there."""
    if config.default.driver != "auto":
        return config.default.driver
    daemon = shutil.which("libvirtd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    real = shutil.which("qemu-system-x86_64") and daemon and importlib.util.find_spec("libvirt")
    return "libvirt" if real and config.simulated.hosts == 1 else "simulated"


def instances_dir(config: Config, state: StateDir) -> Path:
    """Where guests' disks are, which hosts may share."""
    named = config.default.instances_path
    return state.compute / "instances" if named is None else Path(named)


def real_hypervisor(config: Config, state: StateDir) -> Hypervisor | None:
    """The one of this machine; None where hosts are simulated."""
    if driver_of(config) == "simulated":
        return None
    # libvirt is loaded by whoever has it only.
    from kilonova.virt.libvirt.driver import LibvirtHypervisor
    from kilonova.virt.libvirt.settings import LibvirtSettings, MoveSettings

    section = config.libvirt
    settings = LibvirtSettings(
        instances=instances_dir(config, state),
        virt_type=section.virt_type,
        uri=section.connection_uri,
        spice=config.spice.enabled,
        cpu_mode=section.cpu_mode,
        cpu_model=section.cpu_models[0] if section.cpu_mode == "custom" and section.cpu_models else "",
        machine_type=section.machine_type,
        moves=MoveSettings(
            address=section.live_migration_inbound_addr or "",
            scheme=section.live_migration_scheme,
            uri=section.live_migration_uri,
            bandwidth_mib_s=section.live_migration_bandwidth,
            auto_converge=section.live_migration_permit_auto_converge,
            post_copy=section.live_migration_permit_post_copy,
            native_tls=section.live_migration_with_native_tls,
            completion_s_per_gib=section.live_migration_completion_timeout,
            timeout_action=section.live_migration_timeout_action,
        ),
    )
    return LibvirtHypervisor(state.compute, HostName(config.default.host), settings=settings)


class ComputeHosts:
    def __init__(
        self,
        config: Config,
        state: StateDir,
        *,
        hypervisor: Hypervisor | None,
        bus: Bus,
        conductor: Conductor,
        metadata: MetadataSockets | None,
        clock: Clock,
        image: ImageClient,
        network: NetworkClient,
        volume: VolumeClient,
        token: Callable[[], Awaitable[str]],
    ) -> None:
        """`hypervisor` as `real_hypervisor` made it."""
        self._config = config
        self._hypervisor = hypervisor
        self._state = state
        self._bus = bus
        self._conductor = conductor
        self._metadata = metadata
        self._clock = clock
        self._neighbours = {"image": image, "network": network, "volume": volume, "token": token}
        self._journal = Journal(state.journal)
        self._cache = ImageCache(state.image_cache, clock=clock)
        self._vendor = translate.vendor(config)
        self._tasks = Tasks("hosts")
        self.agents: list[ComputeAgent] = []
        self._network_agents: list[Agent] = []
        self._subscriptions: list[Subscription] = []
        self.fleet: SimulatedFleet | None = None
        self.driver = driver_of(config)

    async def start(self) -> None:
        """Every host known to the conductor, its guests adopted."""
        if self.driver == "simulated":
            await self._start_simulated()
        else:
            await self._start_real()
        ageing = self._config.image_cache
        if ageing.manager_interval:
            self._tasks.every(ageing.manager_interval, self._age_images, self._clock, name="age images")
        self._tasks.every(PRUNE_S, self._prune_journal, self._clock, name="prune journal")

    async def _age_images(self) -> None:
        unused_for_s = self._config.image_cache.remove_unused_original_minimum_age_seconds
        for path in await self._cache.expire(unused_for_s=unused_for_s):
            log.info("image unused for %d s removed from the cache: %s", unused_for_s, path.name)

    async def _prune_journal(self) -> None:
        self._journal.prune(self._clock.time())

    async def _start_simulated(self) -> None:
        self.fleet = SimulatedFleet(self._state.simulated, clock=self._clock)
        count = self._config.simulated.hosts
        name = self._config.default.host
        names = [HostName(name if count == 1 else f"{name}-{index:05}") for index in range(count)]
        for first in range(0, count, AT_ONCE):
            batch = names[first : first + AT_ONCE]
            played = [(host, self._simulated(self.fleet, host)) for host in batch]
            await asyncio.gather(*(self._start_host(host, hypervisor, wires=False) for host, hypervisor in played))

    def _simulated(self, fleet: SimulatedFleet, name: HostName) -> Hypervisor:
        section, hardware = self._config.simulated, translate.simulated_hardware(self._config)
        return fleet.host(name, vcpus=section.vcpus, memory_mib=section.memory_mb, hardware=hardware)

    async def _start_real(self) -> None:
        assert self._hypervisor is not None
        name = HostName(self._config.default.host)
        await self._start_host(name, self._hypervisor, wires=os.geteuid() == 0)

    async def _start_host(self, name: HostName, hypervisor: Hypervisor, *, wires: bool) -> None:
        plugger = await self._start_network(name, wires=wires)
        host = Host(
            name,
            node_id=self._state.node_id(name, str(uuid.uuid4())),
            hypervisor=hypervisor,
            plugger=plugger,
            conductor=self._conductor,
            cache=self._cache,
            work_dir=self._state.compute,
            clock=self._clock,
            vendor=self._vendor,
            settings=translate.host(self._config),
            **self._neighbours,  # type: ignore[arg-type]
        )
        agent = ComputeAgent(host, self._journal)
        await agent.start()
        self.agents.append(agent)
        self._subscriptions.append(await serve(self._bus, f"compute.{name}", Compute, agent))

    async def _start_network(self, name: HostName, *, wires: bool) -> PortPlugger:
        if not wires:
            return NoNetworkAgent()
        agent = Agent(
            host=name,
            network=HostNetwork(prefix=prefix_for(self._state.root), state_dir=self._state.network),
            directory=proxy(NetworkDirectory, self._bus, NETWORK),
            metadata=self._metadata,
            clock=self._clock,
        )
        self._subscriptions.append(await serve(self._bus, agent_topic(name), NetworkAgent, agent))
        await agent.start()
        self._network_agents.append(agent)
        return agent

    async def health(self) -> dict[str, str]:
        if not self.agents:
            return {"hosts": "none started"}
        if self.driver == "simulated":
            return {"hosts": "ok"}
        try:
            async with asyncio.timeout(HYPERVISOR_S):
                await self.agents[0].host.hypervisor.facts()
        except (KilonovaError, TimeoutError) as error:
            log.warning("the hypervisor does not answer: %s", error)
            return {"hosts": "the hypervisor does not answer"}
        return {"hosts": "ok"}

    async def close(self) -> None:
        await self._tasks.close()
        for subscription in self._subscriptions:
            await subscription.cancel()
        await asyncio.gather(*(agent.close() for agent in self.agents))
        for network_agent in self._network_agents:
            await network_agent.close()
        if self.fleet is not None:
            self.fleet.close()
        self._journal.close()
