"""What the handlers have around them; launch fills it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.api.event_stream import EventStream
from kilonova.api.policy import Policy
from kilonova.api.settings import Settings
from kilonova.contract.compute import Compute
from kilonova.contract.conductor import Conductor
from kilonova.contract.console import ConsoleAuth
from kilonova.contract.events import EventListener
from kilonova.contract.placement import Placement
from kilonova.contract.scheduler import Scheduler
from kilonova.db.database import Database
from kilonova.model.ids import HostName
from kilonova.peers.identity import IdentityClient
from kilonova.peers.image import ImageClient
from kilonova.peers.network import NetworkClient
from kilonova.peers.volume import VolumeClient


@dataclass(frozen=True, kw_only=True)
class World:
    """`new_id` makes uuids, `secret` passwords of so many characters; `compute` reaches one host's agent;
    `events` tells every api process of a change, `stream` is what this one tells its listeners.

    Without `identity` every project named in a call counts as there; without `placement` a host that is taken out of
    the record stays known to it.
    """

    db: Database
    conductor: Conductor
    scheduler: Scheduler
    consoleauth: ConsoleAuth
    compute: Callable[[HostName], Compute]
    image: ImageClient
    network: NetworkClient
    volume: VolumeClient
    events: EventListener
    stream: EventStream
    clock: Clock
    tasks: Tasks
    policy: Policy
    settings: Settings
    new_id: Callable[[], str]
    secret: Callable[[int], str]
    identity: IdentityClient | None = None
    placement: Placement | None = None
    # A token of the compute service's own user, for what callers may not see.
    service_token: Callable[[], Awaitable[str]] | None = None
