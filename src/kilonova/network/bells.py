"""Telling agents that something they know may differ. Bells of one moment are one message per host."""

import asyncio
import logging
from collections.abc import Iterable

from kilonova.bus.bus import Bus
from kilonova.bus.proxy import proxy
from kilonova.contract.network_agent import NetworkAgent, agent_topic
from kilonova.db.database import Database
from kilonova.model.errors import Unavailable
from kilonova.network.agents import AgentList
from kilonova.network.store import rows

log = logging.getLogger(__name__)


class Bells:
    """Rings hosts that wire ports. Lost bells lose nothing: agents ask again by themselves."""

    def __init__(self, db: Database, bus: Bus, agents: AgentList) -> None:
        self._db = db
        self._bus = bus
        self._agents = agents
        self._networks: set[str] = set()
        self._routers: set[str] = set()
        self._groups: set[str] = set()
        self._left: set[str] = set()
        self._ringing: asyncio.Task[None] | None = None

    def wires(self, host: str) -> bool:
        return host in self._agents.wiring()

    def ring(
        self,
        *,
        networks: Iterable[str] = (),
        routers: Iterable[str] = (),
        groups: Iterable[str] = (),
        left: Iterable[str] = (),
    ) -> None:
        if not self._agents.wiring():
            return
        self._networks.update(networks)
        self._routers.update(routers)
        self._groups.update(groups)
        self._left.update(left)
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.get_running_loop().create_task(self._ring())

    async def close(self) -> None:
        if self._ringing is not None:
            await asyncio.gather(self._ringing, return_exceptions=True)

    async def _ring(self) -> None:
        while self._networks or self._routers or self._groups:
            networks, routers, groups, left = self._networks, self._routers, self._groups, self._left
            self._networks, self._routers, self._groups, self._left = set(), set(), set(), set()
            try:
                await self._tell(networks, routers, groups, left)
            except Exception:
                log.exception("agents were not told")

    async def _tell(self, networks: set[str], routers: set[str], groups: set[str], left: set[str]) -> None:
        # A router comes to work with the first guest on its networks and rests after the last.
        routers = routers | await rows.routers_of_networks(self._db, sorted(networks))
        # Its other networks come to the host, and go, with it.
        routed = networks | await rows.networks_of_devices(self._db, sorted(routers))
        gateway = self._agents.gateway()
        on_networks = await self._hosts_of(networks) | left
        for host in self._agents.wiring():
            if host == gateway:
                await self._tell_one(host, routed, routers, groups)
            elif host in on_networks or groups:
                await self._tell_one(host, networks if host in on_networks else set(), set(), groups)

    async def _tell_one(self, host: str, networks: set[str], routers: set[str], groups: set[str]) -> None:
        agent = proxy(NetworkAgent, self._bus, agent_topic(host))
        try:
            await agent.changed(networks=sorted(networks), routers=sorted(routers), groups=sorted(groups))
        except Unavailable as error:
            log.info("agent not told: %s", error, extra={"host": host})

    async def _hosts_of(self, networks: set[str]) -> set[str]:
        if len(self._agents.wiring()) == 1:
            return set(self._agents.wiring())
        found: set[str] = set()
        for network_id in networks:
            found.update(row[0] for row in await self._db.fetch_all(rows.HOSTS_OF_NETWORK, network_id=network_id))
        return found
