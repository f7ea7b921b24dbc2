"""What the network service's handlers work with, and its settings."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol
from uuid import UUID

from kilonova.aio.clock import Clock
from kilonova.db.database import Database, Transaction
from kilonova.model.caller import Caller
from kilonova.model.time import Timestamp
from kilonova.network.agents import AgentList
from kilonova.web.request import Request

# Limits per project unless set otherwise: Neutron's own.
DEFAULT_LIMITS = {
    "network": 100,
    "subnet": 100,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
}


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """`mtu` in bytes, of the wire between hosts. `agent_down_s`: how long an agent may be silent and still be alive."""

    mtu: int = 1500
    zone: str = "nova"
    max_limit: int = 1000
    agent_down_s: float = 75.0
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))


class Ringer(Protocol):
    """Who tells agents that something differs; see `bells`."""

    def ring(
        self,
        *,
        networks: Iterable[str] = (),
        routers: Iterable[str] = (),
        groups: Iterable[str] = (),
        left: Iterable[str] = (),
    ) -> None:
        """`left` are hosts that may have to let go of something on the `networks`."""

    def wires(self, host: str) -> bool:
        """Whether an agent on `host` makes ports work (else they are ACTIVE as soon as they are bound)."""


@dataclass(frozen=True)
class World:
    db: Database
    clock: Clock
    rng: Random
    settings: NetworkSettings
    ringer: Ringer
    agents: AgentList
    # Told which servers have other addresses now, once that is durable.
    tell_servers: Callable[[Set[str]], None] = lambda servers: None
    # Where each subnet was last given an address from: a hint that saves a search, never the truth.
    places: dict[str, int] = field(default_factory=dict)


@dataclass
class Work:
    """One change under way. `privileged`: an administrator or service asked. The sets say who is told afterwards."""

    tx: Transaction
    world: World
    now: Timestamp
    privileged: bool = False
    networks: set[str] = field(default_factory=set)
    routers: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    # Hosts that ports were taken from: they are no longer found by their ports.
    left: set[str] = field(default_factory=set)
    # Servers whose addresses changed.
    servers: set[str] = field(default_factory=set)

    def readdressed(self, port: Mapping[str, Any]) -> None:
        """A port's addresses changed, its own or those led to it: its server, if it has one, is told."""
        if port["device_owner"].startswith("compute:"):
            self.servers.add(port["device_id"])

    def new_row(self, values: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A row's common columns and the given ones."""
        return {"revision_number": 0, "created_at": self.now, "updated_at": self.now, **values, **more}

    def ring(self) -> None:
        self.world.ringer.ring(networks=self.networks, routers=self.routers, groups=self.groups, left=self.left)
        if self.servers:
            self.world.tell_servers(self.servers)


def new_id(rng: Random) -> str:
    """A random UUID (version 4)."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def is_privileged(caller: Caller) -> bool:
    """Administrators, and the cloud's own services."""
    return caller.is_admin or caller.is_service


NetworkRequest = Request[World]
