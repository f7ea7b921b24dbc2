"""The network service, ready to be mounted under `/network`; and what it does on the queue."""

import logging
from collections.abc import Awaitable, Callable, Set
from random import Random

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.bus.bus import Bus, Subscription
from kilonova.bus.proxy import serve
from kilonova.contract.network_agent import NETWORK, NetworkDirectory
from kilonova.db.database import Database
from kilonova.model.errors import KilonovaError
from kilonova.network.agents import AgentList
from kilonova.network.bells import Bells
from kilonova.network.directory import Directory
from kilonova.network.faults import render
from kilonova.network.routes import routes
from kilonova.network.world import NetworkSettings, World
from kilonova.web.application import Application, TokenCheck

__all__ = ["NetworkService", "NetworkSettings"]

log = logging.getLogger(__name__)


class NetworkService:
    """`app` answers once `start` has returned. Serves topic `network`, rings `network-agent.HOST`."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        check_token: TokenCheck,
        clock: Clock,
        settings: NetworkSettings | None = None,
        *,
        rng: Random | None = None,
        tell_servers: Callable[[Set[str]], Awaitable[None]] | None = None,
    ) -> None:
        """`tell_servers` lets the compute service know whose addresses changed."""
        settings = settings or NetworkSettings()
        self._bus = bus
        self._agents = AgentList(db, clock, settings.agent_down_s)
        self._bells = Bells(db, bus, self._agents)
        self._tasks = Tasks("network")
        self._tell_servers = tell_servers
        self.world = World(db, clock, rng or Random(), settings, self._bells, self._agents, self._readdressed)
        self.directory = Directory(self.world, self._agents)
        self.app = Application("network", routes(), self.world, render=render, check_token=check_token)
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        await self._agents.refresh()
        self._subscription = await serve(self._bus, NETWORK, NetworkDirectory, self.directory)

    def _readdressed(self, servers: Set[str]) -> None:
        if self._tell_servers is not None:
            self._tasks.start(self._told(self._tell_servers, frozenset(servers)), name="tell servers")

    async def _told(self, tell: Callable[[Set[str]], Awaitable[None]], servers: Set[str]) -> None:
        try:
            await tell(servers)
        except KilonovaError as error:
            log.warning("the compute service was not told of changed addresses: %s", error.message)

    async def close(self) -> None:
        await self._tasks.close()
        if self._subscription is not None:
            await self._subscription.cancel()
        await self._bells.close()
