"""What the conductor's sagas work with."""

from collections.abc import Callable

from kilonova.aio.clock import Clock
from kilonova.conductor.hosts import Hosts
from kilonova.conductor.neighbours import Neighbours
from kilonova.contract.compute import Compute
from kilonova.contract.console import ConsoleAuth
from kilonova.contract.placement import Placement
from kilonova.contract.scheduler import Scheduler
from kilonova.db.database import Database
from kilonova.model.ids import HostName


class World:
    """Given by launch: the services as proxies, the neighbours as REST clients, the database, the clock."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        scheduler: Scheduler,
        placement: Placement,
        console: ConsoleAuth,
        compute: Callable[[HostName], Compute],
        neighbours: Neighbours,
        hosts: Hosts,
        shutdown_timeout_s: float = 60.0,
        resize_to_same_host: bool = True,
        max_attempts: int = 3,
    ) -> None:
        self.db = db
        self.clock = clock
        self.scheduler = scheduler
        self.placement = placement
        self.console = console
        self.compute = compute
        self.neighbours = neighbours
        self.hosts = hosts
        self.shutdown_timeout_s = shutdown_timeout_s
        self.resize_to_same_host = resize_to_same_host
        self.max_attempts = max_attempts
