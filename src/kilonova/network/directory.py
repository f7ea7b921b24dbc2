"""What agents ask: what is wanted on a host. Everything is read from the tables each time; nothing is remembered."""

from kilonova.contract.network_agent import AgentFacts, Ask, HostState
from kilonova.model.ids import HostName, PortId
from kilonova.network.agents import AgentList
from kilonova.network.host_state import groups_of, network_states, router_states
from kilonova.network.store import rows
from kilonova.network.world import World, new_id


class Directory:
    """contract.NetworkDirectory."""

    def __init__(self, world: World, agents: AgentList) -> None:
        self._world = world
        self._agents = agents

    async def enroll(self, facts: AgentFacts) -> None:
        await self._agents.enroll(facts, new_id(self._world.rng))

    async def wanted(self, host: HostName, ask: Ask) -> HostState:
        db = self._world.db
        local = {row[0] for row in await db.fetch_all(rows.NETWORKS_OF_HOST, host=host)}
        # All of them are looked through only where everything is asked for.
        asked = None if ask.everything else sorted(set(ask.networks) - local)
        local |= await rows.networks_expecting(db, host, asked)
        routers = set()
        if self._agents.gateway() == host:
            routers = await rows.routers_at_work(db, self._agents.wiring())
        found = await router_states(db, sorted(routers))
        routed = {port.network_id for router in found for port in router.interfaces}
        routed |= {router.gateway.network_id for router in found if router.gateway}
        ids = local | routed
        if not ask.everything:
            # A router's networks are wanted with it, whether they were asked for or not.
            asked_routers = [router for router in found if router.id in ask.routers]
            ids &= (
                set(ask.networks)
                | {p.network_id for r in asked_routers for p in r.interfaces}
                | {r.gateway.network_id for r in asked_routers if r.gateway}
            )
            found = tuple(asked_routers)
        networks = await network_states(db, sorted(ids), host=host, local=local)
        used = {group for network in networks for port in network.ports for group in port.groups}
        groups = await groups_of(db, used | set(ask.groups))
        return HostState(networks=networks, routers=tuple(found), groups=groups)

    async def wired(self, host: HostName, ports: list[PortId]) -> None:
        if not ports:
            return
        async with self._world.db.begin() as tx:
            await rows.mark_wired(tx, host, ports)
