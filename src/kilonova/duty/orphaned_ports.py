"""No port stays with a server that is gone: those made for it go, its owner's own are free again."""

from collections.abc import Collection
from typing import Protocol

from kilonova.db.database import Reader
from kilonova.db.repository.server_state import given_ports
from kilonova.duty.dead_servers import dead_servers
from kilonova.model.ids import ServerId


class Ports(Protocol):
    """Of the network service."""

    async def port_holders(self) -> set[str]:
        """The servers that ports are said to belong to."""

    async def release_ports(self, server_id: ServerId, *, given: Collection[str]) -> None:
        """Delete a server's ports, and set free those it was `given`."""


async def orphaned_ports(db: Reader, ports: Ports) -> list[str]:
    """Answers whose they were."""
    orphans = sorted(await dead_servers(db, await ports.port_holders()))
    for server_id in map(ServerId, orphans):
        await ports.release_ports(server_id, given=await given_ports(db, server_id))
    return orphans
