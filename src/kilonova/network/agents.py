"""Agents the service has heard of, in memory as in the table."""

from typing import Any

from kilonova.aio.clock import Clock
from kilonova.contract.network_agent import AgentFacts
from kilonova.db.database import Database
from kilonova.db.statement import insert_into, update_columns
from kilonova.network.store import rows
from kilonova.network.store import tables as t


class AgentList:
    """`refresh` reads what other processes of this service have heard."""

    def __init__(self, db: Database, clock: Clock, down_s: float) -> None:
        self._db = db
        self._clock = clock
        self._down_s = down_s
        self._rows: dict[str, dict[str, Any]] = {}

    async def refresh(self) -> None:
        self._rows = {row["host"]: row for row in await self._db.rows(rows.AGENTS)}

    def wiring(self) -> list[str]:
        """Hosts whose agents make ports work, alive or not: a silent one finds its work when it is back."""
        return [host for host, row in self._rows.items() if row["wires"]]

    def gateway(self) -> str | None:
        """The host of the routers: the first alive that joined."""
        alive = [host for host in self.wiring() if self.alive(self._rows[host])]
        return alive[0] if alive else None

    def alive(self, row: dict[str, Any]) -> bool:
        return bool(row["heartbeat_at"] >= self._clock.after(-self._down_s))

    def all(self) -> list[dict[str, Any]]:
        return list(self._rows.values())

    async def enroll(self, facts: AgentFacts, id: str) -> bool:
        """True when this changes who wires. `id` is for an agent never heard of before."""
        now = self._clock.now()
        before = self._rows.get(facts.host) or await self._known(facts.host)
        heard = {"wires": int(facts.wires), "version": facts.version, "heartbeat_at": now}
        async with self._db.begin() as tx:
            if before is None:
                before = {"host": facts.host, "id": id, "admin_state_up": 1, "created_at": now, "started_at": now}
                await tx.execute(insert_into(t.agents), **before, **heard)
                changed = True
            else:
                await tx.execute(update_columns(t.agents, tuple(heard), ("host",)), by_host=facts.host, **heard)
                changed = bool(before["wires"]) != facts.wires
        self._rows[facts.host] = {**before, **heard}
        return changed

    async def _known(self, host: str) -> dict[str, Any] | None:
        await self.refresh()
        return self._rows.get(host)
